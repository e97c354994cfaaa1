"""The driver of a run: it gives arms to workers, keeps what they measured, and writes the records.

It never imports Keras. All it needs to go on is in the store and its cache, so that it may be killed at any moment.
"""

import contextlib
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from keras_reprise.base import clock, errors
from keras_reprise.base.errors import MeasurementError, StoreError, UserError
from keras_reprise.base.locks import only_run
from keras_reprise.base.progress import Progress, format_seconds
from keras_reprise.record.schema import failed_arm
from keras_reprise.run import messages
from keras_reprise.run.bookkeeping import Bookkeeping
from keras_reprise.run.executors import Executor, Slot
from keras_reprise.run.queue import Job, Place, Queue, QueuedReplicate
from keras_reprise.store import merging
from keras_reprise.store.store import Store

TRIES = 3  # of an arm whose worker ended without a word
LOSS = 0.25  # of a try is a machine that is lost, which is seldom the arm's fault
STARTS = 3  # of workers that never became ready, one after the other
WAIT_S = 1.0
STARTED_WITHIN_S, IDLE_S = 300.0, 60.0
TIME_LIMITS_S = {"quick": 3600.0}
LONGEST_S = 24 * 3600.0


@dataclass
class Tally:
    """What a run did: how many replicates it recorded, found already there, recorded as failed, or left for other arms."""

    recorded: int = 0
    present: int = 0
    failed: int = 0
    waiting: int = 0


@dataclass
class Assignment:
    """What a worker is at: a replicate and its arm (None: its record), since when, and since when the arm is measured."""

    replicate: QueuedReplicate
    arm: str | None
    given: str
    began: float | None = None


