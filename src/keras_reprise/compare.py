"""Two sides of the store beside each other: machines, environments, backends, recipe versions, revisions or two stores.

Results are never pooled. Groups are put side by side only when recipe, scale and data set are the same; what cannot be is named, with the
reason. Differences are Welch intervals over replicates, ratios where a quantity is judged on its logarithm.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_reprise import stats
from keras_reprise.errors import NothingMeasuredError, UserError
from keras_reprise.groups import Group, GroupCost, costs
from keras_reprise.record import ClaimCard
from keras_reprise.store import Store

ALPHA = 0.05


@dataclass(frozen=True)
class Side:
    """One side: its name, its groups, and the store they lie in."""

    name: str
    groups: tuple[Group, ...]
    store: Store


@dataclass(frozen=True)
class Difference:
    """One fact that differs: of the machine, the environment, or a package."""

    fact: str
    a: str
    b: str


@dataclass(frozen=True)
class ClaimPair:
    """One claim on both sides. `change` is a minus b, or a / b for quantities judged on their logarithm (`is_ratio`).

    `p` is Welch's, Holm-adjusted over the recipe's claims; `incomparable` says why there is no change to speak of.
    """

    claim: str
    a_verdict: str
    b_verdict: str
    a_mean: float
    b_mean: float
    a_sd: float
    b_sd: float
    a_n: int
    b_n: int
    unit: str
    change: float
    low: float
    high: float
    p: float
    is_ratio: bool
    identical: bool = False
    incomparable: str = ""

    @property
    def verdicts_differ(self) -> bool:
        return not self.incomparable and self.a_verdict != self.b_verdict

    @property
    def opposite(self) -> bool:
        return {self.a_verdict, self.b_verdict} == {"reproduced", "contradicted"} and not self.incomparable

    @property
    def clear(self) -> bool:
        return self.p <= ALPHA


@dataclass(frozen=True)
class Speed:
    """How many times as fast a is as b at one arm: b's seconds over a's, with its 95 % interval over replicates."""

    arm: str
    what: str
    a_s: float
    b_s: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Pair:
    """One recipe at one scale and data set on both sides."""

    a: Group
    b: Group
    claims: tuple[ClaimPair, ...]
    speeds: tuple[Speed, ...]
    passed_over: int = 0

    @property
    def sources(self) -> str:
        """In words how the sources of the two differ; nothing where both are of one."""
        if same_source(self.a, self.b):
            return ""
        told = [f"{side} is of {group.whose}" for side, group in (("A", self.a), ("B", self.b)) if group.source]
        return f"Different sources under one name: {'; '.join(told)}."

    @property
    def name(self) -> str:
        if self.a.version == self.b.version:
            return f"{self.a.slug}@{self.a.version}"
        return f"{self.a.slug}@{self.a.version} and @{self.b.version}"


@dataclass(frozen=True)
class Comparison:
    """Two sides, what differs in their machines and software, and every recipe that both have."""

    a: Side
    b: Side
    differences: tuple[Difference, ...]
    pairs: tuple[Pair, ...]
    refused: tuple[str, ...]

    @property
    def speed(self) -> tuple[float, float, float, int]:
        """The geometric mean of the recipes' speed ratios, its 95 % t interval over recipes, and their number."""
        logs = [np.mean([math.log(s.ratio) for s in pair.speeds]) for pair in self.pairs if pair.speeds]
        if not logs:
            return math.nan, math.nan, math.nan, 0
        low, high = stats.t_interval(np.array(logs))
        return math.exp(float(np.mean(logs))), math.exp(low), math.exp(high), len(logs)

    @property
    def differing(self) -> list[tuple[Pair, ClaimPair]]:
        """The claims with different verdicts."""
        return [(pair, claim) for pair in self.pairs for claim in pair.claims if claim.verdicts_differ]


def compare(a: Side, b: Side) -> Comparison:
    """Both sides beside each other; an error that says why when nothing of them is comparable."""
    for side in (a, b):
        if not side.groups:
            raise NothingMeasuredError(
                f"{side.name} has no record, so there is nothing to compare.\n`reprise status` shows what the store holds."
            )
    matched, refused = _match(a.groups, b.groups)
    if not matched:
        raise UserError(
            "\n".join(
                (f"Nothing of {a.name} and {b.name} is comparable:", *(f"  {reason}" for reason in refused[:12]),
                 "Measure the same recipe version at the same scale on the same data set on both sides.")
            )
        )  # fmt: skip
    cost = costs([pair[0] for pair in matched], a.store) | costs([pair[1] for pair in matched], b.store)
    pairs = [Pair(one, other, _claims(one, other), _speeds(cost[one.digest], cost[other.digest]), more) for one, other, more in matched]  # fmt: skip
    return Comparison(a, b, tuple(_differences(a, b, [(one, other) for one, other, _ in matched])), tuple(pairs), tuple(refused))  # fmt: skip


