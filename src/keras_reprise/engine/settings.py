"""What is trained, and what was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset
from keras_reprise.engine.order import Order
from keras_reprise.engine.probes import Probe
from keras_reprise.schedules import Plateau, Schedule, constant

if TYPE_CHECKING:
    import keras

DIVERGED_FACTOR = 3.0

Rate = float | Schedule | Plateau | None
"""A rate per update, a schedule over epochs, a rate that follows a curve; None leaves the optimizer's own."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """All that `train` was asked for beside the model, the data and the optimizer;
    its docstring says what each means."""

    epochs: int
    batch_size: int
    learning_rate: Rate = None
    order: Order = Order()
    penalty: float = 1.0
    sample_epochs: frozenset[int] = frozenset()
    sample_size: int = 0
    probes: tuple[Probe, ...] = ()
    metrics: "tuple[keras.metrics.Metric, ...]" = ()
    diverged_factor: float | None = DIVERGED_FACTOR
    streamed: bool | None = None

    def rates(self, epoch: int, updates: int, curves: Mapping[str, Sequence[float]]) -> np.ndarray | None:
        """The rate of each update of `epoch` (counted from 1); None leaves the optimizer's own."""
        rate = self.learning_rate
        if rate is None:
            return None
        if isinstance(rate, Plateau):
            return np.full(updates, rate.after(curves) if epoch > 1 else rate.rate, np.float32)
        schedule = constant(rate) if isinstance(rate, int | float) else rate
        return schedule((epoch - 1) + np.arange(updates) / updates).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """A model to be trained by an optimizer on a data set."""

    model: "keras.Model"
    optimizer: "keras.optimizers.Optimizer"
    loss: "keras.losses.Loss"
    data: Dataset
    seeds: Seeds
    settings: TrainingSettings

    @property
    def updates(self) -> int:
        """Updates in an epoch."""
        return self.settings.order.updates(len(self.data.stored_train), self.settings.batch_size)

    def orders(self, epoch: int) -> list[np.ndarray]:
        """The passes of an epoch; see `Order.of_epoch`."""
        return self.settings.order.of_epoch(self.seeds, self.data.y_train, epoch)
