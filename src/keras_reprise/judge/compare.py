"""Two sides of the store beside each other: machines, environments, backends, recipe versions, revisions or two stores.

Results are never pooled. Groups are put side by side only when recipe, scale and data set are the same; what cannot be
is named, with the reason.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap

import numpy as np

from keras_reprise.base import statistics
from keras_reprise.base.errors import NothingMeasuredError, UserError
from keras_reprise.judge.comparable import Place, together
from keras_reprise.judge.conditions import Conditions, Origin, conditions
from keras_reprise.judge.contrasts import ClaimPair, Speed, claim_pairs, doubt_of, speeds
from keras_reprise.judge.costs import costs
from keras_reprise.judge.design import FEWEST_RECIPES
from keras_reprise.judge.groups import Group
from keras_reprise.judge.verdicts import exp
from keras_reprise.record import wording
from keras_reprise.store.store import Store

ONLY = "only the second has it", "only the first has it"


@dataclass(frozen=True)
class Side:
    """One side: its name, its groups, and the store they lie in."""

    name: str
    groups: tuple[Group, ...]
    store: Store


@dataclass(frozen=True)
class Pair:
    """One recipe at one scale and data set on both sides. `no_speeds` says by arm why its seconds are not compared."""

    a: Group
    b: Group
    claims: tuple[ClaimPair, ...]
    speeds: tuple[Speed, ...]
    passed_over: int = 0
    no_speeds: Mapping[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> str:
        """In words how the sources of the two differ; nothing where both are of one."""
        if same_source(self.a, self.b):
            return ""
        told = [f"{side} is of {group.whose}" for side, group in (("A", self.a), ("B", self.b)) if group.source]
        return f"Different sources under one name: {'; '.join(told)}."

    @property
    def overlap(self) -> bool:
        """Whether some records are on both sides."""
        return _overlap(self.a, self.b)

    @property
    def name(self) -> str:
        if self.a.version == self.b.version:
            return f"{self.a.slug}@{self.a.version}"
        return f"{self.a.slug}@{self.a.version} and @{self.b.version}"

    @property
    def setting(self) -> str:
        return f"{self.name}, {self.a.scale}, data {self.a.data_label}"


@dataclass(frozen=True)
class Refusal:
    """A recipe that both sides do not share, and why."""

    slug: str
    reason: str

    def __str__(self) -> str:
        return f"{self.slug}: {self.reason}"


@dataclass(frozen=True)
class Comparison:
    """Two sides, what they were measured on and with, and every recipe that both have."""

    a: Side
    b: Side
    conditions: Conditions
    pairs: tuple[Pair, ...]
    refused: tuple[Refusal, ...]

    @property
    def speed(self) -> tuple[float, float, float, int]:
        """The geometric mean of the recipes' speed ratios, its 95 % t interval over recipes, and their number.

        Arms, scales and versions of a recipe are averaged first. Fewer than five recipes have no mean (nan).
        """
        ratios = [(pair.a.slug, speed.contrast.value) for pair in self.pairs for speed in pair.speeds]
        ratios = [(slug, ratio) for slug, ratio in ratios if 0 < ratio < math.inf]
        by_recipe = together(ratios, lambda ratio: ratio[0])
        logs = [float(np.mean([math.log(ratio) for _, ratio in mine])) for mine in by_recipe.values()]
        if len(logs) < FEWEST_RECIPES:
            return math.nan, math.nan, math.nan, len(logs)
        low, high = (exp(end) for end in statistics.t_interval(np.array(logs)))
        if doubt_of(low, high, len(logs), ratio=True):
            low = high = math.nan
        return exp(float(np.mean(logs))), low, high, len(logs)

    @property
    def claims(self) -> list[tuple[Pair, ClaimPair]]:
        return [(pair, claim) for pair in self.pairs for claim in pair.claims]

    @property
    def overlapping(self) -> list[Pair]:
        """What is compared, at least in part, with itself."""
        return [pair for pair in self.pairs if pair.overlap]

    @property
    def opposite(self) -> list[tuple[Pair, ClaimPair]]:
        """The claims that one side reproduces and the other contradicts."""
        return [(pair, claim) for pair, claim in self.claims if claim.opposite]

    @property
    def clear(self) -> list[tuple[Pair, ClaimPair]]:
        """The other claims whose numbers clearly differ."""
        return [(pair, claim) for pair, claim in self.claims if claim.clear and not claim.opposite]

    @property
    def unclear(self) -> list[tuple[Pair, ClaimPair]]:
        """The other claims with different verdicts: their numbers do not clearly differ."""
        return [(pair, c) for pair, c in self.claims if c.verdicts_differ and not c.opposite and not c.clear]

    @property
    def differing(self) -> list[tuple[Pair, ClaimPair]]:
        """The claims with different verdicts."""
        return [(pair, claim) for pair, claim in self.claims if claim.verdicts_differ]

    @property
    def no_speeds(self) -> dict[str, list[str]]:
        """Why seconds are not compared, with the arms of which that holds, by reason."""
        found: dict[str, list[str]] = {}
        for pair in self.pairs:
            for arm, why in pair.no_speeds.items():
                found.setdefault(why, []).append(f"{pair.name} {pair.a.scale} {arm}")
        return found

    @property
    def refusals(self) -> dict[str, list[str]]:
        """Why recipes are not compared, with their names, by reason; first those that both sides have."""
        by_reason = together(self.refused, lambda refusal: refusal.reason)
        ordered = sorted(by_reason.items(), key=lambda item: item[0] in ONLY)
        return {reason: [refusal.slug for refusal in refused] for reason, refused in ordered}


def compare(a: Side, b: Side) -> Comparison:
    """Both sides beside each other; an error that says why when nothing of them is comparable."""
    for side in (a, b):
        if not side.groups:
            raise NothingMeasuredError(
                f"{side.name} has no record, so there is nothing to compare.\n"
                "`reprise status` shows what the store holds."
            )
    matched, refused = _match(a.groups, b.groups)
    cost = costs([pair[0] for pair in matched], a.store) | costs([pair[1] for pair in matched], b.store)
    pairs = []
    for one, other, more in matched:
        fast, not_known = speeds(cost[one.digest], cost[other.digest])
        pairs.append(Pair(one, other, claim_pairs(one, other), fast, more, not_known))
    where = conditions(_origin(a, [pair.a for pair in pairs]), _origin(b, [pair.b for pair in pairs]))
    comparison = Comparison(a, b, where, tuple(pairs), tuple(refused))
    if not pairs:
        raise UserError(_nothing_common(comparison))
    return comparison


def _nothing_common(comparison: Comparison) -> str:
    reasons = [f"{reason}: {', '.join(slugs)}" for reason, slugs in comparison.refusals.items()]
    lines = [wrap(text, 100, initial_indent="  ", subsequent_indent="    ") for text in reasons[:12]]
    return "\n".join(
        (
            f"Nothing of {comparison.a.name} and {comparison.b.name} is comparable:",
            *itertools.chain(*lines),
            "Measure the same recipe version at the same scale on the same data set on both sides.",
        )
    )


def _origin(side: Side, groups: Sequence[Group]) -> Origin:
    codes = [summary.code for group in groups for summary in group.replicates]
    commits = {(code.git_commit or code.package_version)[:10] + ("+" if code.dirty else "") for code in codes}
    return Origin(
        [side.store.document("machines", one) for one in dict.fromkeys(group.machine for group in groups)],
        [side.store.document("environments", one) for one in dict.fromkeys(group.environment for group in groups)],
        sorted(commits),
    )


def every_pair(groups: Sequence[Group], store: Store, most: int = 12) -> Iterator[Comparison]:
    """Each place against the one with most groups, and places of one machine against each other."""
    places = together(groups, lambda group: group.place)
    ordered = sorted(places, key=lambda place: (-len(places[place]), place))
    pairs = [
        (one, other)
        for one, other in itertools.combinations(ordered, 2)
        if one == ordered[0] or one.machine == other.machine
    ]  # fmt: skip
    for one, other in pairs[:most]:
        sides = [Side(_place_name(place, ordered, store), tuple(places[place]), store) for place in (other, one)]
        try:
            yield compare(*sides)
        except UserError:  # nothing in common: no page
            continue


def _place_name(place: Place, places: Sequence[Place], store: Store) -> str:
    """A place's machine and backend; with the environment's id where that alone is not unique."""

    def short(one: Place) -> str:
        return f"{one.machine[:8]} {wording.backend_name(store.document('environments', one.environment))}"

    twins = [other for other in places if short(other) == short(place)]
    return short(place) if len(twins) == 1 else f"{short(place)} {place.environment[:8]}"


def _match(a: Sequence[Group], b: Sequence[Group]) -> tuple[list[tuple[Group, Group, int]], list[Refusal]]:
    """Pairs of groups that may stand beside each other with the number of those passed over, and why others may not."""
    matched, refused = [], []
    sides = [together(groups, lambda group: group.slug) for groups in (a, b)]
    for slug in sorted({*sides[0], *sides[1]}):
        mine, other = (side.get(slug, []) for side in sides)
        if not mine or not other:
            refused.append(Refusal(slug, ONLY[bool(mine)]))
            continue
        ones, others = (together(groups, _setting) for groups in (mine, other))
        common = [same for same in ones if same in others]
        if not common:
            refused.append(Refusal(slug, _why_not(mine, other)))
        for same in common:
            one, two = _alike(ones[same], others[same])
            matched.append((one, two, len(ones[same]) + len(others[same]) - 2))
    return matched, refused


def _setting(group: Group) -> tuple[str, str, str]:
    """What both sides must share: the scale, and the data set by its name and content."""
    data = group.first.data
    return group.scale, data.name if data else "", data.fingerprint if data else ""


def _alike(a: Sequence[Group], b: Sequence[Group]) -> tuple[Group, Group]:
    """The two groups that differ least: of what stands for the recipe and of one source, the newest version of each
    side, of other records than each other, the same environment or machine before others.
    """

    def closeness(pair: tuple[Group, Group]) -> tuple[object, ...]:
        one, other = pair
        same = (one.environment == other.environment) + (one.machine == other.machine)
        sources = (one.stands + other.stands, same_source(one, other))
        versions = (one.version == other.version, one.version + other.version)
        return *sources, *versions, not _overlap(one, other), same, one.rank, other.rank

    return max(itertools.product(a, b), key=closeness)


def same_source(one: Group, other: Group) -> bool:
    """Whether two groups under one name are of one source: the package's own, one measurement, or, on another backend,
    one recipe file.
    """
    if one.source == other.source:
        return True
    files = [{summary.recipe.source_sha256 for summary in group.members} for group in (one, other)]
    return bool(one.source and other.source and one.environment != other.environment and files[0] & files[1])


def _overlap(one: Group, other: Group) -> bool:
    """Whether two groups have a record in common."""
    return not {summary.id for summary in one.members}.isdisjoint(summary.id for summary in other.members)


def _why_not(a: Sequence[Group], b: Sequence[Group]) -> str:
    scales = [sorted({group.scale for group in side}) for side in (a, b)]
    if not set(scales[0]) & set(scales[1]):
        return f"scale {', '.join(scales[0])} against {', '.join(scales[1])}; a scale changes sizes and budgets"
    labels = [sorted({group.data_label for group in side}) for side in (a, b)]
    if labels[0] == labels[1]:
        return f"both ran on {', '.join(labels[0])}, but not on the same images (fingerprints differ)"
    return f"data {', '.join(labels[0])} against {', '.join(labels[1])}"
