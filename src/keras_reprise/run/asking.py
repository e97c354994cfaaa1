"""What workers are asked before anything is measured: what recipe files hold, and which data they use now."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from keras_reprise.base.errors import IntegrityError
from keras_reprise.record.schema import ArmData, DataRef
from keras_reprise.run import messages
from keras_reprise.run.bookkeeping import replicate_cache
from keras_reprise.run.pool import Workers
from keras_reprise.run.queue import Job, Place
from keras_reprise.store.store import Store, Summary


def describe(workers: Workers, store: Store, recipes: Sequence[messages.RecipeSource]) -> list[messages.Described]:
    """What is in these recipe files; an error when one cannot be loaded. Their cards go to the store."""
    found = []
    for recipe in recipes:
        described = workers.ask(messages.Describe(recipe), messages.Described)
        store.add_document("cards", described.card)
        found.append(described)
    return found


def read_data(workers: Workers, store: Store, jobs: Sequence[Job]) -> None:
    """Have data of people's own read, before it is decided what need not be measured again.

    Those that a recipe declares, and those that its arms made in `measure` when something was kept or recorded.
    """
    summaries = store.summaries()[0]
    for job in jobs:
        task = messages.ReadData(job.source, job.scale, job.data, [])
        if job.own_data:
            job.declared = job.found = workers.ask(task, messages.DataRead).combined
        trail = trail_of(job, set(workers.places.values()), store, summaries)
        if trail.arms:
            task = msgspec.structs.replace(task, arms=trail.arms)
            read = workers.ask(task, messages.DataRead)
            if not trail.fits(read):
                further = workers.ask(msgspec.structs.replace(task, onward=True), messages.DataRead)
                read = further if trail.fits(further) else read
            job.made, job.found = read.made, read.combined


@dataclass
class Trail:
    """What was measured on data that `measure` made: fingerprints of records, kept arms with their data, the arms."""

    recorded: set[str] = field(default_factory=set)
    kept: list[tuple[str, list[DataRef]]] = field(default_factory=list)
    trained: set[str] = field(default_factory=set)
    arms: list[str] = field(default_factory=list)

    def fits(self, read: messages.DataRead) -> bool:
        """Whether some of it was measured on the data that were read."""
        if read.combined is not None and read.combined.fingerprint in self.recorded:
            return True
        return any(read.made.get(arm) == made for arm, made in self.kept)


def trail_of(job: Job, places: Iterable[Place], store: Store, summaries: Iterable[Summary]) -> Trail:
    """What is recorded and kept of arms of the job that trained on data which `measure` made."""
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
            record = store.read(store.root / one.path)
            trail.trained |= {name for name, arm in record.arms.items() if _trained(arm, sure=data is None)}
    for place in places:
        for seed in job.seeds:
            cache = replicate_cache(store, job, seed, 0, place)
            for arm in job.params:
                kept = cache.load_arm(arm)
                if kept is not None and kept.made:
                    trail.kept.append((arm, kept.made))
    trail.arms = [arm for arm in job.params if arm in trail.trained or arm in dict(trail.kept)]
    return trail


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
        return summary.data.fingerprint != job.declared.fingerprint
    return summary.data.name != job.data
