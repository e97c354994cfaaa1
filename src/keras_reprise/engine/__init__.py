"""The training engine: one compiled call per epoch, the same numbers as `keras.Model.fit` given the same batches."""

from keras_reprise.engine.gradients import Gradients, gradients
from keras_reprise.engine.training import History, evaluate, train

__all__ = ["Gradients", "History", "evaluate", "gradients", "train"]
