"""A group: the comparable records of one measurement, scale, machine, environment and data set, with their verdicts.

What reports, comparisons and citations speak of. Reads the store only.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec

from keras_reprise.base.errors import NothingMeasuredError, UserError
from keras_reprise.catalog import sources
from keras_reprise.judge import comparable
from keras_reprise.judge import verdicts as judge
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record.schema import Card, Record, number
from keras_reprise.store.store import Store, Summary

COSTS = "costs-2"


@dataclass(frozen=True)
class Group:
    """Comparable records and what they say. `members` are all of them, `replicates` one for each seed.

    `prominence` is the number of groups that were measured on the same machine in the same environment. `superseded`: of
    several sources of somebody's own recipe, at this scale on this backend, this is not the one that was measured last.
    """

    members: tuple[Summary, ...]
    card: Card
    verdicts: tuple[Verdict, ...]
    prominence: int = 1
    superseded: bool = False

    @property
    def first(self) -> Summary:
        return self.members[0]

    @property
    def latest(self) -> Summary:
        """The record that was finished last."""
        return max(self.members, key=lambda summary: (summary.finished_at, summary.id))

    @property
    def slug(self) -> str:
        return self.first.recipe.slug

    @property
    def version(self) -> int:
        return self.first.recipe.version

    @property
    def scale(self) -> str:
        return self.first.recipe.scale

    @property
    def machine(self) -> str:
        return self.first.machine

    @property
    def environment(self) -> str:
        return self.first.environment

    @property
    def data_label(self) -> str:
        return comparable.data_label(self.first) or "none"

    @property
    def substitute(self) -> bool:
        return self.first.data is not None and self.first.data.substitute

    @cached_property
    def replicates(self) -> list[Summary]:
        return comparable.one_per_seed(self.members)

    @property
    def complete(self) -> list[Summary]:
        return [summary for summary in self.replicates if summary.status == "complete"]

    @cached_property
    def digest(self) -> str:
        return comparable.digest(self.members)

    @property
    def identifier(self) -> str:
        """Recipe, version and content: what a citation names."""
        return f"reprise:{self.slug}@{self.version}/{self.digest[:12]}"

    @property
    def source(self) -> str:
        """Nothing where these are the package's own numbers, else a short name of the source that they are of."""
        return sources.label(self.first.recipe)

    @property
    def whose(self) -> str:
        """The same in words, to follow "of"."""
        told = sources.words(self.first.recipe)
        return f"{told}, which was measured anew from another source since" if self.superseded else told

    @property
    def foreign(self) -> bool:
        """Whether these numbers bear the name of one of the package's recipes, and are not its own."""
        return bool(self.source) and sources.is_ours(self.slug)

    @property
    def stands(self) -> bool:
        """Whether these numbers may stand for the recipe: the package's own, or of somebody's own recipe the latest."""
        return not self.foreign and not self.superseded

    @property
    def place(self) -> str:
        """The setting in short: scale, data set, machine and environment; of several sources under one name the same."""
        data = self.first.data
        parts = [self.scale, *([_safe(data.name), data.fingerprint[:4]] if data else [])]
        return "-".join([*parts, self.machine[:8], self.environment[:8]])

    @property
    def key(self) -> str:
        """A name of the group that is safe in paths, anchors and identifiers."""
        return f"{self.place}-{sources.hash_of(self.first.recipe)[:8]}" if self.source else self.place

    @property
    def uncitable(self) -> str:
        """Why numbers of this group should not be cited; empty when they may be."""
        dirty = sum(summary.code.dirty is True for summary in self.replicates)
        failed = len(self.replicates) - len(self.complete)
        reasons = []
        if not self.complete:
            reasons.append("no replicate is complete")
        elif failed:
            reasons.append(f"{failed} of {len(self.replicates)} replicates failed")
        if dirty:
            reasons.append(f"{dirty} of {len(self.replicates)} records come from a checkout with uncommitted changes")
        if self.substitute:
            reasons.append("the data set is a substitute")
        if self.foreign:
            reasons.append(f"it is of {self.whose}")
        return "; ".join(reasons)

    @property
    def rank(self) -> tuple[bool, bool, bool, int, int, str]:
        """The group with the highest rank stands for a recipe.

        Its own numbers, documented data, full scale, most replicates, the place where most was measured, the latest.
        """
        latest = max(summary.finished_at for summary in self.members)
        return self.stands, not self.substitute, self.scale == "full", len(self.complete), self.prominence, latest

    def verdict(self, claim: str) -> Verdict | None:
        return next((verdict for verdict in self.verdicts if verdict.claim == claim), None)


class ArmCost(msgspec.Struct, frozen=True):
    """What one arm cost in each complete replicate: seconds in all and per update (median), and the largest peak memory.

    `alone` says of each whether it had its machine to itself (None: not known). Those that had are in `alone_step_s`, seconds
    per update, and `alone_s`, seconds in all without compilation; each as far as it is known.
    """

    params: int | None
    total_s: list[float]
    step_s: list[float]
    peak_memory_bytes: int | None
    alone: list[bool | None]
    alone_step_s: list[float]
    alone_s: list[float]


