"""Two groups beside each other: how each claim's number differs, and how many times as fast each arm is.

Differences are Welch intervals over replicates, ratios where a quantity is judged on its logarithm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_reprise.base import statistics
from keras_reprise.judge.design import LEVEL, ROUNDING, SMALLEST_N, WIDEST_RATIO
from keras_reprise.judge.groups import Group
from keras_reprise.judge.verdicts import exp
from keras_reprise.judge.weighing import all_equal
from keras_reprise.record.costs import ArmCost, GroupCost
from keras_reprise.record.schema import ClaimCard


@dataclass(frozen=True)
class Contrast:
    """A's mean minus B's with Welch's 95 % interval and p, or A's over B's (`is_ratio`), by their logarithms.

    `doubt` says why the interval (then nan) says nothing.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    is_ratio: bool = False
    doubt: str = ""


def contrast(a: np.ndarray, b: np.ndarray, *, is_ratio: bool) -> Contrast:
    """How the replicates `a` (n,) differ from `b` (m,)."""
    value, low, high, p = statistics.welch(np.log(a), np.log(b)) if is_ratio else statistics.welch(a, b)
    if is_ratio:
        value, low, high = exp(value), exp(low), exp(high)
    doubt = doubt_of(low, high, min(len(a), len(b)), ratio=is_ratio)
    return Contrast(value, math.nan, math.nan, p, is_ratio, doubt) if doubt else Contrast(value, low, high, p, is_ratio)


@dataclass(frozen=True)
class ClaimSide:
    """What one side says of a claim; a side that does not have it says nothing."""

    verdict: str = "-"
    mean: float = math.nan
    sd: float = math.nan
    n: int = 0


@dataclass(frozen=True)
class ClaimPair:
    """One claim on both sides, and their contrast, whose p is Holm-adjusted over the recipe's claims.

    `incomparable` says why there is no contrast to speak of. `printed` tells that the document prints the value.
    """

    claim: str
    unit: str
    a: ClaimSide
    b: ClaimSide
    contrast: Contrast
    identical: bool
    incomparable: str
    printed: bool

    @property
    def fewest(self) -> int:
        """The replicates of the side that has fewer."""
        return min(self.a.n, self.b.n)

    @property
    def verdicts_differ(self) -> bool:
        return not self.incomparable and self.a.verdict != self.b.verdict

    @property
    def opposite(self) -> bool:
        return {self.a.verdict, self.b.verdict} == {"reproduced", "contradicted"} and not self.incomparable

    @property
    def clear(self) -> bool:
        """Whether the change is significant, more than rounding, and not of two replicates."""
        return self.contrast.p <= LEVEL and not self.rounding and self.fewest >= SMALLEST_N

    @property
    def rounding(self) -> bool:
        """Whether the means differ by less than what two backends may differ by with the same arithmetic."""
        return abs(self.a.mean - self.b.mean) <= ROUNDING * max(abs(self.a.mean), abs(self.b.mean))

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to tell: the same verdict, and no clear change."""
        return not (self.incomparable or self.verdicts_differ or self.clear)


@dataclass(frozen=True)
class SpeedSide:
    """An arm's seconds on one side, in geometric mean over `n` replicates."""

    seconds: float
    n: int


@dataclass(frozen=True)
class Speed:
    """How many times as fast A is as B at one arm: the contrast of B's seconds to A's.

    Of replicates that had their machine alone, without compilation. `what` says of what the seconds are.
    """

    arm: str
    what: str
    a: SpeedSide
    b: SpeedSide
    contrast: Contrast


def claim_pairs(a: Group, b: Group) -> tuple[ClaimPair, ...]:
    """Every claim that one side has."""
    cards = [{claim.id: claim for claim in group.card.claims} for group in (a, b)]
    names = dict.fromkeys([*cards[0], *cards[1]])
    pairs = [_claim_pair((a, b), name, (cards[0].get(name), cards[1].get(name))) for name in names]
    tested = [pair for pair in pairs if math.isfinite(pair.contrast.p)]
    adjusted = statistics.holm([pair.contrast.p for pair in tested])
    by_claim = {pair.claim: p for pair, p in zip(tested, adjusted, strict=True)}
    return tuple(
        replace(pair, contrast=replace(pair.contrast, p=by_claim[pair.claim])) if pair.claim in by_claim else pair
        for pair in pairs
    )


