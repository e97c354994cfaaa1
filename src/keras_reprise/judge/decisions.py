"""The verdict rule: what claims' values over the replicates say of the intervals in which they must lie. Arrays only.

Each claim is tested as its kind asks (`judge/weighing.py`), at the level of a look, Holm-adjusted over the recipe's
claims of the same role; see `judge/design.py` and docs/statistics.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from keras_reprise.base import statistics
from keras_reprise.judge.comparable import together
from keras_reprise.judge.design import LEVEL_OF_A_LOOK, SAME, SMALLEST_N
from keras_reprise.judge.weighing import Doubt, Weighed, lies_inside, sign_p, weigh
from keras_reprise.record.schema import ClaimCard


@dataclass(frozen=True)
class Decision:
    """The verdict of one claim, why it is not more or what it rests on, and its Holm-adjusted p (nan: on none)."""

    verdict: str
    reason: str
    p: float


class Family(NamedTuple):
    """The claims whose errors are counted together: those of a role; retired ones by themselves."""

    role: str
    retired: bool


def decide(
    samples: Sequence[np.ndarray],
    claims: Sequence[ClaimCard],
    failed: Sequence[int] | None = None,
    undefined: Sequence[int] | None = None,
) -> list[Decision]:
    """The rule: a decision for each of a recipe's `claims` from its values over the replicates, (n,) each.

    `failed` replicates gave no number (they failed, diverged, or their number is none); in the samples nan stands for
    such ones too. In `undefined` ones the claim's premise was not met: they say nothing.
    """
    kept = [np.asarray(values, float)[np.isfinite(values)] for values in samples]
    lost = [len(all_) - len(some) for all_, some in zip(samples, kept, strict=True)]
    lost = [more + known for more, known in zip(lost, failed or [0] * len(claims), strict=True)]
    unmet = list(undefined or [0] * len(claims))
    weighed = [weigh(values[None], claim, count) for values, claim, count in zip(kept, claims, lost, strict=True)]
    adjusted, found = adjusted_p(weighed, claims)[:, 0], outcomes(weighed, claims)[:, 0]
    return [
        Decision(VERDICTS[int(verdict)], _reason(_Case(*case), int(verdict)), float(case[-1]))
        for verdict, *case in zip(found, claims, kept, lost, unmet, weighed, adjusted, strict=True)
    ]


VERDICTS = {1: "reproduced", -1: "contradicted", 0: "inconclusive"}


def outcomes(weighed: Sequence[Weighed], claims: Sequence[ClaimCard]) -> np.ndarray:
    """The verdicts (claims, k) of k sets of samples: 1 reproduced, -1 contradicted, 0 inconclusive."""
    adjusted = adjusted_p(weighed, claims)
    sides = np.array([np.where(test.inside, 1, -1) for test in weighed])
    sure = np.array([test.doubt == Doubt.NONE for test in weighed])
    exact = np.array([claim.tested_as == "exact" for claim in claims])[:, None]
    return np.where(sure & (exact | (adjusted <= LEVEL_OF_A_LOOK)), sides, 0)


def adjusted_p(weighed: Sequence[Weighed], claims: Sequence[ClaimCard]) -> np.ndarray:
    """The p values (claims, k), adjusted by Holm within each family; nan where there is no test."""
    p = np.array([test.p for test in weighed])
    families = together(range(len(claims)), lambda i: Family(claims[i].role, claims[i].retired is not None))
    for members in families.values():
        p[members] = statistics.holm_families(p[members])
    return p


class _Case(NamedTuple):
    """A claim with its values (n,), the replicates without one, how it was weighed, and the adjusted p."""

    claim: ClaimCard
    values: np.ndarray
    failed: int
    undefined: int
    weighed: Weighed
    p: float


def _reason(case: _Case, verdict: int) -> str:
    """Why a claim is inconclusive, or on what selection of the replicates its verdict rests; else nothing."""
    doubt, n = Doubt(int(case.weighed.doubt[0])), len(case.values)
    if doubt:
        return _why_in_doubt(case, doubt) + _unmet(case.undefined)
    if case.claim.tested_as == "exact":
        outside = n - int(lies_inside(case.values, case.claim).sum())
        return "" if verdict > 0 or outside == n else f"{outside} of {n} replicates lie outside the interval"
    if not verdict:
        return _unclear(case) + _unmet(case.undefined)
    if case.failed:
        side = "inside" if verdict < 0 else "outside"
        gave = f"{case.failed} of {n + case.failed} replicates gave no number (failed or diverged)"
        return f"{gave}; the verdict holds with these counted as {side}"
    return ""


def _unclear(case: _Case) -> str:
    """That the p is too large, with what could make it smaller."""
    here, there = ("inside", "outside") if case.weighed.inside[0] else ("outside", "inside")
    needed = f"adjusted p = {case.p:.3g}, needed {LEVEL_OF_A_LOOK:.4f}"
    counted = f"the {case.failed} of {len(case.values) + case.failed} replicates without a number counted as {there}"
    if case.claim.tested_as == "discrete":
        within = int(lies_inside(case.values, case.claim).sum())
        count = within if case.weighed.inside[0] else len(case.values) - within
        told = f"{count} of {len(case.values)} replicates lie {here} the interval"
        return f"{told}; that is not clearly more than half{f', {counted}' if case.failed else ''} ({needed})"
    if case.failed:
        return f"{here} the interval, but with {counted} not clearly ({needed})"
    return f"{here} the interval, but not clearly ({needed})"


def _unmet(undefined: int) -> str:
    """That replicates say nothing because the premise was not met."""
    if not undefined:
        return ""
    return f"; in {undefined} replicate{'s' if undefined > 1 else ''} the premise of the claim was not met"


def _why_in_doubt(one: _Case, doubt: Doubt) -> str:
    """In words what stands against any verdict."""
    claim, values, n = one.claim, one.values, len(one.values)
    match doubt:
        case Doubt.NO_INTERVAL:
            return "the claim has no interval, so nothing could contradict it"
        case Doubt.NO_NUMBER:
            return "no replicate gave a number"
        case Doubt.TOO_FEW:
            return f"n = {n}; at least {SMALLEST_N} replicates are needed"
        case Doubt.NOT_POSITIVE:
            return "a quantity that is judged on its logarithm is not positive"
        case Doubt.NOT_A_SHARE:
            return "a share of replicates is judged on values of 0 and 1, and one is neither"
        case Doubt.NOT_THE_SAME:
            return (
                f"the claim is declared exact, but its replicates differ (from {values.min():.6g} to "
                f"{values.max():.6g}), so that none speaks for the others; it is of another kind"
            )
        case Doubt.ALL_EQUAL:
            return (
                f"all {n} values are equal ({values[0]:.6g}), so nothing is known of their spread and no t test is "
                "made; a statistic that can be so is discrete, or exact by definition"
            )
        case Doubt.TIED:
            most = int(statistics.most_equal(values, SAME))
            return (
                f"{most} of {n} values are equal: such a statistic is discrete, and a t test of its mean says nothing"
            )
    p = float(sign_p(lies_inside(values, claim), one.failed, inside=bool(one.weighed.inside[0])))
    signs = f"the exact sign test does not agree with the t test (p = {p:.2g}, needed {LEVEL_OF_A_LOOK:.4f})"
    scaled = np.log(values) if claim.tested_as == "positive" else values
    return f"the replicates are skewed ({float(statistics.skewness(scaled)):+.1f}), and {signs}"
