"""What one claim's values over the replicates say of its interval, before it is adjusted over claims. Arrays only.

A test for each kind of statistic, and the checks that the values are of the kind that the claim declares; see
docs/statistics.md. Everything takes many samples of equal size at once, (k, n): the judge has one, a simulation of the
rule thousands.
"""

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from keras_reprise.base import statistics
from keras_reprise.judge.design import (
    EQUAL,
    EXACT_FROM_N,
    LEVEL_OF_A_LOOK,
    ROUNDING,
    SAME,
    SKEWED,
    SMALLEST_N,
    TIED,
)
from keras_reprise.record.schema import ClaimCard


class Doubt(IntEnum):
    """Why a sample is not decided whatever its p; those from `NO_INTERVAL` on are no test at all."""

    NONE = 0
    SKEWED = 1
    TIED = 2
    ALL_EQUAL = 3
    NO_INTERVAL = 4
    NO_NUMBER = 5
    TOO_FEW = 6
    NOT_POSITIVE = 7
    NOT_A_SHARE = 8
    NOT_THE_SAME = 9


@dataclass(frozen=True)
class Weighed:
    """Of each of k samples: whether it speaks for inside the interval, the p of that (nan: no test), and the doubt.

    An exact claim has no p and is decided by `inside`, unless there is a doubt.
    """

    inside: np.ndarray
    p: np.ndarray
    doubt: np.ndarray


def weigh(values: np.ndarray, claim: ClaimCard, failed: int = 0) -> Weighed:
    """Test samples of a claim's values (k, n), all finite, each with `failed` more replicates that gave no number.

    Those count against whatever is said: as outside where the values lie inside, else as inside.
    """
    n = values.shape[-1]
    if claim.interval == (None, None) and claim.tested_as != "exact":
        return _untested(values, Doubt.NO_INTERVAL)
    if not n:
        return _untested(values, Doubt.NO_NUMBER)
    if claim.tested_as == "exact":
        return _exact(values, claim)
    if n < SMALLEST_N:
        return _untested(values, Doubt.TOO_FEW)
    if claim.tested_as == "share":
        return _share(values, claim, failed)
    if claim.tested_as == "discrete":
        return _majority(lies_inside(values, claim), failed)
    return _mean(values, claim, failed)


def lies_inside(values: np.ndarray, claim: ClaimCard) -> np.ndarray:
    """Which values lie in the claim's interval; a bound belongs to it, and so does what misses it by rounding alone."""
    low, high = _ends(claim)
    return np.asarray((values >= low - _slack(low)) & (values <= high + _slack(high)))


def all_equal(values: np.ndarray, relative: float = EQUAL) -> np.ndarray:
    """Whether all values of each sample (..., n), n >= 1, are one number up to a `relative` spread."""
    return np.asarray(np.ptp(values, axis=-1) <= relative * np.abs(values).max(axis=-1))


def _untested(values: np.ndarray, doubt: Doubt) -> Weighed:
    k = values.shape[:-1]
    return Weighed(np.zeros(k, bool), np.full(k, math.nan), np.full(k, doubt))


def _exact(values: np.ndarray, claim: ClaimCard) -> Weighed:
    """Every replicate inside, and all the same by the claim's own declaration."""
    inside = np.asarray(lies_inside(values, claim).all(axis=-1))
    alike = all_equal(values, ROUNDING)
    doubt = np.where(inside & ~alike, Doubt.NOT_THE_SAME, Doubt.NONE)
    return Weighed(inside, np.full(inside.shape, math.nan), doubt)


def _share(values: np.ndarray, claim: ClaimCard, failed: int) -> Weighed:
    """The exact binomial test of the share of ones, the failed replicates on whichever side is worse."""
    low, high = _ends(claim)
    low, high = -math.inf if low <= 0 else low, math.inf if high >= 1 else high
    count, all_n = np.sum(values == 1, axis=-1), values.shape[-1] + failed
    above, below = statistics.binomial_p_above, statistics.binomial_p_below
    p_in = np.maximum(above(count, all_n, low), below(count + failed, all_n, high))
    p_out = np.minimum(below(count + failed, all_n, low), above(count, all_n, high))
    shares = np.all((values == 0) | (values == 1), axis=-1)
    p = np.where(shares, np.minimum(p_in, p_out), math.nan)
    return Weighed(np.asarray(p_in <= p_out), p, np.where(shares, Doubt.NONE, Doubt.NOT_A_SHARE))


