"""The replicates of a run as the store and its cache hold them: what is there, what is missing, what was measured of it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from keras_reprise import judge, package_code, sources
from keras_reprise.interruption import ReplicateCache
from keras_reprise.record import RecipeRef, Record
from keras_reprise.schedule import Job, Place, Unit
from keras_reprise.store import Store, Summary


class Replicates:
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
        return [summary for summary in found if (summary.data.name if summary.data else None) == job.data]

    def missing(self, job: Job, place: Place, seeds: Sequence[int]) -> list[Unit]:
        """The replicates without a record, with the arms that are kept of them."""
        present = defaultdict(list)
        for summary in self.recorded(job, place):
            present[summary.replicate.seed].append(summary)
        units = []
        for seed in seeds:
            found = present[seed]
            if not found or (self.retry_failed and all(summary.status == "failed" for summary in found)):
                repeat = max((summary.replicate.repeat for summary in found), default=-1) + 1
                unit = Unit(job, seed, repeat, [], {})
                kept = {arm: self.cache(unit, place).load_arm(arm) for arm in job.params}
                unit.results = {arm: result for arm, result in kept.items() if result is not None}
                unit.waiting = [a for a in job.params if a not in unit.results and (not job.only or a in job.only)]
                units.append(unit)
        return units

    def keep(self, unit: Unit, arm: str, result: dict[str, Any]) -> None:
        """Keep a measured arm until its replicate is recorded; a failed one is measured anew by the next run."""
        if result["arm"]["status"] != "failed":
            self.cache(unit).save_arm(arm, result)
        unit.running.discard(arm)
        unit.results[arm] = result

    def record(self, unit: Unit, content: bytes) -> tuple[Path, Record] | None:
        """Write a replicate's record; None when another run was faster."""
        there = any(one.replicate.repeat == unit.repeat for one in self.recorded(unit.job, seed=unit.seed))
        written = None if there else self.store.add_record(content)
        self.cache(unit).clear()
        return written

    def decided(self, job: Job) -> bool:
        """Whether the replicates recorded so far decide every claim."""
        return all(row.verdict != "inconclusive" for row in judge.verdicts(self.recorded(job), self.store))

    def seconds_per_arm(self, jobs: Sequence[Job]) -> dict[str, float]:
        """By the name of each job what one of its arms took in the store's records of its source, on whatever machine."""
        took = defaultdict(list)
        for summary in self.store.summaries()[0]:
            took[_name(summary.recipe)].append(summary.duration_s)
        return {job.name: median(found) / len(job.params) for job in jobs if (found := took.get(_name(recipe_of(job))))}

    def cache(self, unit: Unit, place: Place | None = None) -> ReplicateCache:
        """Where finished arms of this replicate are kept: by what its numbers belong to, and the very code that runs."""
        job, (machine, environment) = unit.job, place or unit.job.place or ("", "")
        return ReplicateCache(
            self.store.cache,
            measurement=job.measurement,
            code=package_code.running_sha256(),
            scale={"name": job.scale, **job.card.scales[job.scale]},
            seed=unit.seed,
            repeat=unit.repeat,
            data=job.data,
            environment=environment,
            machine=machine,
        )


def recipe_of(job: Job) -> RecipeRef:
    """The recipe as this job's records will name it."""
    return RecipeRef(job.card.slug, job.card.version, job.scale, job.source_sha256, "", job.measurement)


def _name(recipe: RecipeRef) -> tuple[str, int, str, str]:
    return recipe.slug, recipe.version, recipe.scale, sources.label(recipe)
