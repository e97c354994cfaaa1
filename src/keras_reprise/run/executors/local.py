"""Worker processes of this machine, each with its share of the cores or a GPU of its own."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import wait

from keras_reprise.base.errors import UserError
from keras_reprise.base.machine import thread_variables, usable_cores, visible_gpus
from keras_reprise.base.parallel import text_that_starts
from keras_reprise.run import messages
from keras_reprise.run.executors import Deliver

START = text_that_starts("keras_reprise.run.worker")


@dataclass(frozen=True)
class Share:
    """What a worker has of its machine: threads (None: all cores) and a GPU by CUDA's name (None: what there is)."""

    threads: int | None = None
    gpu: str | None = None

    def variables(self) -> dict[str, str]:
        gpu = {} if self.gpu is None else {"CUDA_VISIBLE_DEVICES": self.gpu}
        return thread_variables(self.threads) | gpu


def shares(workers: int | None, threads: int | None) -> list[Share]:
    """How `workers` divide this machine (None: one for each GPU, else one) with `threads` each (None: even shares).

    UserError when there are fewer cores or GPUs than workers.
    """
    gpus, cores = visible_gpus(), usable_cores()
    count = workers or max(1, len(gpus))
    if count > cores:
        raise UserError(
            f"{count} workers are more than this machine's {cores} usable cores.\n"
            f"They would share cores and take turns. Use --workers {cores} or fewer."
        )
    if gpus and count > len(gpus):
        raise UserError(
            f"{count} workers are more than this machine's {len(gpus)} GPUs.\n"
            f"Two on one GPU would take each other's memory. Use --workers {len(gpus)}, or CUDA_VISIBLE_DEVICES= for "
            "the CPU."
        )
    each = threads or (cores // count if count > 1 else None)
    return [Share(each, gpus[number] if len(gpus) > 1 else None) for number in range(count)]


class WorkerProcess:
    """A worker in a process of its own, which dies with this one; a slot of a `LocalExecutor`."""

    machine = "this machine"

    def __init__(self, setup: messages.Setup, share: Share, environment: Mapping[str, str] | None = None) -> None:
        """Start it; `environment` are the variables it gets beside those of its share (None: this process's)."""
        self.connection, theirs = Pipe()
        command = [sys.executable, "-P", "-c", START, str(theirs.fileno()), str(os.getpid())]
        variables = dict(os.environ if environment is None else environment) | share.variables()
        with theirs:
            self.process = subprocess.Popen(
                command, env=variables, stdin=subprocess.DEVNULL, stdout=2, pass_fds=(theirs.fileno(),)
            )
        self._send(setup)

    def _send(self, message: messages.Message) -> None:
        with contextlib.suppress(OSError):  # it is gone, which `receive` tells
            self.connection.send_bytes(messages.encode(message))

    def send(self, task: messages.Task) -> None:
        self._send(task)

    def receive(self) -> messages.Reply:
        """The next reply; waits for it. `Crashed` when the process has ended."""
        try:
            return messages.decode_reply(self.connection.recv_bytes())
        except (EOFError, OSError):
            self.connection.close()
            return messages.Crashed(described(self.process.wait()))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()


def described(code: int) -> str:
    """In words how a process ended."""
    if code >= 0:
        return f"the worker ended by itself with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    known = {
        "SIGKILL": "somebody killed it, or the machine was out of memory",
        "SIGSEGV": "it read memory that is not its own",
        "SIGABRT": "a library gave up",
        "SIGBUS": "memory it used was taken away",
    }
    return f"the worker was ended by {name}" + (f" ({known[name]})" if name in known else "")


class LocalExecutor:
    """Workers of this machine, one for each of `shares`."""

    def __init__(self, setup: messages.Setup, shares: Sequence[Share]) -> None:
        self.setup, self.shares = setup, list(shares)
        self.workers: dict[int, WorkerProcess] = {}
        self.alone = False

    def slots(self, *, alone: bool = False) -> Sequence[WorkerProcess]:
        if alone != self.alone:
            self.close()
            self.alone = alone
        for number, worker in list(self.workers.items()):
            if worker.connection.closed:
                del self.workers[number]
        wanted = [Share(gpu=self.shares[0].gpu)] if alone else self.shares
        for number, share in enumerate(wanted):
            if number not in self.workers:
                self.workers[number] = WorkerProcess(self.setup, share)
        return list(self.workers.values())

    def wait(self, seconds: float, deliver: Deliver) -> None:
        open_ones = {worker.connection: worker for worker in self.workers.values() if not worker.connection.closed}
        for connection in wait(list(open_ones), seconds):
            worker = open_ones[connection]  # type: ignore[index]
            deliver(worker, worker.receive())

    def close(self) -> None:
        for worker in self.workers.values():
            if not worker.connection.closed:
                worker.close()
        self.workers.clear()
