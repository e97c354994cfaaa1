"""What a gate has measured so far, kept in the store's cache until it ends, so that one that was killed goes on.

A block of processes in which sides alternate is kept whole or not at all: no more than moments may lie
between its halves.
"""

import contextlib
import hashlib
import secrets
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec

from keras_reprise.base import package_code, seals
from keras_reprise.base.errors import StoreError
from keras_reprise.base.files import read_plain, write_atomically
from keras_reprise.base.git import git
from keras_reprise.gate.processes import Process, Task
from keras_reprise.gate.project import watched
from keras_reprise.store.store import Store

KEPT_DAYS = 3
MOST_BYTES = 2**28  # of the processes of a step


class Journal:
    """One gate's measurements by step ("first", "again"); `folder` None keeps nothing beyond this process.

    Of the sides in `crashes_stay` one that crashed is not tried again by a command that goes on.
    """

    def __init__(self, folder: Path | None = None, *, crashes_stay: Collection[str] = ()) -> None:
        self.folder, self.crashes_stay = folder, crashes_stay
        self.begun_here = False  # by this command, and not by one that was interrupted
        self._kept: dict[str, Sequence[Process]] = {}
        self._orders: dict[str, int] = {}

    def order_seed(self, step: str) -> int:
        """The number that draws the order of the step's processes: the one it was begun with."""
        if self.folder is None:
            return self._orders.setdefault(step, secrets.randbits(32))
        path = self.folder / f"{step}-order"
        with contextlib.suppress(OSError, ValueError):
            return int(read_plain(path, 100))
        drawn = secrets.randbits(32)
        write_atomically(path, str(drawn).encode())
        return drawn

    def processes(self, step: str, tasks: Sequence[Task]) -> list[Process]:
        """The processes of an earlier try that are still good: those of tasks whose whole block was measured."""
        found = self._read(step)
        crashed = {(p.suite, p.side) for p in found if p.error and p.side in self.crashes_stay}
        wanted = [task for task in tasks if (task.suite, task.side) not in crashed]
        sound = {(p.suite, p.side, p.round) for p in found if not p.error and not p.disturbed}
        blocks = _blocks(tasks)
        missing = {blocks[task] for task in wanted if (task.suite, task.side, task.round) not in sound}
        good = {(task.suite, task.side, task.round) for task in tasks if blocks[task] not in missing}
        return [process for process in found if (process.suite, process.side, process.round) in good]

    def _read(self, step: str) -> Sequence[Process]:
        if self.folder is None:
            return self._kept.get(step, [])
        try:
            kept = read_plain(self.folder / f"{step}.json", MOST_BYTES)
            return msgspec.json.decode(seals.opened(kept, self.folder.name, step) or b"", type=list[Process])
        except (OSError, ValueError, RecursionError):
            return []

    def keep(self, step: str, processes: Sequence[Process]) -> None:
        self._kept[step] = list(processes)
        if self.folder is not None:
            content = seals.seal(msgspec.json.encode(list(processes)), self.folder.name, step)
            write_atomically(self.folder / f"{step}.json", content)

    @contextlib.contextmanager
    def store(self, name: str) -> Iterator[Store]:
        """A store for a side's recipes: that of the earlier try, or one outside of any checkout, removed at the end."""
        if self.folder is not None:
            yield Store(self.folder / name)
            return
        folder = Path(tempfile.mkdtemp(prefix="reprise-gate-"))
        try:
            yield Store(folder / "results")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def drop(self, name: str) -> None:
        """Let what a side's recipes gave be measured anew by a command that goes on."""
        if self.folder is not None:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def forget(self) -> None:
        """The gate has ended."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def _blocks(tasks: Sequence[Task]) -> dict[Task, tuple[object, ...]]:
    """What is measured together: a process alone, or those of a suite's two rounds where sides take turns."""
    in_turns = len({task.side for task in tasks}) > 1
    return {t: (t.suite, t.round // 2) if in_turns else (t.suite, t.side, t.round) for t in tasks}


def journal(store: Store, *facts: object) -> Journal:
    """The journal of a gate of which all that decides its numbers is in `facts`, the state of the code here aside.

    Nothing is kept in a store that cannot be written, or of code that git does not know. Old journals are removed.
    """
    state = _state(Path.cwd(), store.root)
    if state is None:
        return Journal()
    key = hashlib.sha256(msgspec.json.encode([state, *facts], order="sorted")).hexdigest()[:24]
    return Journal(begun_folder(store, "gates-begun", key))


def begun_folder(store: Store, kind: str, key: str) -> Path | None:
    """A folder of the store's cache for what is kept until a command has ended, and for three days at most.

    None where nothing can be kept; StoreError where a link leads out of the store.
    """
    top = store.cached(kind)
    with contextlib.suppress(FileNotFoundError):
        for folder in top.iterdir():
            if time.time() - folder.stat().st_mtime > KEPT_DAYS * 24 * 3600:
                shutil.rmtree(folder, ignore_errors=True)
    try:
        store.make_writable()
    except StoreError:
        return None
    return sealed_folder(store.cached(kind, key))


def sealed_folder(folder: Path) -> Path:
    """The folder, emptied where it is not this user's command that made it."""
    mark = folder / "sealed"
    with contextlib.suppress(OSError):
        if seals.opened(read_plain(mark, 1000), folder.name) is not None:
            return folder
    shutil.rmtree(folder, ignore_errors=True)
    write_atomically(mark, seals.seal(b"", folder.name))
    return folder


def _state(folder: Path, results: Path) -> str | None:
    """The commit here and the content of every file that differs from it, what measuring writes aside.

    None without git.
    """
    commit = git(folder, "rev-parse", "HEAD")
    names = package_code.uncommitted(folder, watched(folder, results))
    if commit is None or names is None:
        return None
    digest = hashlib.sha256(commit.encode())
    for name in names:
        digest.update(name.encode(errors="surrogateescape"))
        with contextlib.suppress(OSError):
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()
