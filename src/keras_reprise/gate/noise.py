"""What a machine's noise is, how much of it a gate reckons with, and how many replicates it needs; pure functions.

Times and peaks are on a logarithmic scale. See docs/gate.md.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np
from scipy.stats import chi2, nct
from scipy.stats import t as student

from keras_reprise.base.statistics import Blocks, shift, shift_estimate_in_blocks
from keras_reprise.gate.design import (
    DEVIATION_CONFIDENCE,
    LEVEL,
    MOST_SEEDS_TRIED,
    RESIDUAL,
    SHARE_SPREAD,
    SHOWN_IN,
    SUSPECT_LEVEL,
    USUAL_SHARE,
)

Samples = Mapping[str, np.ndarray]  # metric -> one positive estimate a process (n,), in seconds or bytes
Numbers = Mapping[str, np.ndarray]  # metric -> the block in which each process was measured (n,)


def in_blocks(old: np.ndarray, new: np.ndarray, of_old: np.ndarray, of_new: np.ndarray) -> Blocks:
    """Values before and now block by block, as many of both: the first ones where a side has more of them."""
    pairs = [(old[of_old == number], new[of_new == number]) for number in np.unique(of_old)]
    sizes = [min(map(len, pair)) for pair in pairs]
    return [(one[:size], other[:size]) for (one, other), size in zip(pairs, sizes, strict=True) if size]


def assumed_noise(before: np.ndarray, now: np.ndarray, least: float) -> float:
    """The noise to reckon with where nothing was calibrated: `least`, and what the processes scatter.

    `before` (n,) and `now` (m,) are estimates of processes; with fewer than three on a side only `least`.
    """
    if min(len(before), len(now)) < 3:
        return least
    variances = [float(np.var(np.log(values), ddof=1)) / len(values) for values in (before, now)]
    return math.hypot(least, math.sqrt(sum(variances)))


def share_felt(groups: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """How much of the machine's slowness a benchmark feels: 0 none of it, 1 as much as a fixed loop does.

    The slope of log seconds (n,) on the log seconds of the loop (n,) within `groups` of identical code, pooled, as in
    an analysis of covariance. It is drawn towards 0.8 as far as the groups say little: on a machine of steady speed the
    slope cannot be known and hardly matters. The spread of slopes and the residual deviation are those of docs/gate.md.
    """
    products = squares = 0.0
    for seconds, loops in groups:
        if len(loops) > 1:
            centred = loops - np.mean(loops)
            products, squares = (
                products + float(centred @ (seconds - np.mean(seconds))),
                squares + float(centred @ centred),
            )
    weight = (RESIDUAL / SHARE_SPREAD) ** 2
    return min(1.5, max(0.0, (products + weight * USUAL_SHARE) / (squares + weight)))


def noise(occasions: Sequence[Samples], size: int) -> dict[str, float]:
    """What the log ratio of two gates of identical code is, in root mean square, by metric.

    Each occasion's processes are cut into groups of `size`, as many as a gate has; every group is compared with every
    group of the other occasions. A metric that fewer than two occasions measured has no entry: what an hour is like
    says nothing of what the next day is.
    """
    found = {}
    for metric in {metric: None for occasion in occasions for metric in occasion}:
        groups = [
            (number, np.log(values[start : start + size]))
            for number, occasion in enumerate(occasions)
            for values in [occasion.get(metric, np.array([]))]
            for start in range(0, len(values) - size + 1, size)
        ]
        squares = [shift(a, b).estimate ** 2 for (i, a), (j, b) in combinations(groups, 2) if i != j]
        if squares:
            found[metric] = math.sqrt(float(np.mean(squares)))
    return found


def noise_side_by_side(occasions: Sequence[Samples], size: int) -> dict[str, float]:
    """What the log ratio of identical code is, in root mean square, when `size` processes a side alternate, by metric.

    Each occasion's processes are labelled as a gate could have drawn them, ABBA or BAAB in each block of four, in all
    ways for up to six blocks at a time; what so many processes differ by is scaled to `size`, since they are
    independent.
    """
    squares: dict[str, list[float]] = {}
    for occasion in occasions:
        for metric, values in occasion.items():
            logs = np.log(values)
            for start in range(0, len(logs) - 7, 24):
                part = logs[start : start + 24]
                part = part[: len(part) // 4 * 4]
                if len(part) >= 8:
                    numbers = np.arange(len(part)) // 4
                    turns = [in_blocks(part[~b], part[b], numbers[~b], numbers[b]) for b in _drawn(len(part) // 4)]
                    found = [shift_estimate_in_blocks(blocks) ** 2 for blocks in turns]
                    squares.setdefault(metric, []).append(float(np.mean(found)) * len(part) / (2 * size))
    return {metric: math.sqrt(float(np.mean(found))) for metric, found in squares.items()}


def _drawn(blocks: int) -> list[np.ndarray]:
    """The ways in which processes can be on the second side (4 x blocks,), up to exchange of the sides."""
    abba = np.array([False, True, True, False])
    return [
        np.concatenate([abba, *(abba ^ swap for swap in swaps)])
        for swaps in product((False, True), repeat=blocks - 1)
    ]  # fmt: skip


def deviation_at_most(values: np.ndarray) -> float:
    """The standard deviation that the values (n,), n > 1, allow: its upper bound at 80 % confidence, were they normal.

    Few replicates often happen to lie closer together than all do; as many as would be needed then are too few.
    """
    return at_most(float(np.std(values, ddof=1)), len(values) - 1)


def at_most(deviation: float, freedom: int) -> float:
    """The upper bound at 80 % confidence of a standard deviation that was found with so many degrees of freedom."""
    return deviation * math.sqrt(freedom / float(chi2.ppf(1 - DEVIATION_CONFIDENCE, freedom)))


def deviation_within(sets: Sequence[np.ndarray]) -> tuple[float, int]:
    """The pooled standard deviation within sets of logs (n,), each of one code at one time; its degrees of freedom."""
    freedom = sum(max(len(values) - 1, 0) for values in sets)
    squares = sum(float(np.sum((values - np.mean(values)) ** 2)) for values in sets if len(values))
    return (math.sqrt(squares / freedom) if freedom else 0.0), freedom


def seeds_needed(
    deviation: float, effect: float, margin: float, *, n_before: int, metrics: int, power: float = SHOWN_IN
) -> int | None:
    """The fewest replicates that show a loss of `effect` among `metrics` metrics in `power` of gates.

    `deviation` is the standard deviation between replicates. The loss must be suspect at first, be measured again with
    as many replicates, and be significant over both; what each of the three steps misses is added up. None when 30
    replicates are too few.
    """
    for n in range(2, MOST_SEEDS_TRIED + 1):
        if deviation == 0.0:
            return n if effect > margin else None
        missed = (
            _missed(deviation, effect, margin, n, n_before, SUSPECT_LEVEL)
            + _missed(deviation, effect, margin, 2 * n, n_before, LEVEL / metrics)
            + _missed(deviation, effect, margin, n, n_before, 1.0)
        )
        if missed <= 1 - power:
            return n
    return None


def _missed(deviation: float, effect: float, least: float, n: int, n_before: int, level: float) -> float:
    """How often a change of `effect` is found below `least` or above `level`, by Welch's t test of equal variances."""
    error, freedom = deviation * math.sqrt(1 / n + 1 / n_before), n + n_before - 2
    critical = float(student.ppf(1 - level / 2, freedom))
    return float(nct.cdf(max(critical, least / error), freedom, effect / error))
