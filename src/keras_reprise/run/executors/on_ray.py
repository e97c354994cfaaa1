"""Workers on the machines of a Ray cluster.

On every node Ray holds the resources: one actor for each worker, with its CPUs or a GPU. The actor itself computes
nothing and never imports Keras; beside it runs the same worker process as on a single machine, and it passes on what
the driver and that process say to each other. So an arm can crash, hang or run out of memory without taking Ray's
process along, Keras is imported once per worker, and records do not depend on who launched them.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keras_reprise.base.errors import DataError
from keras_reprise.base.files import write_atomically
from keras_reprise.base.machine import THREAD_VARIABLES
from keras_reprise.run import messages
from keras_reprise.run.executors import Deliver
from keras_reprise.run.executors.local import Share
from keras_reprise.run.executors.ray_cluster import Cluster, Node, connected
from keras_reprise.run.executors.ray_post import MARK, Post, data_needed

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle


@dataclass(eq=False)
class RaySlot:
    """One worker of a node, as the driver sees it."""

    machine: str
    node: str
    number: int
    actor: "ActorHandle"
    replies: "ObjectRef | None" = None  # the call that is under way
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

    `mark` stands in the driver's cache, so that a node can tell whether it sees it. Nodes may come and go.
    """

    def __init__(
        self,
        cluster: Cluster,
        setup: messages.Setup,
        mark: str,
        *,
        workers: int | None = None,
        threads: int | None = None,
    ) -> None:
        self.cluster, self.setup, self.mark = cluster, setup, mark
        self.workers, self.threads = workers, threads
        self.posts: list[RaySlot] = []
        self.alone = False
        self.data: dict[str, ObjectRef] = {}  # the files of data sets, as Ray holds them

    def slots(self, *, alone: bool = False) -> Sequence[RaySlot]:
        if alone != self.alone:
            self._end_all()
            self.alone = alone
        self.posts = [post for post in self.posts if not post.closed]
        nodes = self.cluster.nodes()
        taken = {(post.node, post.number) for post in self.posts}
        for node in nodes:
            for number, resources in enumerate(self._divided(node)):
                if (node.id, number) not in taken:
                    self.posts.append(self._start(node, number, resources))
        return list(self.posts)

    def _divided(self, node: Node) -> list[dict[str, int]]:
        """What each worker of a node holds of its CPUs and GPUs."""
        if self.alone:
            return [{"num_cpus": node.cpus, "num_gpus": min(node.gpus, 1)}]
        count = min(node.cpus, node.gpus if node.gpus and not self.workers else self.workers or 1)
        return [{"num_cpus": node.cpus // count, "num_gpus": 1 if number < node.gpus else 0} for number in range(count)]

    def _start(self, node: Node, number: int, resources: Mapping[str, int]) -> RaySlot:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        where = NodeAffinitySchedulingStrategy(node.id, soft=False)
        threads = resources["num_cpus"] if self.alone else self.threads or resources["num_cpus"]
        variables = {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
        actor = ray.remote(Post).options(scheduling_strategy=where, **resources)
        share = Share(threads)
        post = RaySlot(
            node.host, node.id, number, actor.remote(messages.encode(self.setup), share, variables, self.mark)
        )
        post.listen()
        return post

    def wait(self, seconds: float, deliver: Deliver) -> None:
        import ray

        calls = {post.replies: post for post in self.posts if post.replies is not None}
        if not calls:
            return time.sleep(seconds)
        done, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0)
        if not done:
            done, _ = ray.wait(list(calls), timeout=seconds)
        for call in done:
            self._hear(calls[call], call, deliver)

    def _hear(self, post: RaySlot, call: "ObjectRef", deliver: Deliver) -> None:
        import ray

        post.replies = None
        try:
            replies = [messages.decode_reply(content) for content in ray.get(call)]
            if not replies and post.task is not None and self._bring_data(post):
                return post.send(post.task)
        except ray.exceptions.RayError as error:
            post.closed = True
            self.cluster.look_again()
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
        import ray

        task = post.task
        needed = data_needed(task)
        if needed is None or not ray.get(post.actor.lacks_data.remote(needed.name)):
            return False
        if needed.name not in self.data:
            with contextlib.suppress(DataError):
                folder = needed.find(Path(self.setup.data_dir) if self.setup.data_dir else None)
                self.data[needed.name] = ray.put({file: (folder / file).read_bytes() for file in needed.md5})
        if failure := ray.get(post.actor.bring.remote(needed.name, self.data.get(needed.name))):
            raise DataError(f"{post.machine} lacks {needed.title}, and so does this machine.\n{failure}")
        return True

    def _end_all(self) -> None:
        for post in self.posts:
            if not post.closed:
                post.close()
        self.posts = []

    def close(self) -> None:
        import ray

        if self.cluster.there:
            with contextlib.suppress(ray.exceptions.RayError):
                self._end_all()
        ray.shutdown()


def over_ray(setup: messages.Setup, address: str | None, workers: int | None, threads: int | None) -> RayExecutor:
    """Connect to the cluster at `address` (None: one on this machine for the time of the run), and leave a mark."""
    cluster = connected(address, Path(setup.cache))
    mark = secrets.token_hex(16)
    write_atomically(Path(setup.cache) / MARK, mark.encode())
    setup = msgspec.structs.replace(setup, backend=setup.backend or os.environ.get("KERAS_BACKEND"))
    return RayExecutor(cluster, setup, mark, workers=workers, threads=threads)
