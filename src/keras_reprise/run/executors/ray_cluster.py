"""A Ray cluster: connecting to it, whether its head still answers, and which nodes it has now."""

import logging
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from keras_reprise.base import checkout
from keras_reprise.base.errors import MeasurementError, UserError
from keras_reprise.base.machine import usable_cores

SEEN_EVERY_S = 2.0  # how often the cluster is asked for its nodes
HEAD_AWAY_S = 20.0  # after which a head that does not answer is given up; Ray itself ends the process after a minute


@dataclass(frozen=True)
class Node:
    """A machine of the cluster, with the CPUs and GPUs that Ray counts on it."""

    id: str
    host: str
    cpus: int
    gpus: int


class Cluster:
    """The cluster that this process is connected to; `head` is host:port."""

    def __init__(self, head: str) -> None:
        self.head, self.there = head, True
        self._answered = time.monotonic()
        self._nodes: list[Node] = []
        self._asked = -SEEN_EVERY_S

    def nodes(self) -> list[Node]:
        """Those with a CPU at least, as they were some seconds ago at most; none while the head does not answer."""
        if time.monotonic() - self._asked >= SEEN_EVERY_S:
            self._asked = time.monotonic()
            self.there = self.answers()
            if self.there:
                self._nodes = _nodes()
        return self._nodes if self.there else []

    def look_again(self) -> None:
        """Ask for the nodes anew next time: one seems to be lost."""
        self._asked = -SEEN_EVERY_S

    def answers(self) -> bool:
        """Whether the cluster can be asked; MeasurementError when it has ended."""
        try:
            _require_listener(self.head)
        except OSError as error:
            if time.monotonic() - self._answered > HEAD_AWAY_S:
                raise MeasurementError(
                    f"The head of the Ray cluster at {self.head} is gone.\n"
                    "Finished arms are kept. Start a cluster and run the same command again."
                ) from error
            return False
        self._answered = time.monotonic()
        return True


def connected(address: str | None, folder: Path) -> Cluster:
    """Connect to the cluster at `address`, or to one that is started on this machine (None); UserError when that fails.

    `folder` is one that this run may write to.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise UserError("--executor ray needs Ray.\nInstall it: pip install 'keras-reprise[ray]'.") from error
    # Without a working folder Ray puts the current one first on Python's path everywhere, and a string.py there in the
    # place of Python's own.
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    options = {"include_dashboard": False, "num_cpus": usable_cores()} if address is None else {}
    try:
        _require_listener(address or "")
        ray.init(
            address or "local", log_to_driver=False, logging_level=logging.ERROR,
            runtime_env={"py_modules": [str(checkout.PACKAGE)], "working_dir": str(empty)}, **options,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        if address is None:
            raise UserError(
                f"Ray could not be started here: {why}\n"
                "Run without --executor ray, or start it by hand with `ray start --head` and give --address auto."
            ) from error
        raise UserError(
            f"There is no Ray cluster at {address}: {why}\n"
            "Start one with `ray start --head`, or leave --address out: one is then started on this machine."
        ) from error
    return Cluster(ray.get_runtime_context().gcs_address)


def _require_listener(address: str) -> None:
    """OSError unless something listens at host:port; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _nodes() -> list[Node]:
    import ray

    alive = [(one, one["Resources"]) for one in ray.nodes() if one["Alive"]]
    return [
        Node(one["NodeID"], str(one["NodeManagerHostname"]), int(resources["CPU"]), int(resources.get("GPU", 0)))
        for one, resources in alive
        if resources.get("CPU", 0) >= 1
    ]
