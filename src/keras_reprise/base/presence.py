"""Whether other runs were on this machine while this one measured, though it did not ask to have the machine alone.

Every measurement is a locked file of its own while it lasts, and adds a byte to the arrivals when it begins. Who
finds no other locked file when he has come, and no arrival but his own when he goes, was alone all the time.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def present(folder: Path) -> Iterator[Callable[[], bool | None]]:
    """Be here until the end; the function tells whether nobody else was since the beginning (None: not known)."""
    try:
        descriptor, mine = _arrive(folder / "present")
    except OSError:
        yield lambda: None
        return
    try:
        arrivals, others = _arrivals(folder, count_me=True), _others(mine)
        known = None not in (arrivals, others)
        yield lambda: not others and _arrivals(folder) == arrivals if known else None
    finally:
        mine.unlink(missing_ok=True)
        os.close(descriptor)


def _arrive(folder: Path) -> tuple[int, Path]:
    """A locked file in `folder`, open, which the system unlocks however this process ends."""
    folder.mkdir(exist_ok=True)
    while True:
        path = folder / f"{os.getpid()}-{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():  # else another took it for one that was left behind, before it was locked
            return descriptor, path
        os.close(descriptor)


def _others(mine: Path) -> bool | None:
    """Whether somebody else is here; None where that cannot be seen."""
    try:
        return any(_is_here(other) for other in mine.parent.iterdir() if other != mine)
    except OSError:
        return None


def _is_here(path: Path) -> bool:
    """Whether the file is locked; one that a dead process left is removed."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:  # gone meanwhile
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _arrivals(folder: Path, *, count_me: bool = False) -> int | None:
    """How many measurements have begun on this machine, with `count_me` this one too; None if they are not counted."""
    try:
        with (folder / "arrivals").open("ab" if count_me else "rb") as file:
            if count_me:
                file.write(b".")
                file.flush()
            return os.fstat(file.fileno()).st_size
    except OSError:
        return None
