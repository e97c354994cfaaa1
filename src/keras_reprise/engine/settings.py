"""What a training was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_reprise.engine.order import Order
from keras_reprise.engine.probes import Probe
from keras_reprise.schedules import Plateau, Schedule


@dataclass(frozen=True)
class Settings:
    """All that `train` was asked for beside the model, the data and the optimizer."""

    epochs: int
    batch_size: int
    learning_rate: Schedule | Plateau | None
    order: Order
    penalty: float
    sample_epochs: frozenset[int]
    sample_size: int
    probes: tuple[Probe, ...]
    metrics: tuple[Any, ...]
    diverged_factor: float | None
    streamed: bool | None

    def rates(self, epoch: int, updates: int, curves: Mapping[str, Sequence[float]]) -> np.ndarray | None:
        """The rate of each update of `epoch` (counted from 1); None leaves the optimizer's own."""
        if self.learning_rate is None:
            return None
        if isinstance(self.learning_rate, Plateau):
            return np.full(
                updates, self.learning_rate.after(curves) if epoch > 1 else self.learning_rate.rate, np.float32
            )
        return self.learning_rate((epoch - 1) + np.arange(updates) / updates).astype(np.float32)
