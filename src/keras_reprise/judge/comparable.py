"""Which records are comparable: the one place that says what is pooled, what it is called, and which of repeats counts."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from keras_reprise.catalog import sources
from keras_reprise.store.store import Summary


def groups(summaries: Iterable[Summary]) -> dict[tuple[Any, ...], list[Summary]]:
    """Comparable records together, in the order of their key."""
    found: dict[tuple[Any, ...], list[Summary]] = {}
    for summary in summaries:
        found.setdefault(key(summary), []).append(summary)
    return {same: found[same] for same in sorted(found, key=str)}


def digest(members: Sequence[Summary]) -> str:
    """The content of a group of comparable records: sha256 of its record ids in the order they were finished.

    So that the digest of a group before it grew is that of its first records.
    """
    ordered = sorted(members, key=lambda summary: (summary.finished_at, summary.id))
    return hashlib.sha256("".join(summary.id for summary in ordered).encode()).hexdigest()


def key(summary: Summary) -> tuple[Any, ...]:
    """Records are pooled only when all of this is equal."""
    data = summary.data
    return (
        summary.recipe.slug,
        summary.recipe.version,
        summary.recipe.scale,
        summary.machine,
        summary.environment,
        (data.name, data.fingerprint, data.substitute) if data else None,
        sources.label(summary.recipe),
    )


def one_per_seed(summaries: Iterable[Summary]) -> list[Summary]:
    """The replicates: of repeats of a seed the first complete one, else the first.

    Of several records of one repeat, as two runs that did not see each other make them, the one that was finished first, so
    that what comes later never replaces what counted.
    """

    def order(one: Summary) -> tuple[int, bool, int, str, str]:
        return one.replicate.seed, one.status != "complete", one.replicate.repeat, one.finished_at, one.id

    chosen: dict[int, Summary] = {}
    for summary in sorted(summaries, key=order):
        chosen.setdefault(summary.replicate.seed, summary)
    return list(chosen.values())


def repeated(summaries: Sequence[Summary], new: Iterable[str]) -> int:
    """How many of the records at the paths `new` are of a replicate that another record was of already.

    That is a seed of the same source on the same machine, environment and data.
    """
    paths = set(new)
    here = {(key(one), one.replicate.seed) for one in summaries if one.path not in paths}
    return sum((key(one), one.replicate.seed) in here for one in summaries if one.path in paths)


def data_label(summary: Summary) -> str | None:
    """The data set's name, marked when it is a substitute."""
    if summary.data is None:
        return None
    return f"{summary.data.name} (substitute)" if summary.data.substitute else summary.data.name