def _majority(within: np.ndarray, failed: int) -> Weighed:
    """The exact sign test: more than half of all replicates lie inside, or more than half outside."""
    p_in, p_out = (sign_p(within, failed, inside=side) for side in (True, False))
    return Weighed(p_in <= p_out, np.minimum(p_in, p_out), np.full(p_in.shape, Doubt.NONE))


def sign_p(within: np.ndarray, failed: int, *, inside: bool | np.ndarray) -> np.ndarray:
    """The exact p of "at most half of all replicates lie there", inside or outside, failed ones counted elsewhere."""
    n = within.shape[-1]
    count = np.sum(within, axis=-1)
    return statistics.binomial_p_above(np.where(inside, count, n - count), n + failed, 0.5)


def _mean(values: np.ndarray, claim: ClaimCard, failed: int) -> Weighed:
    """The t test of the mean, of logarithms for a positive quantity; where t is in doubt the sign test must agree."""
    positive = np.all(values > 0, axis=-1) | (claim.tested_as != "positive")
    scaled = _scaled(np.where(positive[..., None], values, 1.0), claim)
    inside, sides = mean_against(scaled, claim)
    p = _t_p(scaled, inside, sides)
    n, within = values.shape[-1], lies_inside(values, claim)
    signs = sign_p(within, failed, inside=inside)
    skewed = (np.abs(statistics.skewness(scaled)) > SKEWED) & (n >= EXACT_FROM_N)
    unclear = signs > LEVEL_OF_A_LOOK
    doubts = [
        (~positive, Doubt.NOT_POSITIVE),
        (all_equal(values), Doubt.ALL_EQUAL),
        (statistics.most_equal(values, SAME) > TIED * n, Doubt.TIED),
        (skewed & unclear, Doubt.SKEWED),
    ]
    doubt = np.select([here for here, _ in doubts], [which for _, which in doubts], Doubt.NONE)
    p = np.maximum(p, signs) if failed else p
    p = np.where(
        (doubt == Doubt.ALL_EQUAL) | (doubt == Doubt.TIED), 1.0, np.where(doubt == Doubt.NOT_POSITIVE, math.nan, p)
    )
    return Weighed(inside, p, doubt)


def mean_against(scaled: np.ndarray, claim: ClaimCard) -> tuple[np.ndarray, tuple[float, float]]:
    """Whether the mean of each sample lies inside, and the interval's ends on the scale of the test."""
    low, high = _ends(claim)
    if claim.tested_as == "positive":
        low, high = (math.log(end) if end > 0 else -math.inf for end in (low, high))
    mean = np.mean(scaled, axis=-1)
    return (mean >= low) & (mean <= high), (low, high)


def _t_p(scaled: np.ndarray, inside: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """One-sided p of the mean lying where it lies: the larger of both for inside, else that beyond the nearer end."""
    low, high = ends
    within = np.maximum(statistics.t_p_above(scaled, low), statistics.t_p_below(scaled, high))
    beyond = np.minimum(statistics.t_p_below(scaled, low), statistics.t_p_above(scaled, high))
    return np.asarray(np.where(inside, within, beyond))


def sign_flip_p_of(values: np.ndarray, claim: ClaimCard) -> float:
    """The exact p beside that of the t test of a sample (n,), in the same direction; nan where that says nothing."""
    if len(values) < EXACT_FROM_N or claim.tested_as not in ("continuous", "positive"):
        return math.nan
    if claim.tested_as == "positive" and np.any(values <= 0):
        return math.nan
    scaled = _scaled(values, claim)
    inside, (low, high) = mean_against(scaled, claim)
    p = statistics.sign_flip_p
    if inside:
        return max(p(scaled, low), p(-scaled, -high))
    return p(-scaled, -low) if np.mean(scaled) < low else p(scaled, high)


def _scaled(values: np.ndarray, claim: ClaimCard) -> np.ndarray:
    return np.asarray(np.log(values)) if claim.tested_as == "positive" else values


def _ends(claim: ClaimCard) -> tuple[float, float]:
    low, high = claim.interval
    return -math.inf if low is None else low, math.inf if high is None else high


def _slack(bound: float) -> float:
    """What rounding may add to a bound."""
    return 0.0 if math.isinf(bound) else SAME * abs(bound)
