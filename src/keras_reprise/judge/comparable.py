"""Which records are comparable: the one place that says what is pooled, under what key, and which of repeats counts.

Records are pooled only within one `Key`. Groups of them are put side by side within one `Setting`, and told apart by
their `Place`; whoever sorts things into heaps does it by `together`.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from keras_reprise.catalog import sources
from keras_reprise.store.store import Summary

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class DataKey(NamedTuple):
    """What makes data the same: its name, its content, and whether it stands in for the documented data set."""

    name: str
    fingerprint: str
    substitute: bool


class Place(NamedTuple):
    """Where records come from: the ids of a machine and of an environment."""

    machine: str
    environment: str


class Setting(NamedTuple):
    """What was asked, wherever it was measured; `data` is the label of the data set."""

    slug: str
    version: int
    scale: str
    data: str


class Key(NamedTuple):
    """Records are pooled only when all of this is equal; `source` labels one that is not the package's own."""

    slug: str
    version: int
    scale: str
    machine: str
    environment: str
    data: DataKey | None
    source: str

    @property
    def order(self) -> tuple[object, ...]:
        """The same for sorting: what has no data comes last."""
        return *self[:5], self.data is None, self.data or (), self.source


def key(summary: Summary) -> Key:
    """What a record is pooled by."""
    recipe, data = summary.recipe, summary.data
    return Key(
        slug=recipe.slug,
        version=recipe.version,
        scale=recipe.scale,
        machine=summary.machine,
        environment=summary.environment,
        data=DataKey(data.name, data.fingerprint, data.substitute) if data else None,
        source=sources.label(recipe),
    )


def together(items: Iterable[T], by: Callable[[T], K]) -> dict[K, list[T]]:
    """The items that are equal in what `by` gives of them, each heap in the order in which its items come."""
    found: dict[K, list[T]] = {}
    for item in items:
        found.setdefault(by(item), []).append(item)
    return found


def groups(summaries: Iterable[Summary]) -> dict[Key, list[Summary]]:
    """Comparable records together, in the order of their keys."""
    found = together(summaries, key)
    return {same: found[same] for same in sorted(found, key=lambda same: same.order)}


def latest(members: Iterable[Summary]) -> Summary:
    """The record that was finished last."""
    return max(members, key=lambda summary: (summary.finished_at, summary.id))


def as_finished(members: Iterable[Summary]) -> list[Summary]:
    """The records in the order in which they were finished."""
    return sorted(members, key=lambda summary: (summary.finished_at, summary.id))


def digest(members: Iterable[Summary]) -> str:
    """The content of a group of comparable records: sha256 of its record ids in the order they were finished.

    So that the digest of a group before it grew is that of its first records.
    """
    return hashlib.sha256("".join(summary.id for summary in as_finished(members)).encode()).hexdigest()


def one_per_seed(summaries: Iterable[Summary]) -> list[Summary]:
    """The replicates: of repeats of a seed the first complete one, else the first.

    Of several records of one repeat, as two runs that did not see each other make them, the one that was finished
    first, so that what comes later never replaces what counted.
    """

    def order(one: Summary) -> tuple[int, bool, int, str, str]:
        return one.replicate.seed, one.status != "complete", one.replicate.repeat, one.finished_at, one.id

    ordered = sorted(summaries, key=order)
    return [repeats[0] for repeats in together(ordered, lambda one: one.replicate.seed).values()]


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
