"""The driver of a run: it gives arms to workers, keeps what they measured, and writes the records.

It never imports Keras. All it needs to go on is in the store and its cache, so that it may be killed at any moment.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from keras_reprise.base import clock
from keras_reprise.base.errors import MeasurementError
from keras_reprise.base.progress import Progress, format_seconds
from keras_reprise.record.schema import ArmError, failed_arm
from keras_reprise.run import messages
from keras_reprise.run.bookkeeping import Bookkeeping
from keras_reprise.run.executors import Slot
from keras_reprise.run.ownership import OwnJobs
from keras_reprise.run.pool import TRIES, Workers, share_of_a_try
from keras_reprise.run.queue import Job, Queue, QueuedReplicate

IDLE_S = 60.0
TIME_LIMITS_S = {"quick": 3600.0}
LONGEST_S = 24 * 3600.0


@dataclass
class Tally:
    """What a run did: replicates that it recorded, found already there, recorded as failed, or left for other arms.

    `records` are the ids of all that the store holds now of what was run, where it was run.
    """

    recorded: int = 0
    present: int = 0
    failed: int = 0
    waiting: int = 0
    records: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {name: getattr(self, name) for name in ("recorded", "present", "failed", "waiting")}


@dataclass
class Assignment:
    """What a worker is at: a replicate and its arm (None: its record); when given, and when begun."""

    replicate: QueuedReplicate
    arm: str | None
    given: str
    began: float | None = None


class _Arm(msgspec.Struct):
    """How a measured arm ended, as the record stores it."""

    status: str
    error: ArmError | None = None


class _Result(msgspec.Struct):
    """What the driver reads of a measured arm."""

    arm: _Arm
    unseeded: list[str] = []


class Driver:
    """Measures jobs into one store with the workers of one executor; an arm takes `time_limit_s` at most."""

    def __init__(
        self, workers: Workers, bookkeeping: Bookkeeping, progress: Progress, *, time_limit_s: float | None = None
    ) -> None:
        self.workers, self.bookkeeping, self.progress = workers, bookkeeping, progress
        self.time_limit_s = time_limit_s
        self.own_jobs = OwnJobs(bookkeeping.store.cached("locks"))
        self.tally = Tally()
        self.queue = Queue([], bookkeeping.missing)
        self.doing: dict[Slot, Assignment] = {}

    def run(self, jobs: Sequence[Job]) -> Tally:
        """Measure every replicate of `jobs` that the store lacks for the kind of machine the workers are on.

        Timing recipes come last: each replicate of theirs has a fresh worker with a machine to itself. StoreError, at
        the end, when another run has one of the jobs.
        """
        self.bookkeeping.estimate(jobs)
        with self.own_jobs, self.progress:
            for alone in (False, True):
                part = [job for job in jobs if job.card.timing == alone]
                if part:
                    self._run_part(part, alone=alone)
        self.tally.present = sum(job.present for job in jobs)
        self.tally.records = tuple(one.id for job in jobs if job.place for one in self.bookkeeping.recorded(job))
        if self.own_jobs.refusal:
            raise self.own_jobs.refusal
        return self.tally

    def _run_part(self, jobs: Sequence[Job], *, alone: bool) -> None:
        self.workers.alone = alone
        self.workers.ready()
        self.queue = Queue(jobs, self.bookkeeping.missing)
        for place in dict.fromkeys(self.workers.places.values()):
            self.queue.add_place(place)
        self._plan(self.queue.replicates)
        for job in jobs:
            self._tell_of_other_sources(job)
            self._look(job)
        idle_since: float | None = None
        while self.queue.replicates:
            self._occupy()
            self.workers.wait(self._deliver)
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
                f"{job.card.slug}: {seeds} in the store from another source ({source}); "
                f"this one ({job.measurement[:12]}) is measured by itself."
            )

    def _plan(self, replicates: Sequence[QueuedReplicate]) -> None:
        for replicate in replicates:
            self.progress.plan(replicate.job.name, len(replicate.waiting), replicate.job.arm_s)

    def _occupy(self) -> None:
        """Give every idle worker something to do, and put aside what has nothing left to be done."""
        for slot in self.workers.slots():
            while slot in self.workers.places and slot not in self.doing:
                chosen = self.queue.next(slot, self.workers.places[slot], shared=not self.workers.alone)
                if chosen is None:
                    break
                if self._take(chosen[0].job):
                    self._give(slot, *chosen)
        for replicate in [one for one in self.queue.replicates if one.measured and not one.whole]:
            self.tally.waiting += 1
            self.progress.say(
                f"{replicate}: {len(replicate.results)} of {len(replicate.job.params)} arms are kept; "
                "the record is written once all are measured."
            )
            self._finish(replicate, replicate.worker)

    def _take(self, job: Job) -> bool:
        """Have the job to this run, or leave all of it to the other run that has it."""
        if self.own_jobs.take(job):
            return True
        for replicate in [one for one in self.queue.replicates if one.job is job]:
            self.queue.remove(replicate)
        return False

    def _give(self, slot: Slot, replicate: QueuedReplicate, arm: str | None) -> None:
        self.doing[slot] = Assignment(replicate, arm, clock.now())
        job = replicate.job
        replay = messages.Replay(
            job.source, job.scale, replicate.seed, replicate.repeat, job.data, self.bookkeeping.cache(replicate).name,
            job.measurement, job.declared.fingerprint if job.declared else None,
        )  # fmt: skip
        if arm is None:
            slot.send(messages.Assemble(replay, replicate.results))
        else:
            self.progress.arm(slot, f"{replicate} {arm}", job.name)
            slot.send(messages.Measure(replay, arm, self.workers.alone))

    def _deliver(self, slot: Slot, reply: messages.Reply) -> None:
        """What a worker says of its task; nothing is heard of one that was taken off it."""
        if isinstance(reply, messages.Ready):
            return self.queue.add_place(self.workers.places[slot])
        doing = self.doing.get(slot)
        if doing is None:
            if isinstance(reply, messages.Crashed | messages.Lost):
                self.queue.release(slot)
            return
        if isinstance(reply, messages.Began):
            doing.began = time.monotonic()
        elif isinstance(reply, messages.Progressed):
            self.progress.epoch(slot, reply.done, reply.total, reply.detail)
        elif isinstance(reply, messages.Crashed | messages.Lost):
            del self.doing[slot]
            self._try_again(slot, doing, reply)
        elif isinstance(reply, messages.Measured) and doing.arm:
            del self.doing[slot]
            self._keep(slot, doing.replicate, doing.arm, reply.result)
        elif isinstance(reply, messages.Assembled):
            del self.doing[slot]
            self._record(slot, doing.replicate, reply.content)

    def _try_again(self, slot: Slot, doing: Assignment, reply: messages.Crashed | messages.Lost) -> None:
        """Another worker takes the arm of one that is gone, unless the arm has ended several."""
        replicate, arm = doing.replicate, doing.arm
        replicate.tries[arm] += share_of_a_try(reply)
        often = replicate.tries[arm] >= TRIES
        if arm is None:
            if often:
                raise MeasurementError(f"The record of {replicate} cannot be made: {reply.why}.\nIts arms are kept.")
            replicate.assembling = False
        elif often:
            # no name of a machine in a record
            why = "its machine was lost" if isinstance(reply, messages.Lost) else reply.why
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
                self.workers.dismiss(slot)
                del self.doing[slot]
                self._fail(slot, doing, "TimeLimit", f"no end after {format_seconds(limit)}")

    def _fail(self, slot: Slot, doing: Assignment, kind: str, message: str) -> None:
        """Keep an arm as failed that could not say so itself."""
        assert doing.arm is not None
        seconds = time.monotonic() - doing.began if doing.began is not None else 0.0
        arm = failed_arm(doing.replicate.job.params[doing.arm], kind, message, seconds)
        times = {"started_at": doing.given, "finished_at": clock.now()}
        self._keep(slot, doing.replicate, doing.arm, {"arm": arm, "digest": "", "load": {}, **times})
        self.queue.release(slot)
        doing.replicate.given_up = True

    def _keep(self, slot: Slot, replicate: QueuedReplicate, arm: str, result: dict[str, object]) -> None:
        """Keep a measured arm until its replicate is recorded."""
        read = msgspec.convert(result, _Result)
        failed = read.arm.status == "failed"
        if failed and (error := read.arm.error):
            self.progress.say(f"{replicate} {arm} failed: {error.type}: {error.message} (--debug shows the traceback)")
        if read.unseeded:
            self.progress.say(
                f"{replicate.job.card.slug} {arm}: drawn without a seed: {', '.join(read.unseeded)}. "
                "Two runs of one seed may differ; give seeds, such as replicate.seeds.weights(NAME). "
                "The record says so.",
                once=f"{replicate.job.name} unseeded",
            )
        self.bookkeeping.keep(replicate, arm, result, failed=failed)
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
            place = path.relative_to(self.bookkeeping.store.root)
            self.progress.say(f"{replicate}: {record.status} in {format_seconds(record.duration_s)}, {place}")
        self._finish(replicate, slot)

    def _finish(self, replicate: QueuedReplicate, slot: Slot | None) -> None:
        """Nothing more is done for this replicate; a worker that had its machine alone is not used again."""
        self.queue.remove(replicate)
        if self.workers.alone and slot is not None:
            self.workers.dismiss(slot)
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
