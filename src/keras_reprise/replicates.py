"""The replicates of a run as the store and its cache hold them: what is there, what is missing, what was measured of it."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from keras_reprise import judge
from keras_reprise.interruption import ReplicateCache
from keras_reprise.record import Record
from keras_reprise.schedule import Job, Place, Unit
from keras_reprise.store import Store, Summary


class Replicates:
    """Finds and keeps replicates; with `retry_failed`, those of which there are only failed records count as missing."""

    def __init__(self, store: Store, *, retry_failed: bool = False) -> None:
        self.store, self.retry_failed = store, retry_failed

    def recorded(self, job: Job, place: Place | None = None, seed: int | None = None) -> list[Summary]:
        """The records of this job (and seed) that the store holds now, whoever wrote them."""
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
        """By the name of each job what one of its arms took in the store's records, on whatever machine."""
        took = defaultdict(list)
        for summary in self.store.summaries()[0]:
            took[summary.recipe.slug, summary.recipe.version, summary.recipe.scale].append(summary.duration_s)
        return {
            job.name: median(found) / len(job.params)
            for job in jobs
            if (found := took.get((job.card.slug, job.card.version, job.scale)))
        }

    def cache(self, unit: Unit, place: Place | None = None) -> ReplicateCache:
        """Where finished arms of this replicate are kept, by all that decides its numbers."""
        job, (machine, environment) = unit.job, place or unit.job.place or ("", "")
        return ReplicateCache(
            self.store.cache,
            recipe=job.source_sha256,
            scale={"name": job.scale, **job.card.scales[job.scale]},
            seed=unit.seed,
            repeat=unit.repeat,
            data=job.data,
            environment=environment,
            machine=machine,
        )
