"""How many examples are computed at once, and parts of arrays one after the other; the same on every backend."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from keras_reprise.base.arrays import may_change
from keras_reprise.base.machine import threads

EVALUATION_BATCH = 500
EXAMPLES_PER_SHARD = 25
SHARDS = 4  # of a batch of 100
KEPT_BYTES = 256 * 2**20
"""Examples for evaluation that are at most so large stay on the device between the epochs."""

SCALED_AT_ONCE_BYTES = 256 * 2**20


def scaled_at_once(stored: np.ndarray) -> bool:
    """Whether examples are few enough to lie on the device as float32:
    scaling every batch anew costs a small network 10 %."""
    return 4 * stored.size <= SCALED_AT_ONCE_BYTES


Placed = TypeVar("Placed")


class LatestPlaced(Generic[Placed]):
    """Where examples lie on the device: those that were asked for last stay there.

    What is evaluated after every epoch is moved and scaled once.
    """

    def __init__(self) -> None:
        self._latest: tuple[np.ndarray, np.ndarray, Placed] | None = None

    def get(self, x: np.ndarray, y: np.ndarray, place: Callable[[np.ndarray, np.ndarray], Placed]) -> Placed:
        """Where `x` and `y` lie, else what `place` gives for them; always that, where they may have changed."""
        if self._latest is None or self._latest[0] is not x or self._latest[1] is not y or may_change(x, y):
            self._latest = None  # lets go of the former before there are two
            self._latest = x, y, place(x, y)
        return self._latest[2]


def in_batches(
    call: Callable[..., Sequence[object]], batch: int | None, *arrays: np.ndarray
) -> list[list[np.ndarray | None]]:
    """What `call` gives for the arrays (n, ...), in parts of `batch` examples (None: all at once), as NumPy arrays."""
    import keras

    n, found = len(arrays[0]), []
    for start in range(0, n, batch or n):
        parts = (keras.ops.convert_to_tensor(array[start : start + (batch or n)]) for array in arrays)
        results = call(*parts)
        found.append([None if value is None else keras.ops.convert_to_numpy(value) for value in results])
    return found


def outputs_and_mask(parts: Sequence[Sequence[np.ndarray | None]]) -> tuple[np.ndarray, np.ndarray | None]:
    """The outputs (n, ...) and their mask, if they have one, from those of parts of the examples."""
    outputs, masks = ([one for one in column if one is not None] for column in zip(*parts, strict=True))
    return np.concatenate(outputs), np.concatenate(masks) if masks else None


def shard_count(batch_size: int) -> int:
    """Into how many parts a batch is cut on this CPU: one per core, none below 25 examples."""
    return max(1, min(threads(), batch_size // EXAMPLES_PER_SHARD))


def output_gradient(shape: Sequence[int]) -> np.ndarray:
    """A fixed standard normal gradient of outputs of this shape, for timing a backward pass."""
    return np.random.default_rng(0).standard_normal(tuple(shape), np.float32)