def every_pair(groups: Sequence[Group], store: Store, most: int = 12) -> Iterator[Comparison]:
    """Each place (machine with environment) against the one with most groups, and places of one machine with each other."""
    places: dict[tuple[str, str], list[Group]] = {}
    for group in groups:
        places.setdefault((group.machine, group.environment), []).append(group)
    ordered = sorted(places, key=lambda place: (-len(places[place]), place))
    pairs = [
        (one, other)
        for one, other in itertools.combinations(ordered, 2)
        if one == ordered[0] or one[0] == other[0]
    ]  # fmt: skip
    for one, other in pairs[:most]:
        sides = [Side(_place_name(place, ordered, store), tuple(places[place]), store) for place in (other, one)]
        try:
            yield compare(*sides)
        except UserError:  # nothing in common: no page
            continue


def _place_name(place: tuple[str, str], places: Sequence[tuple[str, str]], store: Store) -> str:
    """A place's machine and backend; with the environment's id where that alone is not unique."""

    def short(one: tuple[str, str]) -> str:
        backend = store.document("environments", one[1]).get("backend")
        return f"{one[0][:8]} {backend.get('name') if isinstance(backend, dict) else ''}".strip()

    twins = [other for other in places if short(other) == short(place)]
    return short(place) if len(twins) == 1 else f"{short(place)} {place[1][:8]}"


def _match(a: Sequence[Group], b: Sequence[Group]) -> tuple[list[tuple[Group, Group, int]], list[str]]:
    """Pairs of groups that may stand beside each other with the number of those passed over, and why others may not."""
    matched, refused = [], []
    for slug in sorted({group.slug for group in a} | {group.slug for group in b}):
        mine, other = [g for g in a if g.slug == slug], [g for g in b if g.slug == slug]
        if not mine or not other:
            refused.append(f"{slug}: only {'the second' if not mine else 'the first'} has it")
            continue
        settings: dict[tuple[Any, ...], tuple[list[Group], list[Group]]] = {}
        for side, found in enumerate((mine, other)):
            for group in found:
                settings.setdefault(_setting(group), ([], []))[side].append(group)
        common = {key: both for key, both in settings.items() if all(both)}
        if not common:
            refused.append(f"{slug}: {_why_not(mine, other)}")
        for ones, others in common.values():
            one, two = _alike(ones, others)
            matched.append((one, two, len(ones) + len(others) - 2))
    return matched, refused


def _setting(group: Group) -> tuple[Any, ...]:
    data = group.first.data
    return group.scale, (data.name, data.fingerprint) if data else None


def _alike(a: Sequence[Group], b: Sequence[Group]) -> tuple[Group, Group]:
    """The two groups that differ least: of what stands for the recipe and of one source, the newest version of each side, the
    same environment or machine before others."""

    def closeness(pair: tuple[Group, Group]) -> tuple[Any, ...]:
        one, other = pair
        same = (one.environment == other.environment) + (one.machine == other.machine)
        sources = (one.stands + other.stands, same_source(one, other))
        return *sources, one.version == other.version, one.version + other.version, same, one.rank, other.rank

    return max(itertools.product(a, b), key=closeness)


def same_source(one: Group, other: Group) -> bool:
    """Whether two groups under one name are of one source: the package's own, one measurement, or, on another backend, one
    recipe file."""
    if one.source == other.source:
        return True
    files = [{summary.recipe.source_sha256 for summary in group.members} for group in (one, other)]
    return bool(one.source and other.source and one.environment != other.environment and files[0] & files[1])


def _why_not(a: Sequence[Group], b: Sequence[Group]) -> str:
    scales = [sorted({group.scale for group in side}) for side in (a, b)]
    if not set(scales[0]) & set(scales[1]):
        return f"scale {', '.join(scales[0])} against {', '.join(scales[1])}; a scale changes sizes and budgets"
    labels = [sorted({group.data_label for group in side}) for side in (a, b)]
    if labels[0] == labels[1]:
        return f"both ran on {', '.join(labels[0])}, but not on the same images (fingerprints differ)"
    return f"data {', '.join(labels[0])} against {', '.join(labels[1])}"


