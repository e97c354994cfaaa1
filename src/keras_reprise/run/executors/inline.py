"""Tasks in this very process, one after the other: for a debugger, and for tests."""

from collections.abc import Sequence

from keras_reprise.run import messages
from keras_reprise.run.executors import Deliver
from keras_reprise.run.worker import Worker


class InlineSlot:
    """The one slot of an `InlineExecutor`."""

    machine = "this machine"

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.task: messages.Task | None = None

    def send(self, task: messages.Task) -> None:
        self.task = task

    def close(self) -> None:
        self.worker = self.task = None


class InlineExecutor:
    """One slot, which is this process; time limits cannot be kept, and what crashes ends the run."""

    def __init__(self, setup: messages.Setup) -> None:
        self.setup, self.slot = setup, InlineSlot()

    def slots(self, *, alone: bool = False) -> Sequence[InlineSlot]:
        return [self.slot]

    def wait(self, seconds: float, deliver: Deliver) -> None:
        if self.slot.worker is None:
            self.slot.worker = Worker(self.setup, lambda reply: deliver(self.slot, reply))
        task, self.slot.task = self.slot.task, None
        if task is not None:
            self.slot.worker.do(task)

    def close(self) -> None:
        self.slot.close()
