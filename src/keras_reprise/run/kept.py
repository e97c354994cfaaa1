"""What an interrupted run leaves behind: finished arms and training state, in the store's git-ignored cache.

Everything here can be deleted at any time; it costs the time to compute it again. It is sealed: what another user, or
who made the store, put there is not taken for what was measured here. The cache of a replicate is removed
once its record is written.
"""

import contextlib
import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from keras_reprise.base import seals
from keras_reprise.base.errors import StoreError
from keras_reprise.base.files import read_plain, write_atomically
from keras_reprise.record.fields import Strict, Timestamp
from keras_reprise.record.schema import ArmData, DataRef

MOST_BYTES = 2**34  # of a training state


@dataclass(frozen=True)
class KeptArm:
    """A finished arm: `result` as `measure_arm` gives it, and the data that it made for itself."""

    result: dict[str, object]
    made: list[DataRef]


class _Form(Strict, frozen=True):
    """The form of what `measure_arm` gives."""

    arm: ArmData
    digest: str
    started_at: Timestamp
    finished_at: Timestamp
    load: dict[str, float | None]
    unseeded: list[str] = []
    made: list[DataRef] = []


class ReplicateCache:
    """Finished arms and checkpoints of one replicate, keyed by all that decides its numbers."""

    def __init__(self, folder: Path, **facts: object) -> None:
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        self.name = f"replicates/{key[:24]}"
        self.folder = folder / self.name

    def load_arm(self, name: str) -> KeptArm | None:
        """What was saved of the arm, or None; a file that is not what this user's `save_arm` wrote counts as none."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            kept = read_plain(self.folder / f"arm-{name}.json", MOST_BYTES)
            if (content := seals.opened(kept, self.name, name)) is None:
                return None
            return KeptArm(made=msgspec.json.decode(content, type=_Form).made, result=json.loads(content))
        return None

    def save_arm(self, name: str, result: dict[str, object]) -> None:
        content = seals.seal(json.dumps(result, allow_nan=False).encode(), self.name, name)
        write_atomically(self.folder / f"arm-{name}.json", content)

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class Checkpoints:
    """Training states at epoch borders, named by the hash of all that led to them; `tell` hears why one is not kept."""

    def __init__(self, folder: Path, tell: Callable[[StoreError], object] | None = None) -> None:
        self.folder, self._tell = folder, tell
        self._passing: Path | None = None

    def load(self, keys: Sequence[str]) -> tuple[str, dict[str, np.ndarray]] | None:
        """The latest of `keys` (in order of epochs) that is kept, with its arrays."""
        for key in reversed(keys):
            path = self.folder / f"{key[:24]}.npz"
            with contextlib.suppress(OSError, ValueError, KeyError, zipfile.BadZipFile):
                content = seals.opened(read_plain(path, MOST_BYTES), key)
                if content is not None:
                    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                        return key, dict(arrays)
        return None

    def save(self, key: str, arrays: dict[str, np.ndarray], *, keep: bool) -> None:
        """Keep a state; one that is not to be kept for other arms replaces the one before."""
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        path = self.folder / f"{key[:24]}.npz"
        try:
            write_atomically(path, seals.seal(buffer.getvalue(), key))
        except StoreError as error:
            if self._tell is not None:
                self._tell(error)
            raise
        if self._passing is not None and self._passing != path:
            self._passing.unlink(missing_ok=True)
        self._passing = None if keep else path
