"""What of a run over Ray is on a node: a worker process, and the relay between it and the driver."""

import contextlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from keras_reprise.base.errors import DataError, UserError
from keras_reprise.base.files import own_temporary_folder, write_atomically
from keras_reprise.base.machine import THREAD_VARIABLES
from keras_reprise.datasets import registry
from keras_reprise.datasets.published import PublishedFiles
from keras_reprise.run import messages
from keras_reprise.run.executors.local import Share, WorkerProcess

REPLIES_WITHIN_S = 5.0  # how long an actor waits for its worker before it answers with nothing
KEPT_DAYS = 14
MARK = "same-file-system"


class Post:
    """A worker process on a node, and the relay between it and the driver; Ray makes an actor of it."""

    def __init__(self, setup: bytes, share: Share, variables: Mapping[str, str], mark: str) -> None:
        """`variables` are the driver's settings of threads; `mark` tells whether its cache can be seen from here."""
        told = messages.decode_task(setup)
        assert isinstance(told, messages.Setup)
        own = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
        self.cache = None if _reads(Path(told.cache) / MARK, mark) else _own_cache()
        told = msgspec.structs.replace(told, cache=str(self.cache or told.cache))
        self.data_dir = Path(told.data_dir) if told.data_dir else None
        self.data_here: set[str] = set()
        self.worker = WorkerProcess(told, share, own | dict(variables))

    def exchange(self, task: bytes | None) -> list[bytes]:
        """Give the worker a task, if there is one; returns what it replied meanwhile, after waiting a while."""
        if task is not None:
            told = messages.decode_task(task)
            needed = data_needed(told)
            if needed is not None and not self._has_data(needed):
                return []
            if isinstance(told, messages.Assemble) and self.cache:
                shutil.rmtree(self.cache / told.replay.folder, ignore_errors=True)  # the driver has all arms
            assert not isinstance(told, messages.Setup)
            self.worker.send(told)
        replies = []
        wait_s = REPLIES_WITHIN_S
        while self.worker.connection.poll(wait_s):
            reply = self.worker.receive()
            replies.append(messages.encode(reply))
            if reply.last:
                break
            wait_s = 0.0
        return replies

    def lacks_data(self, name: str) -> bool:
        """Whether this node has to be sent the data set."""
        return not self._has_data(registry.published()[name])

    def bring(self, name: str, files: Mapping[str, bytes] | None) -> str:
        """Put a data set into this node's cache, or fetch it from its publisher (None); returns what went wrong."""
        published = registry.published()[name]
        try:
            if files is None:
                published.fetch()
            else:
                for file, content in files.items():
                    write_atomically(published.cache / file, content)
                published.verify(published.cache)
        except UserError as error:
            return str(error)
        return ""

    def _has_data(self, published: PublishedFiles) -> bool:
        if published.name not in self.data_here:
            with contextlib.suppress(DataError):
                published.find(self.data_dir)
                self.data_here.add(published.name)
        return published.name in self.data_here


def data_needed(task: messages.Setup | messages.Task | None) -> PublishedFiles | None:
    """The data set whose files a node must have for the task; None when it needs none."""
    if isinstance(task, messages.Measure | messages.Assemble):
        name = task.replay.data
    else:
        name = task.data if isinstance(task, messages.ReadData) and task.arms else None
    return registry.published().get(name) if name else None


def _reads(path: Path, text: str) -> bool:
    with contextlib.suppress(OSError):
        return path.read_text() == text
    return False


def _own_cache() -> Path:
    """A folder of this node for training states; what nobody touched for two weeks is removed."""
    cache = own_temporary_folder() / "cache"
    (cache / "replicates").mkdir(parents=True, exist_ok=True)
    for folder in (cache / "replicates").iterdir():
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > KEPT_DAYS * 24 * 3600:
                shutil.rmtree(folder, ignore_errors=True)
    return cache
