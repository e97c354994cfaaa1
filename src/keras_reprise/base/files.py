"""Files that are whole or not there, whatever happens while they are written."""

import contextlib
import os
import tempfile
import time
from pathlib import Path

from keras_reprise.base.errors import StoreError

TEMPORARY = ".tmp-"
LEFT_FOR_S = 3600.0


def own_cache() -> Path | None:
    """The user's own folder for what can be made again; None for a user without a home. What came with a store never
    lies there."""
    import pooch

    folder = Path(pooch.os_cache("keras-reprise"))
    return folder if folder.is_absolute() else None  # "~" stays where nothing says whose it is


def make_folder(folder: Path) -> None:
    """Make `folder` for output, and fail now, with a message, when nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StoreError(
            f"Nothing can be written to {folder}: {error.strerror or error}.\n"
            "Give another folder, free space, or change its permissions."
        ) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file beside `path`, flush it to disk, and rename it: a reader sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise StoreError(
            f"{path.name} could not be written: {error.strerror}.\n"
            "What was finished before is kept; free space or permissions and run the command again."
        ) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def sweep(folder: Path) -> None:
    """Remove what writes that were killed left below `folder`, once nobody can be at it any more."""
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.startswith(TEMPORARY):
                with contextlib.suppress(OSError):
                    path = Path(parent, name)
                    if abs(time.time() - path.stat().st_mtime) > LEFT_FOR_S:  # of either sign: clocks may jump
                        path.unlink()


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
