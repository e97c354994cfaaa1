"""Files that are whole or not there, whatever happens while they are written."""

import contextlib
import errno
import os
import stat
import tempfile
import time
from pathlib import Path

from keras_reprise.base.errors import StoreError

TEMPORARY = ".tmp-"
LEFT_FOR_S = 3600.0


def own_cache() -> Path | None:
    """The user's own folder for what can be made again, made at need; what came with a store never lies there.

    A temporary one for a user without a home that he can write to; None where there is neither.
    """
    import platformdirs

    with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: nothing says where his home is
        folder = Path(platformdirs.user_cache_dir("keras-reprise"))
        if folder.is_absolute():  # older versions leave a "~"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.access(require_own(folder), os.W_OK):
                return folder
    with contextlib.suppress(OSError):
        return own_temporary_folder()
    return None


def own_temporary_folder() -> Path:
    """A folder of this user for what processes of this machine share, made at need; OSError when it is not his.

    It is named by number where there is one: a container's user may have no name.
    """
    user = str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir()) / f"keras-reprise-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return require_own(folder)


def require_own(folder: Path) -> Path:
    """The folder; PermissionError when it is a link, or others can write to it."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_mode & stat.S_IWOTH:
        raise PermissionError(errno.EPERM, f"{folder} is no folder that only its owner writes to")
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, f"{folder} is somebody else's")
    return folder


def read_plain(path: Path, most: int) -> bytes:
    """The content of a plain file of at most `most` bytes; OSError that says so for anything else.

    A link is not followed, and nothing that could wait or never end is read: no pipe, no device.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link, not a plain file") from error
        raise
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a plain file")
        content = b"" if status.st_size > most else file.read(most + 1)
        if status.st_size > most or len(content) > most:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
        return content


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
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        _remove(temporary)
        raise StoreError(
            f"{path.name} could not be written: {error.strerror or error}.\n"
            "What was finished before is kept; free space or permissions and run the command again."
        ) from error
    except BaseException:
        _remove(temporary)
        raise
    _sync_folder(path.parent)


def _remove(temporary: str) -> None:
    """Remove a temporary file, if one was made."""
    with contextlib.suppress(OSError):
        if temporary:
            Path(temporary).unlink()


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
