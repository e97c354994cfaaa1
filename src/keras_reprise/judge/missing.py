"""What a store lacks of a suite, and how long that takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from keras_reprise import catalog
from keras_reprise.base.errors import UserError
from keras_reprise.catalog import sources
from keras_reprise.catalog.lockfile import LockEntry
from keras_reprise.judge.comparable import groups
from keras_reprise.store.store import Summary


@dataclass(frozen=True)
class Missing:
    """One recipe of a suite: how many replicates are wanted, how many are complete in the environment that has most
    of them, how many are missing there, and the command that measures them.

    `seconds` is what the missing ones take one after the other, by the median of those that were measured; None where
    none was, or none is missing. `timed_elsewhere`: those were of other machines.
    """

    recipe: str
    version: int
    scale: str
    data: str | None
    wanted: int
    complete: int
    missing: int
    environment: str | None
    command: str
    seconds: float | None = None
    timed_elsewhere: bool = False


def missing(
    summaries: Sequence[Summary], suite: str, machine: str, scale: str | None = None, options: str = ""
) -> list[Missing]:
    """Every recipe of the suite, with what `machine` (an id) has of it at `scale` (None: the suite's).

    Records of other sources do not count. `options` end every command. UserError for a scale that none of the
    recipes has.
    """
    chosen, entries = catalog.suite(suite)
    scale = scale or chosen.scale
    scales = sorted({name for entry in entries for name in entry.card.scales})
    if entries and scale not in scales:
        raise UserError(f"No recipe of the suite {suite} has a scale {scale!r}.\nThere are {', '.join(scales)}.")
    here = [summary for summary in summaries if summary.machine == machine]
    elsewhere = [summary for summary in summaries if summary.machine != machine]
    return missing_of(entries, here, scale, seeds=chosen.seeds, data=chosen.data, elsewhere=elsewhere, options=options)


def missing_of(
    entries: Sequence[LockEntry],
    summaries: Sequence[Summary],
    scale: str,
    *,
    seeds: int | None = None,
    data: str | None = None,
    elsewhere: Sequence[Summary] = (),
    options: str = "",
) -> list[Missing]:
    """The same of these recipes and records, wherever those were made; one place must have all replicates.

    `seeds` None: as many as the scale asks for. `data` replaces the recipe's data set, where it has one. The records
    `elsewhere` tell only how long a replicate takes, where none of `summaries` does.
    """
    found, others = _by_recipe(summaries), _by_recipe(elsewhere)
    rows = []
    for entry in entries:
        if scale not in entry.card.scales:
            continue
        asked = None if entry.card.data is None else data or entry.card.data
        wanted = set(range(1, (seeds or int(entry.card.scales[scale]["seeds"])) + 1))
        key = entry.slug, entry.version, scale
        mine, theirs = ([one for one in of.get(key, ()) if asked in (None, _data(one))] for of in (found, others))
        here: dict[tuple[str, str], int] = {}
        for place, members in groups(mine).items():  # several of one place where its data were others meanwhile
            count = len(wanted & {summary.replicate.seed for summary in members})
            here[place.environment, place.machine] = max(count, here.get((place.environment, place.machine), 0))
        best = max(here, key=lambda place: (here[place], place), default=None)
        complete = here[best] if best else 0
        lacking = len(wanted) - complete
        took = [one.duration_s for one in mine or theirs]
        substitute = f" --data {data}" if data and asked else ""
        rows.append(
            Missing(
                recipe=entry.slug,
                version=entry.version,
                scale=scale,
                data=asked,
                wanted=len(wanted),
                complete=complete,
                missing=lacking,
                environment=best[0] if best else None,
                command=f"reprise run {entry.slug} --scale {scale} --seeds {max(wanted)}{substitute}{options}",
                seconds=lacking * median(took) if took and lacking else None,
                timed_elsewhere=bool(took and lacking and not mine),
            )
        )
    return rows


def _by_recipe(summaries: Sequence[Summary]) -> dict[tuple[str, int, str], list[Summary]]:
    """The complete replicates of the package's own recipes, by recipe, version and scale."""
    found: dict[tuple[str, int, str], list[Summary]] = {}
    for one in summaries:
        if one.status == "complete" and not sources.label(one.recipe):
            found.setdefault((one.recipe.slug, one.recipe.version, one.recipe.scale), []).append(one)
    return found


def _data(summary: Summary) -> str | None:
    return summary.data.declared if summary.data else None
