"""Where the tasks of a run are done: in this process, by worker processes of this machine, or over a Ray cluster.

An executor offers slots. A slot is one worker; it is given one task at a time, and everything it replies is delivered
in order. What is done is the same on all of them.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from keras_reprise.run import messages


class Slot(Protocol):
    """One worker. `machine` names where it is, for messages; the same name means the same machine."""

    machine: str

    def __hash__(self) -> int: ...

    def send(self, task: messages.Task) -> None:
        """Give the worker a task; it must have none."""

    def close(self) -> None:
        """End the worker at once, whatever it does."""


Deliver = Callable[[Slot, messages.Reply], None]


class Executor(Protocol):
    """A source of slots."""

    def slots(self, *, alone: bool = False) -> Sequence[Slot]:
        """The slots now; closed and crashed ones are replaced. With `alone`, one for each machine, with all of it."""

    def wait(self, seconds: float, deliver: Deliver) -> None:
        """Deliver the replies that have come, after waiting up to `seconds` for one. A slot that is gone delivers
        `Crashed` or `Lost` as its last."""

    def close(self) -> None:
        """End all workers."""
