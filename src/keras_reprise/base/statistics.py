"""Statistics of small samples: pure functions of arrays, no I/O.

t tests and intervals (Student), exact sign-flip, binomial, rank-sum and aligned rank tests, Holm's step-down
adjustment, Clopper-Pearson, median and Hodges-Lehmann intervals. The tests of the verdict rule take many samples at
once, so that a simulation of it runs what the judge runs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Literal

import numpy as np
from scipy.special import bdtr, bdtrc, betaincinv, ndtr, stdtr, stdtrit

EXACT_FLIPS = 16
DRAWN_FLIPS = 200
MONTE_CARLO_FLIPS = 20_000


def t_interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The two-sided Student interval of the mean of `values` (n,), n >= 2; (nan, nan) for fewer."""
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    half = float(stdtrit(n - 1, 0.5 + level / 2)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    mean = float(np.mean(values))
    return mean - half, mean + half


def welch(a: np.ndarray, b: np.ndarray, level: float = 0.95) -> tuple[float, float, float, float]:
    """Mean of `a` (n,) minus mean of `b` (m,), its interval, and the two-sided p of Welch's t test; n, m >= 2.

    With fewer values the interval and p are nan; without any variance the interval is the difference and p is 0 or 1.
    """
    difference = float(np.mean(a) - np.mean(b)) if len(a) and len(b) else math.nan
    if min(len(a), len(b)) < 2:
        return difference, math.nan, math.nan, math.nan
    one, other = float(np.var(a, ddof=1)) / len(a), float(np.var(b, ddof=1)) / len(b)
    if one + other == 0.0:
        return difference, difference, difference, 0.0 if difference else 1.0
    share = one / (one + other)  # the squares of the variances themselves would leave the range of numbers
    freedom = 1 / (share**2 / (len(a) - 1) + (1 - share) ** 2 / (len(b) - 1))
    error = math.sqrt(one + other)
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    return difference, difference - half, difference + half, 2 * float(stdtr(freedom, -abs(difference) / error))


@dataclass(frozen=True)
class Shift:
    """How far the values now lie above those before: estimate, interval, and the exact two-sided p of no shift.

    `least_p` is the smallest p that so many values can give.
    """

    estimate: float
    low: float
    high: float
    p: float
    least_p: float


def shift(before: np.ndarray, now: np.ndarray, level: float = 0.95) -> Shift:
    """Hodges-Lehmann shift of `now` (m,) over `before` (n,), n, m >= 1, with the exact rank-sum test and its interval.

    The rank-sum (Wilcoxon, Mann-Whitney) test is the permutation test on ranks: one stray value cannot decide it. Its
    interval is infinite where n and m are too small for the level. Ties count half, which errs on the side of no shift.
    """
    differences = np.sort((now[:, None] - before[None, :]).ravel())
    tail = rank_sum_tail(len(before), len(now))
    wins = float(np.sum(differences > 0) + 0.5 * np.sum(differences == 0))
    p = min(1.0, 2 * float(tail[math.ceil(min(wins, len(differences) - wins))]))
    k = int(np.searchsorted(tail, (1 - level) / 2, side="right"))  # the k-th differences from both ends are its limits
    low, high = (float(differences[k - 1]), float(differences[-k])) if k else (-math.inf, math.inf)
    return Shift(float(np.median(differences)), low, high, p, min(1.0, 2 * float(tail[0])))


Blocks = list[tuple[np.ndarray, np.ndarray]]  # values before and now of each block, as many of both


def shift_in_blocks(blocks: Blocks, level: float = 0.95) -> Shift:
    """The same for values measured in `blocks`, in each as many before as now: what blocks differ by does not count.

    The aligned rank test of Hodges and Lehmann (Ann. Math. Statist. 33, 1962): the mean of its block is taken from
    every value, all are ranked together, and the sum of the ranks of the values now is compared with that of all
    exchanges of before and now within blocks, which are equally likely if the values of a block could have come in
    any order. The interval is that of the test, its distribution taken at the estimate, ties broken.
    """
    aligned, differences = _aligned(blocks)
    estimate = float(np.median(differences))
    sums, shares, found = _exchanged(aligned, "average")
    p = min(1.0, 2 * float(min(shares[sums <= found].sum(), shares[sums >= found].sum())))
    sums, shares, _ = _exchanged([(old + estimate / 2, new - estimate / 2) for old, new in aligned], "ordinal")
    n = sum(len(new) for _, new in blocks)
    wins = (sums - n * (n + 1)) / 2  # sums are of doubled ranks
    k = int(wins[np.searchsorted(np.cumsum(shares), (1 - level) / 2, side="right")])
    low, high = -math.inf, math.inf
    if shares[0] <= (1 - level) / 2 and k > 0:
        low, high = float(differences[k - 1]), float(differences[-k])
    ways = math.prod(math.comb(len(old) + len(new), len(new)) for old, new in blocks)
    return Shift(estimate, low, high, p, min(1.0, 2 / ways))


def shift_estimate_in_blocks(blocks: Blocks) -> float:
    """The estimate of `shift_in_blocks` alone."""
    return float(np.median(_aligned(blocks)[1]))


def _aligned(blocks: Blocks) -> tuple[Blocks, np.ndarray]:
    """The blocks without their means, and all differences between values now and before, ascending."""
    centres = [(np.mean(old) + np.mean(new)) / 2 for old, new in blocks]
    aligned = [(old - c, new - c) for (old, new), c in zip(blocks, centres, strict=True)]
    old, new = (np.concatenate(side) for side in zip(*aligned, strict=True))
    return aligned, np.sort((new[:, None] - old[None, :]).ravel())


def _exchanged(aligned: Blocks, ties: Literal["average", "ordinal"]) -> tuple[np.ndarray, np.ndarray, int]:
    """Sums of the doubled ranks of the values now (s,), the share of exchanges of each, and the sum as it is."""
    values = np.concatenate([np.concatenate(block) for block in aligned])
    ordered = np.sort(values)
    if ties == "average":
        doubled = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") + 1
    else:
        doubled = 2 * np.argsort(np.argsort(values, kind="stable")) + 2
    shares, least, found, start = np.ones(1), 0, 0, 0
    for old, new in aligned:
        mine = doubled[start : start + len(old) + len(new)]
        sums = [sum(chosen) for chosen in combinations(mine.tolist(), len(new))]
        shares = np.convolve(shares, np.bincount(np.array(sums) - min(sums)) / len(sums))
        least, found, start = least + min(sums), found + int(mine[len(old) :].sum()), start + len(mine)
    return least + np.arange(len(shares)), shares, found


@lru_cache(maxsize=64)
def rank_sum_tail(n: int, m: int) -> np.ndarray:
    """P(U <= u) for u = 0 ... nm of the Mann-Whitney statistic of n against m values without a shift.

    Its counts are the coefficients of the Gaussian binomial of n + m over n, multiplied out factor by factor.
    """
    counts = np.zeros(n * m + 1)
    counts[0] = 1.0
    for i in range(1, n + 1):
        if m + i <= n * m:
            counts[m + i :] = counts[m + i :] - counts[: -(m + i)]  # times 1 - q^(m+i)
        for start in range(i):
            counts[start::i] = np.cumsum(counts[start::i])  # divided by 1 - q^i
        counts /= counts.max()
    return np.asarray(np.cumsum(counts) / counts.sum())


def t_p_above(values: np.ndarray, bound: float) -> np.ndarray:
    """One-sided p of "the mean is at most `bound`" for each sample of `values` (..., n): small when the mean is above.

    Without any variance it is 1, because then nothing is known of the spread; against -infinity it is 0.
    """
    if math.isinf(bound):
        return np.full(values.shape[:-1], 0.0 if bound < 0 else 1.0)
    n, mean, deviation = values.shape[-1], np.mean(values, axis=-1), np.std(values, axis=-1, ddof=1)
    spread = deviation > 0
    t = (mean - bound) / np.where(spread, deviation, 1.0) * math.sqrt(n)
    return np.where(spread, stdtr(n - 1, -t), 1.0)


def t_p_below(values: np.ndarray, bound: float) -> np.ndarray:
    """One-sided p of "the mean is at least `bound`": small when the mean is below."""
    return t_p_above(-values, -bound)


def sign_flip_p(values: np.ndarray, bound: float) -> float:
    """One-sided p of the sign-flip (Fisher) test that `values` are centred at most at `bound`.

    Exact up to 16 values (2^n flips; the smallest p is 2^-n); up to 200 by 20,000 flips drawn with a fixed seed; beyond
    by the normal limit of the flipped sum, whose variance is the sum of squares.
    """
    if bound == -math.inf:
        return 0.0
    shifted = values - bound
    n, total = len(shifted), float(shifted.sum())
    if n > DRAWN_FLIPS:
        spread = math.sqrt(float(shifted @ shifted))
        return float(ndtr(-total / spread)) if spread else 1.0
    sums = _signs(n) @ shifted
    if n <= EXACT_FLIPS:
        return float(np.mean(sums >= total - 1e-12 * np.abs(shifted).sum()))
    return float((1 + np.sum(sums >= total)) / (1 + MONTE_CARLO_FLIPS))


@lru_cache(maxsize=8)
def _signs(n: int) -> np.ndarray:
    """Signs to flip `n` values with: every combination (2^n, n), or 20,000 drawn ones."""
    if n <= EXACT_FLIPS:
        return 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    return np.random.default_rng(1).choice((1.0, -1.0), size=(MONTE_CARLO_FLIPS, n))


def binomial_p_above(successes: np.ndarray | int, n: int, share: float) -> np.ndarray:
    """One-sided exact p of "the success probability is at most `share`", for each count; share 1/2 is the sign test."""
    counts = np.asarray(successes)
    if share < 0:
        return np.zeros(counts.shape)
    return np.where((counts == 0) | (share >= 1), 1.0, bdtrc(counts - 1, n, min(share, 1.0)))


def binomial_p_below(successes: np.ndarray | int, n: int, share: float) -> np.ndarray:
    """One-sided exact p of "the success probability is at least `share`", for each count."""
    return binomial_p_above(n - np.asarray(successes), n, 1 - share)


def median_interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The narrowest interval between ordered values that covers the median of any distribution as often as `level`.

    (nan, nan) where even the smallest and the largest of the values (n,) do not: for fewer than six at 95 %.
    """
    n = len(values)
    below = int(np.searchsorted(bdtr(np.arange(n), n, 0.5), (1 - level) / 2, side="right"))  # left out at either end
    if not below:
        return math.nan, math.nan
    ordered = np.sort(values)
    return float(ordered[below - 1]), float(ordered[n - below])


def binomial_interval(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The Clopper-Pearson interval of a proportion."""
    tail = (1 - level) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return low, high


def skewness(values: np.ndarray) -> np.ndarray:
    """The sample skewness g1 = m3 / m2^1.5 of each sample of `values` (..., n); 0 when all values are equal."""
    centred = values - np.mean(values, axis=-1, keepdims=True)
    m2, m3 = np.mean(centred**2, axis=-1), np.mean(centred**3, axis=-1)
    return np.where(m2 > 0, m3 / np.where(m2 > 0, m2, 1.0) ** 1.5, 0.0)


def most_equal(values: np.ndarray, relative: float) -> np.ndarray:
    """How many values of each sample (..., n) agree with one of them up to the `relative` difference, at most."""
    one, other = values[..., :, None], values[..., None, :]
    close = np.abs(one - other) <= relative * np.maximum(np.abs(one), np.abs(other))
    return np.asarray(close.sum(axis=-1).max(axis=-1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values (family-wise), in the order given."""
    return [float(p) for p in holm_families(np.array(p_values, dtype=float).reshape(-1, 1))[:, 0]]


def holm_families(p_values: np.ndarray) -> np.ndarray:
    """The same for many families at once: of each column of `p_values` (tests, families); nan is no test, and stays."""
    order = np.argsort(p_values, axis=0)  # nan last
    ranked = np.take_along_axis(p_values, order, axis=0)
    left = np.sum(~np.isnan(p_values), axis=0) - np.arange(len(p_values))[:, None]
    running = np.fmax.accumulate(np.minimum(1.0, left * ranked), axis=0)
    adjusted = np.empty_like(ranked)
    np.put_along_axis(adjusted, order, np.where(np.isnan(ranked), np.nan, running), axis=0)
    return adjusted
