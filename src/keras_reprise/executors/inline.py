"""Tasks in this very process, one after the other: for a debugger, and for tests."""

from collections.abc import Sequence

from keras_reprise import tasks
from keras_reprise.executors import Deliver
from keras_reprise.worker import Worker


class InlineSlot:
    """The one slot of an `InlineExecutor`."""

    machine = "this machine"

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.task: tasks.Task | None = None

    def send(self, task: tasks.Task) -> None:
        self.task = task

    def close(self) -> None:
        self.worker = self.task = None


class InlineExecutor:
    """One slot, which is this process; time limits cannot be kept, and what crashes ends the run."""

    def __init__(self, setup: tasks.Setup) -> None:
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