def _claims(a: Group, b: Group) -> tuple[ClaimPair, ...]:
    """Every claim that one side has."""
    cards = [{claim.id: claim for claim in group.card.claims} for group in (a, b)]
    pairs = [_claim_pair(a, b, name, cards[0].get(name), cards[1].get(name)) for name in dict.fromkeys([*cards[0], *cards[1]])]  # fmt: skip
    tested = [pair for pair in pairs if math.isfinite(pair.p)]
    adjusted = dict(zip([pair.claim for pair in tested], stats.holm([pair.p for pair in tested]), strict=True))
    return tuple(
        pair if pair.claim not in adjusted else ClaimPair(**{**pair.__dict__, "p": adjusted[pair.claim]})
        for pair in pairs
    )


def _claim_pair(a: Group, b: Group, name: str, one: ClaimCard | None, other: ClaimCard | None) -> ClaimPair:
    verdicts = a.verdict(name), b.verdict(name)
    why = ""
    if one is None or other is None:
        why = f"only version {(b if one is None else a).version} has this claim"
    elif (one.interval, one.unit, one.log, one.exact) != (other.interval, other.unit, other.log, other.exact):
        why = "the versions state it differently"
    elif one.statistic != other.statistic:
        why = "the versions measure it differently"
    values = [np.array(v.values if v else ()) for v in verdicts]
    is_ratio = bool(one and one.log and all(np.all(side > 0) for side in values))
    identical = bool(len(values[0])) and np.array_equal(values[0], values[1])
    change = low = high = p = math.nan
    if not why:
        mine, its = (np.log(side) if is_ratio else side for side in values)
        change, low, high, p = stats.welch(mine, its)
        if is_ratio:
            change, low, high = math.exp(change), math.exp(low), math.exp(high)
    numbers = [(v.verdict, v.mean, v.sd, v.n) if v else ("-", math.nan, math.nan, 0) for v in verdicts]
    (a_verdict, a_mean, a_sd, a_n), (b_verdict, b_mean, b_sd, b_n) = numbers
    card = one or other
    unit = card.unit if card else ""
    return ClaimPair(name, a_verdict, b_verdict, a_mean, b_mean, a_sd, b_sd, a_n, b_n, unit, change, low, high, p, is_ratio, identical, why)  # fmt: skip


def _speeds(a: GroupCost, b: GroupCost) -> tuple[Speed, ...]:
    """Seconds per update where both sides have them, else seconds of the whole arm."""
    found = []
    for arm in a.arms:
        if arm not in b.arms:
            continue
        steps = a.arms[arm].step_s and b.arms[arm].step_s
        mine, other = ((c.arms[arm].step_s if steps else c.arms[arm].total_s) for c in (a, b))
        if not mine or not other or min(*mine, *other) <= 0:
            continue
        difference, low, high, _ = stats.welch(np.log(np.array(other)), np.log(np.array(mine)))
        what = "per update" if steps else "in all"
        found.append(Speed(arm, what, _typical(mine), _typical(other), math.exp(difference), math.exp(low), math.exp(high)))  # fmt: skip
    return tuple(found)


def _typical(seconds: Sequence[float]) -> float:
    return math.exp(float(np.mean(np.log(np.array(seconds)))))


def _differences(a: Side, b: Side, pairs: Sequence[tuple[Group, Group]]) -> list[Difference]:
    """The facts in which machines and environments of the compared groups differ, line by line."""
    found = []
    for kind in ("machine", "environment"):
        facts = [
            _together([side.store.document(f"{kind}s", name) for name in dict.fromkeys(getattr(pair[i], kind) for pair in pairs)])
            for i, side in enumerate((a, b))
        ]  # fmt: skip
        for fact in dict.fromkeys([*facts[0], *facts[1]]):
            one, other = facts[0].get(fact, "-"), facts[1].get(fact, "-")
            if one != other:
                found.append(Difference(f"{kind} {fact}", one, other))
    commits = [sorted({(s.code.git_commit or s.code.package_version)[:10] + ("+" if s.code.dirty else "") for pair in pairs for s in pair[i].replicates}) for i in (0, 1)]  # fmt: skip
    if commits[0] != commits[1]:
        found.append(Difference("code (+ uncommitted changes)", ", ".join(commits[0]), ", ".join(commits[1])))
    return found


def _together(documents: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The facts of one or several documents, flat; values that differ among them stand beside each other."""
    flat = [dict(flatten(document)) for document in documents]
    names = dict.fromkeys(name for facts in flat for name in facts)
    return {name: " | ".join(dict.fromkeys(facts.get(name, "-") for facts in flat)) for name in names}


def flatten(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The facts of a nested document as names and texts; installed packages by their own names."""
    for key, value in document.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from flatten(value, "" if key == "packages" else f"{name} ")
        else:
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
