"""Workers on the machines of a Ray cluster.

On every node Ray holds the resources: one actor for each worker, with its CPUs or a GPU. The actor itself computes nothing and
never imports Keras; beside it runs the same worker process as on a single machine, and it passes on what the driver and that
process say to each other. So an arm can crash, hang or run out of memory without taking Ray's process along, Keras is imported
once per worker, and records do not depend on who launched them.
"""

import contextlib
import getpass
import logging
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from keras_reprise.base import checkout
from keras_reprise.base.errors import DataError, MeasurementError, UserError
from keras_reprise.base.files import write_atomically
from keras_reprise.base.machine import THREAD_VARIABLES, usable_cores
from keras_reprise.datasets import registry
from keras_reprise.datasets.published import PublishedFiles
from keras_reprise.run import messages
from keras_reprise.run.executors import Deliver
from keras_reprise.run.executors.local import Share, WorkerProcess

SEEN_EVERY_S = 2.0  # how often the cluster is asked for its nodes
HEAD_AWAY_S = 20.0  # after which a head that does not answer is given up; Ray itself ends the process after a minute
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
        """Give the worker a task, if there is one, and return what it replied meanwhile, after waiting for it a while."""
        if task is not None:
            told = messages.decode_task(task)
            needed = _published(told)
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
        """Put a data set into this node's Keras cache, or fetch it from its publisher (None); returns what went wrong."""
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


def _published(task: messages.Setup | messages.Task | None) -> PublishedFiles | None:
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
    cache = Path(tempfile.gettempdir()) / f"keras-reprise-{getpass.getuser()}" / "cache"
    (cache / "replicates").mkdir(parents=True, exist_ok=True)
    for folder in (cache / "replicates").iterdir():
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > KEPT_DAYS * 24 * 3600:
                shutil.rmtree(folder, ignore_errors=True)
    return cache


