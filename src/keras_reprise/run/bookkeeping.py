"""The replicates of a run as the store and its cache hold them: what is there, what is missing, what was measured of it."""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from keras_reprise.base import package_code
from keras_reprise.base.errors import IntegrityError
from keras_reprise.catalog import sources
from keras_reprise.judge import verdicts
from keras_reprise.record.schema import ArmData, DataRef, RecipeRef, Record
from keras_reprise.run import messages
from keras_reprise.run.kept import ReplicateCache
from keras_reprise.run.queue import Facts, Job, Place, QueuedReplicate
from keras_reprise.store.store import Store, Summary


@dataclass
class Trail:
    """What was measured before on data that `measure` made: the records' fingerprints, kept arms with their data, the arms."""

    recorded: set[str] = field(default_factory=set)
    kept: list[tuple[str, list[Facts]]] = field(default_factory=list)
    trained: set[str] = field(default_factory=set)
    arms: list[str] = field(default_factory=list)

    def fits(self, read: messages.DataRead) -> bool:
        """Whether some of it was measured on the data that were read."""
        if read.combined is not None and read.combined["fingerprint"] in self.recorded:
            return True
        return any(read.made.get(arm) == made for arm, made in self.kept)


def _same_data(job: Job, summary: Summary) -> bool:
    """Whether a record is of the data that the job has now; one that failed before it had any counts for whatever there are."""
    data, found = summary.data, job.found
    if found is None or (summary.status == "failed" and data is None and job.card.data is None):
        return (data.name if data else None) == job.data
    return data is not None and (data.name, data.fingerprint, data.substitute) == (
        found["name"], found["fingerprint"], found["substitute"],
    )  # fmt: skip


def _trained(arm: ArmData, *, sure: bool) -> bool:
    """Whether the arm trained; unless `sure`, one that failed may have come so far, but not one that never ended."""
    if arm.error is not None and not sure:
        return arm.error.type not in ("TimeLimit", "WorkerEnded")
    return arm.time.compile_s is not None


def _made_some(job: Job, summary: Summary) -> bool:
    """Whether a record is, or may be, of data that `measure` made: those of schema 1 did not say."""
    if summary.data is None:
        return job.card.data is None and summary.recipe.measurement is None
    if job.declared is not None:
        return bool(summary.data.fingerprint != job.declared["fingerprint"])
    return summary.data.name != job.data


class Bookkeeping:
    """Finds and keeps replicates; with `retry_failed`, those of which there are only failed records count as missing."""

    def __init__(self, store: Store, *, retry_failed: bool = False) -> None:
        self.store, self.retry_failed = store, retry_failed

    def recorded(self, job: Job, place: Place | None = None, seed: int | None = None) -> list[Summary]:
        """The records of this job's own source (and seed) that the store holds now, whoever wrote them."""
        own = sources.label(recipe_of(job))
        return [one for one in self._named(job, place, seed) if sources.label(one.recipe) == own]

    def of_other_sources(self, job: Job) -> dict[str, int]:
        """How many replicates this run asks for are there under the same name, but of another source; by what that is."""
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

    def trail(self, job: Job, places: Iterable[Place], summaries: Iterable[Summary]) -> Trail:
        """What is recorded and kept of arms that trained on data which `measure` made."""
        trail = Trail()
        examples: dict[DataRef | None, Summary] = {}
        for one in summaries:
            recipe = one.recipe
            same = (recipe.slug, recipe.version, recipe.scale) == (job.card.slug, job.card.version, job.scale)
            if same and _made_some(job, one):
                examples[one.data] = one
        for data, one in examples.items():
            trail.recorded |= {data.fingerprint} if data else set()
            with contextlib.suppress(IntegrityError):
                record = self.store.read(self.store.root / one.path)
                trail.trained |= {name for name, arm in record.arms.items() if _trained(arm, sure=data is None)}
        for place in places:
            for seed in job.seeds:
                cache = self.cache(QueuedReplicate(job, seed, 0, [], {}), place)
                for arm in job.params:
                    if kept := (cache.load_arm(arm) or {}).get("made"):
                        trail.kept.append((arm, kept))
        trail.arms = [arm for arm in job.params if arm in trail.trained or arm in dict(trail.kept)]
        return trail

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
                replicate = QueuedReplicate(job, seed, repeat, [], {})
                kept = {arm: self.cache(replicate, place).load_arm(arm) for arm in job.params}
                replicate.results = {
                    arm: result for arm, result in kept.items()
                    if result is not None and result.get("made", []) in ([], job.made.get(arm))
                }  # fmt: skip
                replicate.waiting = [
                    a for a in job.params if a not in replicate.results and (not job.only or a in job.only)
                ]
                replicates.append(replicate)
        return replicates

    def keep(self, replicate: QueuedReplicate, arm: str, result: dict[str, Any]) -> None:
        """Keep a measured arm until its replicate is recorded; a failed one is measured anew by the next run."""
        if result["arm"]["status"] != "failed":
            self.cache(replicate).save_arm(arm, result)
        replicate.running.discard(arm)
        replicate.results[arm] = result

    def record(self, replicate: QueuedReplicate, content: bytes) -> tuple[Path, Record] | None:
        """Write a replicate's record; None when another run was faster."""
        there = any(
            one.replicate.repeat == replicate.repeat for one in self.recorded(replicate.job, seed=replicate.seed)
        )
        written = None if there else self.store.add_record(content)
        if written is not None and written[1].data is not None and written[1].status == "complete":
            replicate.job.found = msgspec.to_builtins(written[1].data)
        self.cache(replicate).clear()
        return written

    def decided(self, job: Job) -> bool:
        """Whether the replicates recorded so far decide every claim."""
        return all(row.verdict != "inconclusive" for row in verdicts.verdicts(self.recorded(job), self.store))

    def seconds_per_arm(self, jobs: Sequence[Job]) -> dict[str, float]:
        """By the name of each job what one of its arms took in the store's records of its source, on whatever machine."""
        took = defaultdict(list)
        for summary in self.store.summaries()[0]:
            took[_name(summary.recipe)].append(summary.duration_s)
        return {job.name: median(found) / len(job.params) for job in jobs if (found := took.get(_name(recipe_of(job))))}

    def cache(self, replicate: QueuedReplicate, place: Place | None = None) -> ReplicateCache:
        """Where finished arms of this replicate are kept: by what its numbers belong to, and the very code that runs."""
        job, (machine, environment) = replicate.job, place or replicate.job.place or ("", "")
        return ReplicateCache(
            self.store.cache,
            measurement=job.measurement,
            code=package_code.running_sha256(),
            scale={"name": job.scale, **job.card.scales[job.scale]},
            seed=replicate.seed,
            repeat=replicate.repeat,
            data=[job.data, job.declared["fingerprint"]] if job.declared else job.data,
            environment=environment,
            machine=machine,
        )


def recipe_of(job: Job) -> RecipeRef:
    """The recipe as this job's records will name it."""
    return RecipeRef(job.card.slug, job.card.version, job.scale, job.source_sha256, "", job.measurement)


def _name(recipe: RecipeRef) -> tuple[str, int, str, str]:
    return recipe.slug, recipe.version, recipe.scale, sources.label(recipe)
