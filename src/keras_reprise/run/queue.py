"""Which arm a free worker measures next.

All replicates of a job are measured on machines of one kind, since replicates of different ones are never pooled. A
worker stays with the arms of its replicate, whose data it holds and whose training they may share; one that would be
idle takes an arm of a replicate that another works on.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from keras_reprise.datasets import registry
from keras_reprise.judge.design import LOOKS
from keras_reprise.record.schema import Card, DataRef
from keras_reprise.run.executors import Slot
from keras_reprise.run.messages import RecipeSource

Place = tuple[str, str]  # ids of machine and environment


@dataclass(eq=False)
class Job:
    """One recipe at one scale, for these seeds (`auto`: as many as verdicts need), on a data set (None: its own).

    `only` limits the arms that are measured now; `params` are the settings of every arm.
    """

    source: RecipeSource
    card: Card
    source_sha256: str
    params: dict[str, dict[str, object]]
    scale: str
    seeds: tuple[int, ...]
    auto: bool = False
    substitute: str | None = None
    only: tuple[str, ...] = ()
    measurement: str = ""  # what the numbers of its records belong to
    place: Place | None = None
    looked: int = 0  # blocks whose verdicts were looked at
    present: int = 0  # replicates that the store held already
    arm_s: float | None = None  # what one of its arms took in earlier runs, if that is known
    declared: DataRef | None = None  # of data that the recipe declares itself, read before anything is skipped
    found: DataRef | None = None  # what a record of it says of the data, as far as that is known
    made: dict[str, list[DataRef]] = field(default_factory=dict)  # data that arms make for themselves, as they are now

    @property
    def data(self) -> str | None:
        return None if self.card.data is None else self.substitute or self.card.data

    @property
    def own_data(self) -> bool:
        """Whether the recipe declares data of its own."""
        return self.card.data is not None and self.card.data not in registry.names()

    @property
    def name(self) -> str:
        data = f"-{self.data}" if self.data != self.card.data else ""
        return f"{self.card.slug}-v{self.card.version}-{self.scale}{data}"

    @property
    def key(self) -> str:
        """The name with what the numbers belong to: two jobs of one key would do the same work."""
        data = self.declared.fingerprint[:12] if self.declared else ""
        return "-".join(part for part in (self.name, self.measurement[:12], data) if part)

    @property
    def blocks(self) -> list[tuple[int, ...]]:
        """The seeds in the order they are measured; with `auto` a block ends where the verdicts are looked at."""
        if not self.auto:
            return [self.seeds]
        return [self.seeds[start:end] for start, end in zip((0, *LOOKS), LOOKS, strict=False)]


@dataclass(eq=False)
class QueuedReplicate:
    """A replicate that is to be measured: the arms that wait for a worker, and what was measured of the others."""

    job: Job
    seed: int
    repeat: int
    waiting: list[str]
    results: dict[str, dict[str, object]]
    running: set[str] = field(default_factory=set)
    worker: Slot | None = None  # the one that took an arm of it last
    assembling: bool = False
    given_up: bool = False  # whether an arm of it was; machines of another kind would only try it again
    tries: dict[str | None, float] = field(default_factory=lambda: defaultdict(float))
    """How often an arm (None: the record) has ended its worker."""

    def __str__(self) -> str:
        return f"{self.job.card.slug} seed {self.seed}"

    @property
    def free(self) -> bool:
        """Whether no worker is at it, or is to go on with it."""
        return not (self.running or self.assembling or self.worker is not None)

    @property
    def touched(self) -> bool:
        return self.given_up or not self.free

    @property
    def measured(self) -> bool:
        """Whether nothing more of it will be measured now."""
        return not self.waiting and not self.running

    @property
    def whole(self) -> bool:
        return len(self.results) == len(self.job.params)


class Queue:
    """The replicates of `jobs` that are to be measured; `open_job(job, place, seeds)` gives those that are missing."""

    def __init__(
        self, jobs: Sequence[Job], open_job: Callable[[Job, Place, Sequence[int]], list[QueuedReplicate]]
    ) -> None:
        self.jobs, self.open_job = list(jobs), open_job
        self.replicates: list[QueuedReplicate] = []

    def add_place(self, place: Place) -> None:
        """Workers of this kind are there: they take jobs that nobody has, and those begun there in an earlier run."""
        for job in self.jobs:
            if job.place == place or any(replicate.touched for replicate in self._of(job)):
                continue
            found = self.open_job(job, place, job.blocks[0])
            if job.place is None or len(found) < len(self._of(job)):
                self._place(job, place, found)

    def next(self, worker: Slot, place: Place, *, shared: bool = True) -> tuple[QueuedReplicate, str | None] | None:
        """The replicate a free worker goes on with and the arm it measures (None: all are measured, it is assembled).

        Unless `shared`, a replicate that another worker has is left to it.
        """
        here = [replicate for replicate in self.replicates if replicate.job.place == place and not replicate.assembling]
        for replicate in here:
            if replicate.measured and replicate.whole:
                replicate.assembling = True
                return replicate, None
        waiting = [replicate for replicate in here if replicate.waiting]
        mine = (replicate for replicate in waiting if replicate.worker == worker)
        fresh = (replicate for replicate in waiting if replicate.free)
        chosen = next(mine, None) or next(fresh, None) or self._from_elsewhere(place)
        if chosen is None and shared:
            chosen = next(iter(waiting), None)
        if chosen is None:
            return None
        arm = chosen.waiting.pop(0)
        chosen.running.add(arm)
        chosen.worker = worker
        return chosen, arm

    def _from_elsewhere(self, place: Place) -> QueuedReplicate | None:
        """The first replicate of the last job that waits for machines of another kind and was not begun there."""
        for job in reversed(self.jobs):
            replicates = self._of(job)
            if (
                replicates
                and job.place != place
                and not any(replicate.touched for replicate in replicates)
                and job.looked == 0
            ):
                self._place(job, place, self.open_job(job, place, job.blocks[0]))
                if found := self._of(job):
                    return found[0]
        return None

    def release(self, worker: Slot) -> None:
        """The worker is gone: another may go on with what it had."""
        for replicate in self.replicates:
            if replicate.worker == worker:
                replicate.worker = None

    def remove(self, replicate: QueuedReplicate) -> None:
        """The replicate is recorded, or cannot go on."""
        self.replicates.remove(replicate)

    def block_done(self, job: Job) -> bool:
        return not self._of(job)

    def next_block(self, job: Job) -> list[QueuedReplicate]:
        """Go on with the seeds after a look at the verdicts."""
        job.looked += 1
        assert job.place is not None
        found = self.open_job(job, job.place, job.blocks[job.looked])
        job.present += len(job.blocks[job.looked]) - len(found)
        self.replicates += found
        return found

    def _of(self, job: Job) -> list[QueuedReplicate]:
        return [replicate for replicate in self.replicates if replicate.job is job]

    def _place(self, job: Job, place: Place, replicates: list[QueuedReplicate]) -> None:
        job.place, job.present = place, len(job.blocks[0]) - len(replicates)
        position = next(
            (i for i, replicate in enumerate(self.replicates) if replicate.job is job), len(self.replicates)
        )
        self.replicates = [replicate for replicate in self.replicates if replicate.job is not job]
        self.replicates[position:position] = replicates
