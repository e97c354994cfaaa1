"""What a store lacks of a suite on one machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from keras_reprise import catalog
from keras_reprise.catalog import sources
from keras_reprise.judge.comparable import groups
from keras_reprise.run.words import seeds_meant
from keras_reprise.store.store import Summary


@dataclass(frozen=True)
class Missing:
    """One recipe of a suite: how many replicates are wanted, how many are complete in the environment that has most
    of them, how many are missing there, and the command that measures them."""

    recipe: str
    version: int
    scale: str
    data: str | None
    wanted: int
    complete: int
    missing: int
    environment: str | None
    command: str


def missing(
    summaries: Sequence[Summary], suite: str, machine: str, scale: str | None = None, options: str = ""
) -> list[Missing]:
    """Every recipe of the suite, with what `machine` (an id) has of it at `scale` (None: the suite's).

    Records of other sources do not count.

    `options` end every command.
    """
    chosen, entries = catalog.suite(suite)
    scale = scale or chosen.scale
    found = groups(
        summary
        for summary in summaries
        if summary.machine == machine and summary.status == "complete" and not sources.label(summary.recipe)
    )
    rows = []
    for entry in entries:
        if scale not in entry.card.scales:
            continue
        data = None if entry.card.data is None else chosen.data or entry.card.data
        wanted = set(seeds_meant(chosen.seeds)[0] or range(1, int(entry.card.scales[scale]["seeds"]) + 1))
        here = {
            members[0].environment: len(wanted & {summary.replicate.seed for summary in members})
            for members in found.values()
            if _of(members[0]) == (entry.slug, entry.version, scale) and data in (None, _data(members[0]))
        }
        best = max(here, key=lambda environment: (here[environment], environment), default=None)
        complete = here[best] if best else 0
        substitute = f" --data {chosen.data}" if chosen.data and data else ""
        command = f"reprise run {entry.slug} --scale {scale} --seeds {max(wanted)}{substitute}{options}"
        counts = len(wanted), complete, len(wanted) - complete
        rows.append(Missing(entry.slug, entry.version, scale, data, *counts, best, command))
    return rows


def _of(summary: Summary) -> tuple[str, int, str]:
    return summary.recipe.slug, summary.recipe.version, summary.recipe.scale


def _data(summary: Summary) -> str | None:
    return summary.data.declared if summary.data else None
