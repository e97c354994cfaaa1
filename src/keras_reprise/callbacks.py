"""For `model.fit` elsewhere: the rule by which this package's engine stops training that diverges."""

import math
from collections.abc import Mapping

import keras


class AbortAboveInitial(keras.callbacks.Callback):  # type: ignore[misc]
    """Stop `model.fit` once a batch's loss is not finite or above `factor` times the first batch's.

    `stopped_at` is the number of the batch (from 1) at which training was stopped, None if it was not. Keras reports
    the mean over the epoch's batches so far, from which the batch's own loss is computed. Source: document 003
    (003:605).
    """

    def __init__(self, factor: float = 3.0) -> None:
        super().__init__()
        self.factor = factor
        self.stopped_at: int | None = None

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._first, self._batch, self.stopped_at = math.nan, 0, None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._sum, self._in_epoch = 0.0, 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        self._batch, self._in_epoch = self._batch + 1, self._in_epoch + 1
        total = float(logs["loss"]) * self._in_epoch
        loss, self._sum = total - self._sum, total
        if self._batch == 1:
            self._first = loss
        if not math.isfinite(loss) or loss > self.factor * self._first:
            self.stopped_at = self._batch
            self.model.stop_training = True