class GroupCost(msgspec.Struct, frozen=True):
    """The cost of a group's arms, and the median of the machine's mean load meanwhile."""

    arms: dict[str, ArmCost]
    load: float | None


def gather(summaries: Iterable[Summary], store: Store) -> list[Group]:
    """The groups of the records `summaries`, ordered by recipe and version, those that stand for it first."""
    judged = judge.judged(summaries, store)
    places = Counter((members[0].machine, members[0].environment) for members, _ in judged)
    found = []
    for members, verdicts in judged:
        latest = max(members, key=lambda summary: summary.finished_at)
        place = places[latest.machine, latest.environment]
        found.append(Group(tuple(members), store.card(latest.recipe.card), tuple(verdicts), place))
    found = _superseded(found, store)
    found.sort(key=lambda group: group.rank, reverse=True)
    return sorted(found, key=lambda group: (group.slug, -group.version))


def _superseded(groups: Sequence[Group], store: Store) -> list[Group]:
    """The groups, those of somebody's own recipes marked that were measured anew from another source since.

    A measurement is of one scale and backend, so sources are told from each other within these.
    """
    latest: dict[tuple[object, ...], tuple[str, str]] = {}
    settings = []
    for group in groups:
        backend = store.document("environments", group.environment).get("backend")
        name = str(backend.get("name")) if isinstance(backend, dict) else ""
        setting = (group.slug, group.version, group.scale, group.data_label, name)
        settings.append(setting)
        if group.source and not group.foreign:
            at = max(summary.finished_at for summary in group.members)
            latest[setting] = max(latest.get(setting, ("", "")), (at, group.source))
    return [
        replace(group, superseded=True)
        if group.source and not group.foreign and latest[setting][1] != group.source
        else group
        for group, setting in zip(groups, settings, strict=True)
    ]


def read(group: Group, store: Store) -> list[Record]:
    """The complete replicates' records, verified; IntegrityError names the file that is not what it was."""
    return [store.read(store.root / summary.path) for summary in group.complete]


def costs(groups: Sequence[Group], store: Store) -> dict[str, GroupCost]:
    """What each group cost, by its digest; remembered in the store's cache."""
    known = store.remembered(COSTS, dict[str, GroupCost]) or {}
    new = {g.digest: cost_of(read(g, store), timing=g.card.timing) for g in groups if g.digest not in known}
    if new:
        store.remember(COSTS, known | new)
    return known | new


def cost_of(records: Sequence[Record], *, timing: bool) -> GroupCost:
    """What the arms of these replicates cost; `timing` recipes are about seconds."""
    from statistics import median

    arms = {}
    for arm in records[0].arms if records else ():
        with_it = [record for record in records if arm in record.arms]
        measured = [record.arms[arm] for record in with_it]
        alone = [had_machine_alone(record, arm, timing=timing) for record in with_it]
        times = [m.time for m, had in zip(measured, alone, strict=True) if had]
        arms[arm] = ArmCost(
            params=measured[0].cost.params,
            total_s=[m.time.total_s for m in measured if m.time.total_s is not None],
            step_s=[number(m.time.step_s.median) for m in measured if m.time.step_s],
            peak_memory_bytes=max((m.cost.peak_memory_bytes or 0 for m in measured), default=0) or None,
            alone=alone,
            alone_step_s=[number(time.step_s.median) for time in times if time.step_s],
            alone_s=[t.total_s - t.compile_s for t in times if t.total_s is not None and t.compile_s is not None],
        )
    loads = [record.load.mean_1m for record in records if record.load.mean_1m is not None]
    return GroupCost(arms, median(loads) if loads else None)


def had_machine_alone(record: Record, arm: str, *, timing: bool) -> bool | None:
    """Whether the arm had its machine to itself, so that its seconds may be compared; None where that is not known.

    Old records do not say so: then recipes about seconds had, since nothing else of the package ran beside them. Strict runs are
    slower on purpose, and say nothing of seconds.
    """
    if record.determinism.mode == "strict":
        return None
    said = record.arms[arm].time.alone
    return True if said is None and record.schema == 1 and timing else said


def one(groups: Sequence[Group], slug: str, version: int | None = None) -> Group:
    """The group that stands for a recipe; an error that says what there is when there is none."""
    mine = [group for group in groups if group.slug == slug]
    if not mine:
        raise NothingMeasuredError(
            f"The store holds no record of {slug} that matches.\nMeasure it with `reprise run {slug}`."
        )
    versions = sorted({group.version for group in mine})
    newest = max({group.version for group in mine if group.stands} or versions)
    wanted = newest if version is None else version
    if wanted not in versions:
        raise UserError(
            f"The store holds no record of {slug} version {wanted}.\nIt has {', '.join(map(str, versions))}; results of different versions are never pooled."
        )
    return max((group for group in mine if group.version == wanted), key=lambda group: group.rank)


def _safe(name: str) -> str:
    """`name` where it is lower-case words joined by hyphens, else a hash of it."""
    if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) and len(name) <= 60:
        return name
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