def _claim_pair(groups: tuple[Group, Group], name: str, cards: tuple[ClaimCard | None, ClaimCard | None]) -> ClaimPair:
    verdicts = [group.verdict(name) for group in groups]
    values = [np.array(one.values if one else ()) for one in verdicts]
    sides = [ClaimSide(one.verdict, one.mean, one.sd, one.n) if one else ClaimSide() for one in verdicts]
    card = cards[0] or cards[1]
    assert card is not None, name
    why = _why_not(groups, cards)
    is_ratio = bool(cards[0] and cards[0].log and all(np.all(side > 0) for side in values))
    return ClaimPair(
        claim=name,
        unit=card.unit,
        a=sides[0],
        b=sides[1],
        contrast=Contrast(is_ratio=is_ratio) if why else _of_claim(values, cards, is_ratio=is_ratio),
        identical=bool(len(values[0])) and np.array_equal(values[0], values[1]),
        incomparable=why,
        printed=card.printed is not None,
    )


def _of_claim(
    values: Sequence[np.ndarray], cards: tuple[ClaimCard | None, ClaimCard | None], *, is_ratio: bool
) -> Contrast:
    """How a claim's values differ; where neither side varies there is no test, unless the claim is exact."""
    found = contrast(values[0], values[1], is_ratio=is_ratio)
    exact = all(one.tested_as == "exact" for one in cards if one)
    if exact or math.isnan(found.p) or not all(map(all_equal, values)):
        return found
    return Contrast(found.value, is_ratio=is_ratio, doubt="neither side varies")


def _why_not(groups: tuple[Group, Group], cards: tuple[ClaimCard | None, ClaimCard | None]) -> str:
    """Why what both sides say of a claim is not compared; nothing when it is."""
    one, other = cards
    if one is None or other is None:
        return f"only version {groups[one is None].version} has this claim"
    if (one.interval, one.unit, one.log, one.exact) != (other.interval, other.unit, other.log, other.exact):
        return "the versions state it differently"
    return "" if one.statistic == other.statistic else "the versions measure it differently"


def doubt_of(low: float, high: float, n: int, *, ratio: bool) -> str:
    """Why an interval over n replicates says nothing; empty when it says something, or there is none."""
    if not math.isfinite(low) or low == high:
        return ""
    if n < SMALLEST_N:
        return f"n = {n}: no interval"
    return "too few replicates to say" if ratio and not (low > 0 and high / low < WIDEST_RATIO) else ""


def speeds(a: GroupCost, b: GroupCost) -> tuple[tuple[Speed, ...], dict[str, str]]:
    """Seconds per update where both sides have them, else in all without compilation; and why other arms have none."""
    found, refused = [], dict[str, str]()
    for arm in a.arms:
        if arm not in b.arms:
            continue
        sides = a.arms[arm], b.arms[arm]
        what = "per update" if all(side.step_s for side in sides) else "in all"
        mine, other = (np.array(side.alone_step_s if what == "per update" else side.alone_s) for side in sides)
        if not len(mine) or not len(other) or min(*mine, *other) <= 0:
            refused[arm] = _why_no_speed(*sides)
        else:
            found.append(Speed(arm, what, _speed_side(mine), _speed_side(other), contrast(other, mine, is_ratio=True)))
    return tuple(found), refused


def _speed_side(seconds: np.ndarray) -> SpeedSide:
    return SpeedSide(math.exp(float(np.mean(np.log(seconds)))), len(seconds))


def _why_no_speed(a: ArmCost, b: ArmCost) -> str:
    busy = [name for name, side in (("A", a), ("B", b)) if not any(side.alone) and False in side.alone]
    unknown = [name for name, side in (("A", a), ("B", b)) if not any(side.alone) and False not in side.alone]
    reasons = [f"{' and '.join(busy)} did not have the machine alone"] if busy else []
    reasons += [f"it is not known whether {' and '.join(unknown)} had the machine alone"] if unknown else []
    return ", and ".join(reasons) or "there is no time per update, and compilation is not told apart"
