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
        self._deliver: Deliver | None = None  # of the wait that is under way

    def slots(self, *, alone: bool = False) -> Sequence[InlineSlot]:
        return [self.slot]

    def wait(self, seconds: float, deliver: Deliver) -> None:
        self._deliver = deliver
        if self.slot.worker is None:
            self.slot.worker = Worker(self.setup, self._reply)
        task, self.slot.task = self.slot.task, None
        if task is not None:
            self.slot.worker.do(task)

    def _reply(self, reply: messages.Reply) -> None:
        assert self._deliver is not None
        self._deliver(self.slot, reply)

    def close(self) -> None:
        self.slot.close()
