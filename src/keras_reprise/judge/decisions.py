"""The verdict rule: what a claim's values over the replicates say of the interval in which they must lie. Arrays only.

Two one-sided t tests at the level of a look, Holm-adjusted over the recipe's claims; see `judge/design.py` and
docs/statistics.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_reprise.base import statistics
from keras_reprise.judge.design import EXACT_FROM_N, LEVEL_OF_A_LOOK, SKEWED, SMALLEST_N
from keras_reprise.record.schema import ClaimCard


@dataclass(frozen=True)
class _Test:
    """What one claim's values say before the adjustment over claims; `decided` is set where no p value is involved."""

    inside: bool
    p: float
    doubt: str = ""
    decided: str = ""


@dataclass(frozen=True)
class Decision:
    """The verdict of one claim, why it is not more, and the Holm-adjusted p it rests on (nan: on none)."""

    verdict: str
    reason: str
    p: float


def decide(samples: Sequence[np.ndarray], claims: Sequence[ClaimCard]) -> list[Decision]:
    """The rule: a decision for each of a recipe's `claims` from its values over the replicates, (n,) each."""
    tests = [_weigh(values, claim) for values, claim in zip(samples, claims, strict=True)]
    adjusted = iter(statistics.holm([test.p for test in tests if not test.decided]))
    return [_decision(test, math.nan if test.decided else next(adjusted)) for test in tests]


def _decision(test: _Test, p: float) -> Decision:
    if test.decided:
        return Decision(test.decided, test.doubt, p)
    if p <= LEVEL_OF_A_LOOK and not test.doubt:
        return Decision("reproduced" if test.inside else "contradicted", "", p)
    where = "inside" if test.inside else "outside"
    unclear = f"{where} the interval, but not clearly (adjusted p = {p:.3g}, needed {LEVEL_OF_A_LOOK:.4f})"
    return Decision("inconclusive", test.doubt or unclear, p)


def _weigh(values: np.ndarray, claim: ClaimCard) -> _Test:
    """Test one claim's values (n,) against its interval."""
    low, high = _ends(claim)
    n = len(values)
    if claim.exact and n:
        inside = bool(np.all((values >= low) & (values <= high)))
        return _Test(inside, math.nan, decided="reproduced" if inside else "contradicted")
    if low == -math.inf and high == math.inf:
        return _Test(
            False, math.nan, "the claim has no interval, so nothing could contradict it", decided="inconclusive"
        )
    if not n:
        return _Test(False, math.nan, "no replicate gave a number", decided="inconclusive")
    if n < SMALLEST_N:
        doubt = f"n = {n}; at least {SMALLEST_N} replicates are needed"
        return _Test(False, math.nan, doubt, decided="inconclusive")
    if claim.proportion:
        successes = int(values.sum())
        p_in = max(statistics.binomial_p_above(successes, n, low), statistics.binomial_p_below(successes, n, high))
        p_out = min(statistics.binomial_p_below(successes, n, low), statistics.binomial_p_above(successes, n, high))
        return _Test(p_in <= p_out, min(p_in, p_out))
    if claim.log and np.any(values <= 0):
        doubt = "a quantity that is judged on its logarithm is not positive"
        return _Test(False, math.nan, doubt, decided="inconclusive")
    inside, sides = _sides(values, claim)
    p = max(statistics.t_p_above(*side) for side in sides)
    skew = statistics.skewness(_scaled(values, claim))
    if n < EXACT_FROM_N or abs(skew) <= SKEWED or max(statistics.sign_p(*side) for side in sides) <= LEVEL_OF_A_LOOK:
        return _Test(inside, p)
    doubt = f"the replicates are skewed ({skew:+.1f}) and the exact sign test about the median does not agree"
    return _Test(inside, p, doubt)


def _sides(values: np.ndarray, claim: ClaimCard) -> tuple[bool, list[tuple[np.ndarray, float]]]:
    """Whether the mean lies inside, and the samples that must lie above the bound beside them for that to be clear."""
    values, (low, high) = _scaled(values, claim), _ends(claim)
    if claim.log:
        low, high = (math.log(low) if low > 0 else -math.inf), (math.log(high) if high > 0 else -math.inf)
    mean = float(np.mean(values))
    if low <= mean <= high:
        return True, [(values, low), (-values, -high)]
    return False, [(-values, -low) if mean < low else (values, high)]


def _scaled(values: np.ndarray, claim: ClaimCard) -> np.ndarray:
    return np.log(values) if claim.log else values


def _ends(claim: ClaimCard) -> tuple[float, float]:
    low, high = claim.interval
    return -math.inf if low is None else low, math.inf if high is None else high


def sign_flip_p_of(values: np.ndarray, claim: ClaimCard) -> float:
    """The exact p beside that of the t tests, in the same direction; nan where those say nothing."""
    if len(values) < EXACT_FROM_N or claim.exact or claim.proportion or (claim.log and np.any(values <= 0)):
        return math.nan
    return max(statistics.sign_flip_p(*side) for side in _sides(values, claim)[1])