def _answers(address: str | None) -> None:
    """OSError unless something listens at host:port; Ray itself would try for minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


@dataclass(eq=False)
class RaySlot:
    """One worker of a node, as the driver sees it."""

    machine: str
    node: str
    number: int
    actor: Any
    replies: Any = None  # the call that is under way
    task: messages.Task | None = None
    closed: bool = False

    def send(self, task: messages.Task) -> None:
        self.task = task
        self.replies = self.actor.exchange.remote(messages.encode(task))

    def listen(self) -> None:
        self.replies = self.actor.exchange.remote(None)

    def close(self) -> None:
        import ray

        self.closed, self.replies = True, None
        ray.kill(self.actor)


class RayExecutor:
    """Slots on every node of a Ray cluster: one for each GPU, else `workers` (None: one) that share the node's CPUs.

    `address` is that of a cluster; None starts one on this machine for the time of the run. Nodes may come and go.
    """

    def __init__(
        self,
        setup: messages.Setup,
        *,
        address: str | None = None,
        workers: int | None = None,
        threads: int | None = None,
    ) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        try:
            import ray
        except ImportError as error:
            raise UserError("--executor ray needs Ray.\nInstall it: pip install 'keras-reprise[ray]'.") from error
        self.ray, self.workers, self.threads = ray, workers, threads
        self.setup = msgspec.structs.replace(setup, backend=setup.backend or os.environ.get("KERAS_BACKEND"))
        self.mark = secrets.token_hex(16)
        write_atomically(Path(setup.cache) / MARK, self.mark.encode())
        package = str(checkout.PACKAGE)
        # Without a working folder Ray puts the current one first on Python's path everywhere, and a string.py there in the place
        # of Python's own.
        empty = Path(setup.cache) / "empty"
        empty.mkdir(exist_ok=True)
        options: dict[str, Any] = {"include_dashboard": False, "num_cpus": usable_cores()} if address is None else {}
        try:
            _answers(address)
            ray.init(
                address or "local", log_to_driver=False, logging_level=logging.ERROR,
                runtime_env={"py_modules": [package], "working_dir": str(empty)}, **options,
            )  # fmt: skip
        except (OSError, ValueError, RuntimeError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            if address is None:
                raise UserError(
                    f"Ray could not be started here: {why}\nRun without --executor ray, or start it by hand with `ray start --head` and give --address auto."
                ) from error
            raise UserError(
                f"There is no Ray cluster at {address}: {why}\nStart one with `ray start --head`, or leave --address out: one is then started on this machine."
            ) from error
        self.head = ray.get_runtime_context().gcs_address
        self.head_seen, self.head_there = time.monotonic(), True
        self.posts: list[RaySlot] = []
        self.alone = False
        self.nodes: list[dict[str, Any]] = []
        self.nodes_seen = -SEEN_EVERY_S
        self.data: dict[str, Any] = {}  # the files of data sets, as Ray holds them

    def slots(self, *, alone: bool = False) -> Sequence[RaySlot]:
        if alone != self.alone:
            self._end_all()
            self.alone = alone
        self.posts = [post for post in self.posts if not post.closed]
        if time.monotonic() - self.nodes_seen >= SEEN_EVERY_S:
            self.nodes_seen = time.monotonic()
            self.head_there = self._head_answers()
            if self.head_there:
                self.nodes = [one for one in self.ray.nodes() if one["Alive"] and one["Resources"].get("CPU", 0) >= 1]
        taken = {(post.node, post.number) for post in self.posts}
        for node in self.nodes if self.head_there else ():
            for number, resources in enumerate(self._divided(node)):
                if (node["NodeID"], number) not in taken:
                    self.posts.append(self._start(node, number, resources))
        return list(self.posts)

    def _head_answers(self) -> bool:
        """Whether the cluster can be asked; MeasurementError when it has ended."""
        try:
            _answers(self.head)
        except OSError as error:
            if time.monotonic() - self.head_seen > HEAD_AWAY_S:
                raise MeasurementError(
                    f"The head of the Ray cluster at {self.head} is gone.\nFinished arms are kept. Start a cluster and run the same command again."
                ) from error
            return False
        self.head_seen = time.monotonic()
        return True

    def _divided(self, node: Mapping[str, Any]) -> list[dict[str, int]]:
        """What each worker of a node holds of its CPUs and GPUs."""
        cpus, gpus = int(node["Resources"]["CPU"]), int(node["Resources"].get("GPU", 0))
        if self.alone:
            return [{"num_cpus": cpus, "num_gpus": min(gpus, 1)}]
        count = min(cpus, gpus if gpus and not self.workers else self.workers or 1)
        return [{"num_cpus": cpus // count, "num_gpus": 1 if number < gpus else 0} for number in range(count)]

    def _start(self, node: Mapping[str, Any], number: int, resources: Mapping[str, int]) -> RaySlot:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        where = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        threads = resources["num_cpus"] if self.alone else self.threads or resources["num_cpus"]
        variables = {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
        actor = self.ray.remote(Post).options(scheduling_strategy=where, **resources)
        share = Share(threads)
        post = RaySlot(
            str(node["NodeManagerHostname"]), node["NodeID"], number,
            actor.remote(messages.encode(self.setup), share, variables, self.mark),
        )  # fmt: skip
        post.listen()
        return post

    def wait(self, seconds: float, deliver: Deliver) -> None:
        calls = {post.replies: post for post in self.posts if post.replies is not None}
        if not calls:
            return time.sleep(seconds)
        done, _ = self.ray.wait(list(calls), num_returns=len(calls), timeout=0)
        if not done:
            done, _ = self.ray.wait(list(calls), timeout=seconds)
        for call in done:
            self._hear(calls[call], call, deliver)

    def _hear(self, post: RaySlot, call: Any, deliver: Deliver) -> None:
        post.replies = None
        try:
            replies = [messages.decode_reply(content) for content in self.ray.get(call)]
            if not replies and post.task is not None and self._bring_data(post):
                return post.send(post.task)
        except self.ray.exceptions.RayError as error:
            post.closed = True
            self.nodes_seen = -SEEN_EVERY_S
            return deliver(post, messages.Lost(f"{post.machine} is lost ({type(error).__name__})"))
        except DataError as error:
            return deliver(post, messages.Refused("DataError", str(error)))
        for reply in replies:
            if isinstance(reply, messages.Crashed):
                post.close()
            elif reply.last:
                post.task = None
            deliver(post, reply)
        if not post.closed and post.replies is None and (post.task is not None or not replies):
            post.listen()

    def _bring_data(self, post: RaySlot) -> bool:
        """Send the node the data set that the task needs, if it lacks it; whether it did."""
        task = post.task
        needed = _published(task)
        if needed is None or not self.ray.get(post.actor.lacks_data.remote(needed.name)):
            return False
        if needed.name not in self.data:
            with contextlib.suppress(DataError):
                folder = needed.find(Path(self.setup.data_dir) if self.setup.data_dir else None)
                self.data[needed.name] = self.ray.put({file: (folder / file).read_bytes() for file in needed.md5})
        if failure := self.ray.get(post.actor.bring.remote(needed.name, self.data.get(needed.name))):
            raise DataError(f"{post.machine} lacks {needed.title}, and so does this machine.\n{failure}")
        return True

    def _end_all(self) -> None:
        for post in self.posts:
            if not post.closed:
                post.close()
        self.posts = []

    def close(self) -> None:
        if self.head_there:
            with contextlib.suppress(self.ray.exceptions.RayError):
                self._end_all()
        self.ray.shutdown()
