"""What a training needs of whoever asked for it, and what it tells them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset
from keras_reprise.engine.history import History
from keras_reprise.engine.randomness import unseeded

if TYPE_CHECKING:
    import keras


class CheckpointStore(Protocol):
    """Where the state at an epoch border is kept; `run.kept.Checkpoints` is one."""

    def load(self, keys: Sequence[str]) -> tuple[str, dict[str, np.ndarray]] | None: ...

    def save(self, key: str, arrays: dict[str, np.ndarray], *, keep: bool) -> None: ...


class Session(Protocol):
    """What training needs of a replicate; `measure.replicate.Replicate` is one."""

    seeds: Seeds
    checkpoints: CheckpointStore | None

    def progress(self, epoch: int, epochs: int, loss: float) -> None: ...

    def note_training(self, history: History, digest: str, model: "keras.Model") -> None: ...

    # At will, called or read before each training: note_data(data, epochs), a history that it returns stands for the
    # training; note_unseeded(names), what draws without a seed; place, which training of which arm this is; latest, a
    # `LatestProgram`, by which the same model may be trained again without compiling.


def noted(session: Session, data: Dataset, epochs: int) -> History | None:
    """Tell the session what is trained on, if it wants to know;
    a rehearsal gives a history in the place of training."""
    note = getattr(session, "note_data", None)
    found: History | None = note(data, epochs) if note and isinstance(data, Dataset) else None
    return found


def note_unseeded(session: Session, model: "keras.Model") -> None:
    """Tell the session what of the model draws without a seed, if it wants to know."""
    note = getattr(session, "note_unseeded", None)
    if note is not None and (names := unseeded(model)):
        note(names)
