"""Training continued: what names the state at an epoch border, and how it goes into and comes from a checkpoint."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

import msgspec
import numpy as np

from keras_reprise.datasets import Dataset
from keras_reprise.engine.history import History
from keras_reprise.record.histogram import Histogram


class Keys:
    """One key per epoch: the hash of all that decides the state there. Runs that agree so far share their keys."""

    def __init__(
        self, parts: Sequence[str | None], data: Dataset, state: Sequence[np.ndarray], **facts: object
    ) -> None:
        described = [
            list(parts),
            data.content_sha256,
            data.image_shape,
            None if data.scaling is None else digest([np.asarray(value) for value in data.scaling]),
            digest(state),
            facts,
        ]
        self._running = hashlib.sha256(json.dumps(described, default=repr).encode())
        self._running.update(np.ascontiguousarray(data.stored_train[:16]).tobytes())
        self.keys = [self._running.hexdigest()]

    def add(self, rates: np.ndarray | None) -> None:
        """The next epoch, with the rates that are known beforehand (None: they follow from what came before)."""
        self._running.update(b"own" if rates is None else rates.tobytes())
        self.keys.append(self._running.hexdigest())


def packed(state: Sequence[np.ndarray], history: History, first_loss: float) -> dict[str, np.ndarray]:
    """State and history at an epoch border as arrays."""
    numbers = {
        "curves": history.curves,
        "initial": history.initial,
        "histograms": {name: msgspec.structs.asdict(histogram) for name, histogram in history.histograms.items()},
        "updates": history.updates,
        "examples": history.examples,
        "first_loss": first_loss,
        "timing": asdict(history.timing),
    }
    arrays = {f"state_{i}": _storable(value) for i, value in enumerate(state)}
    arrays |= {f"train_{epoch}": values for epoch, values in history.train_losses.items()}
    return arrays | {
        "numbers": np.array(json.dumps(numbers)),
        "test_losses": history.test_losses,
        "test_wrong": history.test_wrong,
        "update_losses": history.update_losses,
    }


def _storable(array: np.ndarray) -> np.ndarray:
    """The array; bfloat16, which NumPy's files do not hold, as float32, which holds it exactly."""
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def unpacked(arrays: dict[str, np.ndarray], history: History) -> tuple[list[np.ndarray], float]:
    """Put what `packed` gave back into `history`; returns the state and the first update's loss."""
    numbers = json.loads(str(arrays["numbers"]))
    for name in ("curves", "initial", "updates", "examples"):
        setattr(history, name, numbers[name])
    history.histograms = {name: Histogram(**histogram) for name, histogram in numbers["histograms"].items()}
    for name, value in numbers["timing"].items():
        setattr(history.timing, name, value)
    history.test_losses, history.test_wrong = arrays["test_losses"], arrays["test_wrong"]
    history.update_losses = arrays["update_losses"]
    history.train_losses = {int(name[6:]): values for name, values in arrays.items() if name.startswith("train_")}
    n = sum(name.startswith("state_") for name in arrays)
    return [arrays[f"state_{i}"] for i in range(n)], numbers["first_loss"]


def digest(state: Sequence[np.ndarray]) -> str:
    """The sha256 of all arrays."""
    found = hashlib.sha256()
    for array in state:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
