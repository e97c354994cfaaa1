"""The training engine: one compiled call per epoch, the same numbers as `keras.Model.fit` given the same batches."""

from keras_reprise.engine.ensemble import Member, train_together
from keras_reprise.engine.gradients import Gradients, gradients
from keras_reprise.engine.history import History, Reached, Timing
from keras_reprise.engine.order import Order
from keras_reprise.engine.probes import Moment, activation_statistics, gradient_statistics, update_ratios, weight_norms
from keras_reprise.engine.stopping import Patience, Target
from keras_reprise.engine.timing import timed_calls
from keras_reprise.engine.training import evaluate, snapshot, train

__all__ = [
    "Gradients",
    "History",
    "Member",
    "Moment",
    "Order",
    "Patience",
    "Reached",
    "Target",
    "Timing",
    "activation_statistics",
    "evaluate",
    "gradient_statistics",
    "gradients",
    "snapshot",
    "timed_calls",
    "train",
    "train_together",
    "update_ratios",
    "weight_norms",
]
