"""The replicates of a run as the store and its cache hold them: what is there, what is missing, what is kept of it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from keras_reprise.base import package_code
from keras_reprise.catalog import sources
from keras_reprise.judge import verdicts
from keras_reprise.record.schema import RecipeRef, Record
from keras_reprise.run.kept import ReplicateCache
from keras_reprise.run.queue import Job, Place, QueuedReplicate
from keras_reprise.store.store import Store, Summary


def _same_data(job: Job, summary: Summary) -> bool:
    """Whether a record is of the data that the job has now.

    One that failed before it had any counts for whatever there are.
    """
    data, found = summary.data, job.found
    if found is None or (summary.status == "failed" and data is None and job.card.data is None):
        return (data.name if data else None) == job.data
    there = (found.name, found.fingerprint, found.substitute)
    return data is not None and (data.name, data.fingerprint, data.substitute) == there


class Bookkeeping:
    """Finds and keeps replicates; with `retry_failed`, those with only failed records count as missing."""

    def __init__(self, store: Store, *, retry_failed: bool = False) -> None:
        self.store, self.retry_failed = store, retry_failed

    def recorded(self, job: Job, place: Place | None = None, seed: int | None = None) -> list[Summary]:
        """The records of this job's own source (and seed) that the store holds now, whoever wrote them."""
        own = sources.label(recipe_of(job))
        return [one for one in self._named(job, place, seed) if sources.label(one.recipe) == own]

    def of_other_sources(self, job: Job) -> dict[str, int]:
        """How many replicates asked for are there under this name, but of another source; by what that is."""
        own = sources.label(recipe_of(job))
        found = {
            (sources.label(one.recipe) or "the package's own", one.replicate.seed)
            for one in self._named(job, None, None)
            if one.replicate.seed in job.seeds and sources.label(one.recipe) != own
        }
        return Counter(name for name, _ in sorted(found))

    def _named(self, job: Job, place: Place | None, seed: int | None) -> list[Summary]:
        """The records under this job's name, scale, place and data set, of whatever source."""
        place = place or job.place
        assert place is not None
        found = self.store.records_of(job.card.slug, job.card.version, job.scale, *place, seed=seed)
        return [summary for summary in found if _same_data(job, summary)]

    def missing(self, job: Job, place: Place, seeds: Sequence[int]) -> list[QueuedReplicate]:
        """The replicates without a record, with the arms that are kept of them."""
        present = defaultdict(list)
        for summary in self.recorded(job, place):
            present[summary.replicate.seed].append(summary)
        replicates = []
        for seed in seeds:
            found = present[seed]
            if not found or (self.retry_failed and all(summary.status == "failed" for summary in found)):
                repeat = max((summary.replicate.repeat for summary in found), default=-1) + 1
                cache = replicate_cache(self.store, job, seed, repeat, place)
                kept = {arm: cache.load_arm(arm) for arm in job.params}
                results = {
                    arm: one.result
                    for arm, one in kept.items()
                    if one is not None and one.made in ([], job.made.get(arm))
                }
                waiting = [arm for arm in job.params if arm not in results and (not job.only or arm in job.only)]
                replicates.append(QueuedReplicate(job, seed, repeat, waiting, results))
        return replicates

    def keep(self, replicate: QueuedReplicate, arm: str, result: dict[str, object], *, failed: bool) -> None:
        """Keep a measured arm until its replicate is recorded; a failed one is measured anew by the next run."""
        if not failed:
            self.cache(replicate).save_arm(arm, result)
        replicate.running.discard(arm)
        replicate.results[arm] = result

    def record(self, replicate: QueuedReplicate, content: bytes) -> tuple[Path, Record] | None:
        """Write a replicate's record; None when another run was faster."""
        job = replicate.job
        there = any(one.replicate.repeat == replicate.repeat for one in self.recorded(job, seed=replicate.seed))
        written = None if there else self.store.add_record(content)
        if written is not None and written[1].data is not None and written[1].status == "complete":
            job.found = written[1].data
        self.cache(replicate).clear()
        return written

    def decided(self, job: Job) -> bool:
        """Whether the replicates recorded so far decide every claim that counts."""
        rows = verdicts.verdicts(self.recorded(job), self.store)
        return all(row.verdict != "inconclusive" for row in rows if row.counts)

    def estimate(self, jobs: Sequence[Job]) -> None:
        """Set what an arm of each job took in the store's records of its source, on whatever machine."""
        took = defaultdict(list)
        for summary in self.store.summaries()[0]:
            took[_name(summary.recipe)].append(summary.duration_s)
        for job in jobs:
            if found := took.get(_name(recipe_of(job))):
                job.arm_s = median(found) / len(job.params)

    def cache(self, replicate: QueuedReplicate) -> ReplicateCache:
        """Where finished arms of this replicate are kept."""
        return replicate_cache(self.store, replicate.job, replicate.seed, replicate.repeat)


def replicate_cache(store: Store, job: Job, seed: int, repeat: int, place: Place | None = None) -> ReplicateCache:
    """Where finished arms of a replicate are kept: by what its numbers belong to, and the very code that runs.

    StoreError where a link leads out of the store.
    """
    machine, environment = place or job.place or ("", "")
    cache = ReplicateCache(
        store.cache,
        measurement=job.measurement,
        code=package_code.running_sha256(),
        scale={"name": job.scale, **job.card.scales[job.scale]},
        seed=seed,
        repeat=repeat,
        data=[job.data, job.declared.fingerprint] if job.declared else job.data,
        environment=environment,
        machine=machine,
    )
    for inside in ("checkpoints", "trials"):
        store.require_own(cache.folder / inside / "a file")
    return cache


def recipe_of(job: Job) -> RecipeRef:
    """The recipe as this job's records will name it."""
    return RecipeRef(job.card.slug, job.card.version, job.scale, job.source_sha256, "", job.measurement)


def _name(recipe: RecipeRef) -> tuple[str, int, str, str]:
    return recipe.slug, recipe.version, recipe.scale, sources.label(recipe)
