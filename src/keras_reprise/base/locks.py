"""Locks: one run at a time for each recipe of a store, and timings alone on their machine."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, ReadWriteLock, Timeout

from keras_reprise.base.errors import StoreError
from keras_reprise.base.files import own_temporary_folder
from keras_reprise.base.presence import present


@contextlib.contextmanager
def only_run(folder: Path, name: str, what: str) -> Iterator[None]:
    """Hold the lock `name` of a folder while running `what`; StoreError when another process has it.

    Freed when a process dies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreError(
            f"Another `reprise run` is measuring {what} for this store.\n"
            "Two at once would do the same work and disturb each other's timings.\n"
            "Wait for it to end, or give this one another --store; stores can be merged."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def machine(*, alone: bool, say: Callable[[str], None]) -> Iterator[Callable[[], bool | None]]:
    """Share this user's machine with other runs, or have it `alone`, as timings need; waits for those who are there.

    Gives a function that tells whether no other was there so far (None: not known). Only runs of this package are
    known. Freed when a process dies.
    """
    try:
        folder = own_temporary_folder()
    except OSError as error:
        raise StoreError(
            f"Runs on this machine cannot be told from each other: {error.strerror or error}.\n"
            "Set TMPDIR to a folder of your own."
        ) from error
    lock = ReadWriteLock(folder / "machine.db")
    acquire = lock.acquire_write if alone else lock.acquire_read
    try:
        acquire(blocking=False)
    except Timeout:
        say("Another run is on this machine, and timings need it alone: waiting for its end.")
        acquire()
    try:
        if alone:
            yield lambda: True
        else:
            with present(folder) as nobody_else:
                yield nobody_else
    finally:
        lock.release()
