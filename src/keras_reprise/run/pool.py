"""The workers of a run: which are ready, on machines of which kind, and what they answer when they are asked.

What a worker says of the task it was given is not this module's: it is delivered.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from keras_reprise.base import errors
from keras_reprise.base.errors import MeasurementError, UserError
from keras_reprise.base.progress import Progress, format_seconds
from keras_reprise.run import messages
from keras_reprise.run.executors import Deliver, Executor, Slot
from keras_reprise.run.queue import Place
from keras_reprise.store.store import Store

TRIES = 3  # of a task whose worker ended without a word
LOSS = 0.25  # of a try is a machine that is lost, which is seldom the task's fault
STARTS = 3  # of workers that never became ready, one after the other
WAIT_S = 1.0
STARTED_WITHIN_S = 300.0

Answer = TypeVar("Answer", messages.Described, messages.DataRead)


class Workers:
    """The workers of an executor; the facts of their machines and environments go to `store`."""

    def __init__(self, executor: Executor, store: Store, progress: Progress) -> None:
        self.executor, self.store, self.progress = executor, store, progress
        self.alone = False  # whether each of them has a machine to itself
        self.places: dict[Slot, Place] = {}  # of those that are ready
        self._failed_starts = 0.0

    def slots(self) -> Sequence[Slot]:
        """All workers there are now, ready or not."""
        return self.executor.slots(alone=self.alone)

    def wait(self, deliver: Deliver) -> None:
        """Hear what workers say, after a while; `deliver` gets what is of their tasks, and who has gone or come."""
        self.executor.wait(WAIT_S, partial(self._hear, deliver))

    def ready(self) -> Slot:
        """A worker that is ready, once all are that were started together, or have failed to, or take too long."""
        deadline = time.monotonic() + STARTED_WITHIN_S
        while True:
            slots = self.slots()
            for gone in [slot for slot in self.places if slot not in slots]:
                del self.places[gone]
            ready = [slot for slot in slots if slot in self.places]
            late = time.monotonic() > deadline
            if ready and (late or len(ready) == len(slots)):
                return ready[0]
            if late:
                raise MeasurementError(
                    f"No worker became ready within {format_seconds(STARTED_WITHIN_S)}.\n"
                    "Nothing was run. `--workers 0` computes in this process and shows what happens."
                )
            self.wait(_nothing_is_under_way)

    def ask(self, task: messages.Describe | messages.ReadData, answer: type[Answer]) -> Answer:
        """A worker's answer; MeasurementError where the task ends one after the other."""
        answers: list[Answer] = []

        def hear(_: Slot, reply: messages.Reply) -> None:
            if isinstance(reply, answer):
                answers.append(reply)

        for _ in range(TRIES):
            slot = self.ready()
            slot.send(task)
            while not answers and slot in self.places:
                self.wait(hear)
            if answers:
                return answers[-1]
        raise MeasurementError(
            f"Loading {task.recipe.path} ended its worker {TRIES} times.\n"
            "Nothing was run. `--workers 0` loads it in this process."
        )

    def dismiss(self, slot: Slot) -> None:
        """End a worker at once, whatever it does; another takes its place."""
        if self.places.pop(slot, None) is not None:
            slot.close()

    def _hear(self, deliver: Deliver, slot: Slot, reply: messages.Reply) -> None:
        if isinstance(reply, messages.Said):
            return self.progress.say(reply.text, once=reply.once)
        if isinstance(reply, messages.Refused):
            raise getattr(errors, reply.kind, UserError)(reply.text)
        if isinstance(reply, messages.Ready):
            self._welcome(slot, reply)
        elif isinstance(reply, messages.Crashed | messages.Lost):
            self._miss(slot, reply)
        deliver(slot, reply)

    def _welcome(self, slot: Slot, reply: messages.Ready) -> None:
        """A worker is ready."""
        self._failed_starts = 0.0
        machine = self.store.add_document("machines", reply.machine)[:12]
        environment = self.store.add_document("environments", reply.environment)[:12]
        self.places[slot] = machine, environment

    def _miss(self, slot: Slot, reply: messages.Crashed | messages.Lost) -> None:
        """A worker is gone; MeasurementError when some have ended before they were ready, one after the other."""
        if self.places.pop(slot, None) is None:
            self._failed_starts += share_of_a_try(reply)
            if self._failed_starts >= STARTS:
                raise MeasurementError(
                    f"Workers end before they are ready: {reply.why}.\n"
                    "Nothing more was run. `--workers 0` computes in this process and shows what happens."
                )


def share_of_a_try(reply: messages.Crashed | messages.Lost) -> float:
    """How much the end of a worker counts against what it was doing."""
    return 1.0 if isinstance(reply, messages.Crashed) else LOSS


def _nothing_is_under_way(_: Slot, __: messages.Reply) -> None:
    """Nobody waits for what is said of a task."""
