"""Two groups beside each other: how each claim's number differs, and how many times as fast each arm is.

Differences are Welch intervals over replicates, ratios where a quantity is judged on its logarithm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_reprise.base import statistics
from keras_reprise.judge.design import LEVEL, ROUNDING, SMALLEST_N, WIDEST_RATIO
from keras_reprise.judge.groups import ArmCost, Group, GroupCost
from keras_reprise.record.schema import ClaimCard


@dataclass(frozen=True)
class ClaimPair:
    """One claim on both sides. `change` is a minus b, or a / b for quantities judged on their logarithm (`is_ratio`).

    `p` is Welch's, Holm-adjusted over the recipe's claims; `incomparable` says why there is no change to speak of, `doubt` why its
    interval (then nan) says nothing. `printed` tells that the document prints the value.
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
    printed: bool = False
    doubt: str = ""

    @property
    def verdicts_differ(self) -> bool:
        return not self.incomparable and self.a_verdict != self.b_verdict

    @property
    def opposite(self) -> bool:
        return {self.a_verdict, self.b_verdict} == {"reproduced", "contradicted"} and not self.incomparable

    @property
    def clear(self) -> bool:
        """Whether the change is significant, more than rounding, and not of two replicates."""
        return self.p <= LEVEL and not self.rounding and min(self.a_n, self.b_n) >= SMALLEST_N

    @property
    def rounding(self) -> bool:
        """Whether the means differ by less than what two backends may differ by with the same arithmetic."""
        return abs(self.a_mean - self.b_mean) <= ROUNDING * max(abs(self.a_mean), abs(self.b_mean))

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to tell: the same verdict, and no clear change."""
        return not (self.incomparable or self.verdicts_differ or self.clear)


@dataclass(frozen=True)
class Speed:
    """How many times as fast a is as b at one arm: b's seconds over a's, with its 95 % interval over replicates.

    Of replicates that had their machine alone, without compilation. `doubt` says why there is no interval (then nan).
    """

    arm: str
    what: str
    a_s: float
    b_s: float
    ratio: float
    low: float
    high: float
    a_n: int
    b_n: int
    doubt: str = ""


def claim_pairs(a: Group, b: Group) -> tuple[ClaimPair, ...]:
    """Every claim that one side has."""
    cards = [{claim.id: claim for claim in group.card.claims} for group in (a, b)]
    pairs = [_claim_pair(a, b, name, cards[0].get(name), cards[1].get(name)) for name in dict.fromkeys([*cards[0], *cards[1]])]  # fmt: skip
    tested = [pair for pair in pairs if math.isfinite(pair.p)]
    adjusted = dict(zip([pair.claim for pair in tested], statistics.holm([pair.p for pair in tested]), strict=True))
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
        change, low, high, p = statistics.welch(mine, its)
        if is_ratio:
            change, low, high = math.exp(change), math.exp(low), math.exp(high)
    doubt = doubt_of(low, high, min(map(len, values)), ratio=is_ratio)
    if doubt:
        low = high = math.nan
    numbers = [(v.verdict, v.mean, v.sd, v.n) if v else ("-", math.nan, math.nan, 0) for v in verdicts]
    (a_verdict, a_mean, a_sd, a_n), (b_verdict, b_mean, b_sd, b_n) = numbers
    card = one or other
    unit = card.unit if card else ""
    return ClaimPair(name, a_verdict, b_verdict, a_mean, b_mean, a_sd, b_sd, a_n, b_n, unit, change, low, high, p, is_ratio, identical, why, bool(card and card.printed is not None), doubt)  # fmt: skip


def doubt_of(low: float, high: float, n: int, *, ratio: bool) -> str:
    """Why an interval over n replicates says nothing; empty when it says something, or there is none."""
    if not math.isfinite(low) or low == high:
        return ""
    if n < SMALLEST_N:
        return f"n = {n}: no interval"
    return "too few replicates to say" if ratio and not (low > 0 and high / low < WIDEST_RATIO) else ""


def speeds(a: GroupCost, b: GroupCost) -> tuple[tuple[Speed, ...], dict[str, str]]:
    """Seconds per update where both sides have them, else of the whole arm without compilation; and why other arms have none."""
    found, refused = [], dict[str, str]()
    for arm in a.arms:
        if arm not in b.arms:
            continue
        sides = a.arms[arm], b.arms[arm]
        what = "per update" if all(side.step_s for side in sides) else "in all"
        mine, other = (side.alone_step_s if what == "per update" else side.alone_s for side in sides)
        if not mine or not other or min(*mine, *other) <= 0:
            refused[arm] = _why_no_speed(*sides)
            continue
        difference, *ends, _ = statistics.welch(np.log(np.array(other)), np.log(np.array(mine)))
        low, high = map(math.exp, ends)
        doubt = doubt_of(low, high, min(len(mine), len(other)), ratio=True)
        low, high = (math.nan, math.nan) if doubt else (low, high)
        found.append(Speed(arm, what, _typical(mine), _typical(other), math.exp(difference), low, high, len(mine), len(other), doubt))  # fmt: skip
    return tuple(found), refused


def _why_no_speed(a: ArmCost, b: ArmCost) -> str:
    busy = [name for name, side in (("A", a), ("B", b)) if not any(side.alone) and False in side.alone]
    unknown = [name for name, side in (("A", a), ("B", b)) if not any(side.alone) and False not in side.alone]
    reasons = [f"{' and '.join(busy)} did not have the machine alone"] if busy else []
    reasons += [f"it is not known whether {' and '.join(unknown)} had the machine alone"] if unknown else []
    return ", and ".join(reasons) or "there is no time per update, and compilation is not told apart"


def _typical(seconds: Sequence[float]) -> float:
    return math.exp(float(np.mean(np.log(np.array(seconds)))))