class Driver:
    """Measures recipes into one store, with the workers of one executor."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        *,
        retry_failed: bool = False,
        time_limit_s: float | None = None,
        quiet: bool = False,
    ) -> None:
        store.make_writable()
        merging.finish(store)
        self.store, self.executor, self.time_limit_s = store, executor, time_limit_s
        self.bookkeeping = Bookkeeping(store, retry_failed=retry_failed)
        self.progress, self.tally = Progress(quiet=quiet), Tally()
        self.queue, self.alone = Queue([], self.bookkeeping.missing), False
        self.seconds: dict[str, float] = {}  # that one arm of a job took before
        self.places: dict[Slot, Place] = {}
        self.doing: dict[Slot, Assignment] = {}
        self.tries: defaultdict[tuple[QueuedReplicate, str | None], float] = defaultdict(float)
        self.failed_starts = 0.0
        self.answer: messages.Described | messages.DataRead | None = None
        self.said: set[str] = set()
        self.locks = contextlib.ExitStack()
        self.locked: set[Job] = set()
        self.unseeded: set[str] = set()  # jobs of which it was said
        self.busy: StoreError | None = None

    def describe(self, recipes: Sequence[messages.RecipeSource]) -> list[messages.Described]:
        """What is in these recipe files, as a worker says; an error when one cannot be loaded."""
        found: list[messages.Described] = []
        for recipe in recipes:
            described = self._ask(messages.Describe(recipe))
            assert isinstance(described, messages.Described)
            self.store.add_document("cards", described.card)
            found.append(described)
        return found

    def read_data(self, jobs: Sequence[Job]) -> None:
        """Have data of people's own read, before it is decided what need not be measured again.

        Those that a recipe declares, and those that its arms made in `measure` when something was kept or recorded.
        """
        summaries = self.store.summaries()[0]
        for job in jobs:
            task = messages.ReadData(job.source, job.scale, job.data, [])
            if job.own_data:
                job.declared = job.found = self._ask(task).combined
            trail = self.bookkeeping.trail(job, set(self.places.values()), summaries)
            if trail.arms:
                task = msgspec.structs.replace(task, arms=trail.arms)
                read = self._ask(task)
                if not trail.fits(read):
                    further = self._ask(msgspec.structs.replace(task, onward=True))
                    read = further if trail.fits(further) else read
                job.made, job.found = read.made, read.combined

    def _ask(self, task: messages.Describe | messages.ReadData) -> Any:
        """A worker's answer; an error where the task ends one after the other."""
        for _ in range(TRIES):
            slot = self._ready()
            self.answer = None
            slot.send(task)
            while self.answer is None and slot in self.places:
                self.executor.wait(WAIT_S, self._deliver)
            if self.answer is not None:
                return self.answer
        raise MeasurementError(
            f"Loading {task.recipe.path} ended its worker {TRIES} times.\nNothing was run. `--workers 0` loads it in this process."
        )

    def run(self, jobs: Sequence[Job]) -> Tally:
        """Measure every replicate of `jobs` that the store does not hold yet for the kind of machine the workers are on.

        Timing recipes come last: each replicate of theirs has a fresh worker with a machine to itself.
        """
        self.seconds = self.bookkeeping.seconds_per_arm(jobs)
        with self.locks, self.progress:
            for self.alone in (False, True):
                part = [job for job in jobs if job.card.timing == self.alone]
                if part:
                    self._run_part(part)
        self.tally.present = sum(job.present for job in jobs)
        if self.busy:
            raise self.busy
        return self.tally

    def _run_part(self, jobs: Sequence[Job]) -> None:
        self._ready()
        self.queue = Queue(jobs, self.bookkeeping.missing)
        for place in dict.fromkeys(self.places.values()):
            self.queue.add_place(place)
        self._plan(self.queue.replicates)
        for job in jobs:
            self._tell_of_other_sources(job)
            self._look(job)
        idle_since: float | None = None
        while self.queue.replicates:
            self._occupy()
            self.executor.wait(WAIT_S, self._deliver)
            self._end_overdue()
            if self.doing:
                idle_since = None
            elif idle_since is None:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > IDLE_S:
                idle_since = math.inf
                self.progress.say(
                    "No worker is ready for what is left; waiting for one. Ctrl-C ends, and keeps all that is finished."
                )

    def _tell_of_other_sources(self, job: Job) -> None:
        """Say which records under the job's name are not of its source: they are neither counted nor in the way."""
        for source, count in self.bookkeeping.of_other_sources(job).items() if job.place else ():
            seeds = "1 of these seeds is" if count == 1 else f"{count} of these seeds are"
            self.progress.say(
                f"{job.card.slug}: {seeds} in the store from another source ({source}); this one ({job.measurement[:12]}) is measured by itself."
            )

    def _plan(self, replicates: Sequence[QueuedReplicate]) -> None:
        for replicate in replicates:
            self.progress.plan(replicate.job.name, len(replicate.waiting), self.seconds.get(replicate.job.name))

    def _ready(self) -> Slot:
        """A worker that is ready, once all are that were started together, or have failed to, or take too long."""
        deadline = time.monotonic() + STARTED_WITHIN_S
        while True:
            slots = self.executor.slots(alone=self.alone)
            for gone in [slot for slot in self.places if slot not in slots]:
                del self.places[gone]
            ready = [slot for slot in slots if slot in self.places]
            late = time.monotonic() > deadline
            if ready and (late or len(ready) == len(slots)):
                return ready[0]
            if late:
                raise MeasurementError(
                    f"No worker became ready within {format_seconds(STARTED_WITHIN_S)}.\nNothing was run. `--workers 0` computes in this process and shows what happens."
                )
            self.executor.wait(WAIT_S, self._deliver)

    def _occupy(self) -> None:
        """Give every idle worker something to do, and put aside what has nothing left to be done."""
        for slot in self.executor.slots(alone=self.alone):
            while slot in self.places and slot not in self.doing:
                chosen = self.queue.next(slot, self.places[slot], shared=not self.alone)
                if chosen is None:
                    break
                if self._lock(chosen[0].job):
                    self._give(slot, *chosen)
        for replicate in [
            replicate for replicate in self.queue.replicates if replicate.measured and not replicate.whole
        ]:
            self.tally.waiting += 1
            self.progress.say(
                f"{replicate}: {len(replicate.results)} of {len(replicate.job.params)} arms are kept; the record is written once all are measured."
            )
            self._finish(replicate, replicate.worker)

    def _give(self, slot: Slot, replicate: QueuedReplicate, arm: str | None) -> None:
        self.doing[slot] = Assignment(replicate, arm, clock.now())
        job = replicate.job
        replay = messages.Replay(
            job.source, job.scale, replicate.seed, replicate.repeat, job.data, self.bookkeeping.cache(replicate).name, job.measurement,
            job.declared["fingerprint"] if job.declared else None,
        )  # fmt: skip
        if arm is None:
            slot.send(messages.Assemble(replay, replicate.results))
        else:
            self.progress.arm(slot, f"{replicate} {arm}", job.name)
            slot.send(messages.Measure(replay, arm, self.alone))

    def _lock(self, job: Job) -> bool:
        """Have the job to this run, or leave all of it to the other run that has it."""
        if job not in self.locked:
            try:
                self.locks.enter_context(
                    only_run(self.store.cache, f"{job.name}-{'-'.join(job.place or ())}", job.name)
                )
            except StoreError as error:
                self.busy = error
                for replicate in [replicate for replicate in self.queue.replicates if replicate.job is job]:
                    self.queue.remove(replicate)
                return False
            self.locked.add(job)
        return True

    def _deliver(self, slot: Slot, reply: messages.Reply) -> None:
        doing = self.doing.get(slot)
        if isinstance(reply, messages.Ready):
            self._welcome(slot, reply)
        elif isinstance(reply, messages.Described | messages.DataRead):
            self.answer = reply
        elif isinstance(reply, messages.Said):
            if not reply.once or reply.once not in self.said:
                self.progress.say(reply.text)
            self.said.add(reply.once)
        elif isinstance(reply, messages.Refused):
            raise getattr(errors, reply.kind, UserError)(reply.text)
        elif isinstance(reply, messages.Crashed | messages.Lost):
            self._bury(slot, reply)
        elif doing is None:  # of a worker that was taken off its task
            return
        elif isinstance(reply, messages.Began):
            doing.began = time.monotonic()
        elif isinstance(reply, messages.Progressed):
            self.progress.epoch(slot, reply.done, reply.total, reply.detail)
        elif isinstance(reply, messages.Measured) and doing.arm:
            del self.doing[slot]
            self._keep(slot, doing.replicate, doing.arm, reply.result)
        elif isinstance(reply, messages.Assembled):
            del self.doing[slot]
            self._record(slot, doing.replicate, reply.content)

    def _welcome(self, slot: Slot, reply: messages.Ready) -> None:
        """A worker is ready."""
        self.failed_starts = 0.0
        machine = self.store.add_document("machines", reply.machine)[:12]
        environment = self.store.add_document("environments", reply.environment)[:12]
        new = (machine, environment) not in self.places.values()
        self.places[slot] = machine, environment
        if new:
            self.queue.add_place(self.places[slot])

    def _bury(self, slot: Slot, reply: messages.Crashed | messages.Lost) -> None:
        """A worker is gone; another takes its arm, unless it has ended several workers."""
        weight = 1.0 if isinstance(reply, messages.Crashed) else LOSS
        if self.places.pop(slot, None) is None:
            self.failed_starts += weight
            if self.failed_starts >= STARTS:
                raise MeasurementError(
                    f"Workers end before they are ready: {reply.why}.\nNothing more was run. `--workers 0` computes in this process and shows what happens."
                )
        doing = self.doing.pop(slot, None)
        if doing is None:
            return
        replicate, arm = doing.replicate, doing.arm
        self.tries[replicate, arm] += weight
        often = self.tries[replicate, arm] >= TRIES
        if arm is None:
            if often:
                raise MeasurementError(f"The record of {replicate} cannot be made: {reply.why}.\nIts arms are kept.")
            replicate.assembling = False
        elif often:
            why = (
                "its machine was lost" if isinstance(reply, messages.Lost) else reply.why
            )  # no name of a machine in a record
            self._fail(slot, doing, "WorkerEnded", f"{why}; it has ended several workers")
        else:
            self.progress.say(f"{replicate} {arm}: {reply.why}; it is measured again.")
            self.progress.arm_given_up(slot)
            replicate.running.discard(arm)
            replicate.waiting.insert(0, arm)
            replicate.worker = None

    def _end_overdue(self) -> None:
        """End workers whose arm takes longer than the limit; the arm is failed."""
        for slot, doing in list(self.doing.items()):
            limit = self.time_limit_s or TIME_LIMITS_S.get(doing.replicate.job.scale, LONGEST_S)
            if doing.began is not None and time.monotonic() - doing.began > limit:
                slot.close()
                del self.places[slot], self.doing[slot]
                self._fail(slot, doing, "TimeLimit", f"no end after {format_seconds(limit)}")

    def _fail(self, slot: Slot, doing: Assignment, kind: str, message: str) -> None:
        """Keep an arm as failed that could not say so itself."""
        assert doing.arm is not None
        seconds = time.monotonic() - doing.began if doing.began is not None else 0.0
        arm = failed_arm(doing.replicate.job.params[doing.arm], kind, message, seconds)
        times = {"started_at": doing.given, "finished_at": clock.now()}
        self._keep(slot, doing.replicate, doing.arm, {"arm": arm, "digest": "", "load": {}, **times})

    def _keep(self, slot: Slot, replicate: QueuedReplicate, arm: str, result: dict[str, Any]) -> None:
        """Keep a measured arm until its replicate is recorded."""
        if result["arm"]["status"] == "failed":
            error = result["arm"]["error"]
            self.progress.say(
                f"{replicate} {arm} failed: {error['type']}: {error['message']} (--debug shows the traceback)"
            )
        if (names := result.get("unseeded")) and replicate.job.name not in self.unseeded:
            self.unseeded.add(replicate.job.name)
            self.progress.say(
                f"{replicate.job.card.slug} {arm}: drawn without a seed: {', '.join(names)}. Two runs of one seed may differ;"
                " give seeds, such as replicate.seeds.weights(NAME). The record says so."
            )
        self.bookkeeping.keep(replicate, arm, result)
        self.progress.arm_done(slot)

    def _record(self, slot: Slot, replicate: QueuedReplicate, content: bytes) -> None:
        """Write a replicate's record, unless another run was faster."""
        written = self.bookkeeping.record(replicate, content)
        if written is None:
            replicate.job.present += 1
            self.progress.say(f"{replicate}: another run has recorded it meanwhile.")
        else:
            path, record = written
            if record.status == "complete":
                self.tally.recorded += 1
            else:
                self.tally.failed += 1
            took = format_seconds(record.duration_s)
            self.progress.say(f"{replicate}: {record.status} in {took}, {path.relative_to(self.store.root)}")
        self._finish(replicate, slot)

    def _finish(self, replicate: QueuedReplicate, slot: Any) -> None:
        """Nothing more is done for this replicate; a worker that had its machine alone is not used again."""
        self.queue.remove(replicate)
        if self.alone and self.places.pop(slot, None) is not None:
            slot.close()
        self._look(replicate.job)

    def _look(self, job: Job) -> None:
        """Once all replicates of a block are there, go on with the next one while a claim is undecided."""
        while job.auto and job.place and self.queue.block_done(job):
            if self.bookkeeping.decided(job):
                last = job.blocks[job.looked][-1]
                return self.progress.say(f"{job.card.slug}: every claim is decided after {last} replicates.")
            if job.looked + 1 == len(job.blocks):
                return
            self._plan(self.queue.next_block(job))
