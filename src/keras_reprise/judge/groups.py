"""A group: the comparable records of one measurement, scale, machine, environment and data set, with their verdicts.

What reports, comparisons and citations speak of. Reads the store only.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import msgspec

from keras_reprise.base.errors import NothingMeasuredError, UserError
from keras_reprise.catalog import sources
from keras_reprise.judge import comparable
from keras_reprise.judge.comparable import Place, Setting
from keras_reprise.judge.design import SMALLEST_N
from keras_reprise.judge.judging import judging_card
from keras_reprise.judge.rule_verdict import RuleVerdict, rule_verdict
from keras_reprise.judge.verdicts import RULE, Verdict, of_group
from keras_reprise.record.schema import Card, Record
from keras_reprise.record.wording import backend_name
from keras_reprise.store.store import Store, Summary

MOST_REMEMBERED = 100_000  # verdicts of groups, beyond which the cache begins anew


@dataclass(frozen=True)
class Group:
    """Comparable records and what they say. `members` are all of them, `replicates` one for each seed.

    `prominence` is the number of groups that were measured on the same machine in the same environment. `superseded`:
    of several sources of somebody's own recipe, at this scale on this backend, this is not the one that was measured
    last.
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
        return comparable.latest(self.members)

    @property
    def finished_at(self) -> str:
        """When the last record was finished."""
        return self.latest.finished_at

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
    def place(self) -> Place:
        return Place(self.machine, self.environment)

    @property
    def setting(self) -> Setting:
        """What was asked of the recipe, wherever it was measured."""
        return Setting(self.slug, self.version, self.scale, self.data_label)

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
    def key_without_source(self) -> str:
        """Scale, data set, machine and environment in short: of several sources under one name the same."""
        data = self.first.data
        parts = [self.scale, *([_safe(data.name), data.fingerprint[:4]] if data else [])]
        return "-".join([*parts, self.machine[:8], self.environment[:8]])

    @property
    def key(self) -> str:
        """A name of the group that is safe in paths, anchors and identifiers."""
        return (
            f"{self.key_without_source}-{sources.hash_of(self.first.recipe)[:8]}"
            if self.source
            else self.key_without_source
        )

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
    def decidable(self) -> bool:
        """Whether so many replicates can decide the rule at all: enough for a test, or claims that need none."""
        needed = [claim.tested_as for claim in self.card.claims if claim.role == "rule" and not claim.retired]
        return len(self.complete) >= SMALLEST_N or (bool(self.complete) and {*needed} == {"exact"})

    @property
    def rank(self) -> tuple[bool, bool, bool, bool, int, int, str]:
        """The group with the highest rank stands for a recipe.

        Its own numbers, documented data, enough replicates to decide, full scale, most replicates, the place where most
        was measured, the latest.
        """
        documented, full, n = not self.substitute, self.scale == "full", len(self.complete)
        return self.stands, documented, self.decidable, full, n, self.prominence, self.finished_at

    @cached_property
    def rule(self) -> RuleVerdict:
        """What the claims that are the rule say together."""
        return rule_verdict(self.card, self.verdicts)

    def verdict(self, claim: str) -> Verdict | None:
        return next((verdict for verdict in self.verdicts if verdict.claim == claim), None)


def gather(summaries: Iterable[Summary], store: Store) -> list[Group]:
    """The groups of the records `summaries`, ordered by recipe and version, those that stand for it first."""
    pooled = comparable.groups(summaries)
    judged = [_Judged(members, judging_card(members, store)) for members in pooled.values()]
    places = Counter((key.machine, key.environment) for key in pooled)
    found = []
    for key, one, verdicts in zip(pooled, judged, _verdicts(judged, store), strict=True):
        found.append(Group(tuple(one.members), one.card, tuple(verdicts), places[key.machine, key.environment]))
    found = _superseded(found, store)
    found.sort(key=lambda group: group.rank, reverse=True)
    return sorted(found, key=lambda group: (group.slug, -group.version))


class _Judged(NamedTuple):
    """Comparable records, and the card that judges them."""

    members: list[Summary]
    card: Card

    @property
    def complete(self) -> list[Summary]:
        return [one for one in comparable.one_per_seed(self.members) if one.status == "complete"]


def _verdicts(judged: Sequence[_Judged], store: Store) -> list[list[Verdict]]:
    """The verdicts of groups, from the store's cache where neither their records nor their claims changed since."""
    name = f"verdicts-{RULE}"
    known = store.remembered(name, dict[str, list[Verdict]]) or {}
    if len(known) > MOST_REMEMBERED:
        known = {}
    claims = {id(one.card): _digest_of_claims(one.card, one.members[0]) for one in judged}
    keys = [f"{comparable.digest(one.members)}-{claims[id(one.card)]}" for one in judged]
    asked = {key: one for key, one in zip(keys, judged, strict=True) if key not in known}
    store.prepare((one.card, one.complete) for one in asked.values())
    new = {key: of_group(one.members, store) for key, one in asked.items()}
    if new:
        store.remember(name, known | new)
    return [new[key] if key in new else known[key] for key in keys]


def _digest_of_claims(card: Card, first: Summary) -> str:
    """What is claimed, and by which numbers of older records."""
    entry = sources.entry_of(first.recipe)
    content = msgspec.json.encode([card.claims, sorted(entry.unchanged) if entry else []])
    return hashlib.sha256(content).hexdigest()[:32]


def _superseded(groups: Sequence[Group], store: Store) -> list[Group]:
    """The groups, those of somebody's own recipes marked that were measured anew from another source since.

    A measurement is of one scale and backend, so sources are told from each other within these.
    """
    own = [group for group in groups if group.source and not group.foreign]
    backends = {one: backend_name(store.document("environments", one)) for one in {g.environment for g in own}}
    heaps = comparable.together(own, lambda group: (group.setting, backends[group.environment]))
    newest = {same: max(mine, key=lambda group: (group.finished_at, group.source)) for same, mine in heaps.items()}
    replaced = {id(group) for same, mine in heaps.items() for group in mine if group.source != newest[same].source}
    return [replace(group, superseded=True) if id(group) in replaced else group for group in groups]


def read(group: Group, store: Store) -> list[Record]:
    """The complete replicates' records, verified; IntegrityError names the file that is not what it was."""
    return [store.read(store.root / summary.path) for summary in group.complete]


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
            f"The store holds no record of {slug} version {wanted}.\n"
            f"It has {', '.join(map(str, versions))}; results of different versions are never pooled."
        )
    return max((group for group in mine if group.version == wanted), key=lambda group: group.rank)


def _safe(name: str) -> str:
    """`name` where it is lower-case words joined by hyphens, else a hash of it."""
    if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) and len(name) <= 60:
        return name
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
