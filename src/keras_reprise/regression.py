"""The rule of the regression gate: pure functions of what processes and replicates measured, no I/O.

A metric is suspect if a first look finds about what counts. It is then measured again, and has changed only if all of this
holds: the second look alone is above what counts; both looks together are, too; and an exact permutation test on their
processes' estimates (for quality Welch's t test on the replicates), Holm-adjusted over every metric of the run, says so.
Where both sides were measured in turns the permutations are those within blocks. What counts is the metric's threshold, or
three times the noise that this machine was calibrated to have where that is larger; for quality it is the equivalence
margin. The run's own controls must be quiet, else nothing is called a regression. See docs/gate.md.

Every comparison is on an additive scale on which positive is worse: logarithms of seconds and bytes, losses and errors
themselves, accuracies negated.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, nct, norm
from scipy.stats import t as student

from keras_reprise.stats import Blocks, holm, shift, shift_estimate_in_blocks, shift_in_blocks, welch

LEVEL = 0.05
SUSPECT_LEVEL, SUSPECT_SHARE = 0.25, 2 / 3  # of p and of what counts: a first look only says what to measure again
SECOND_LOOK = 2  # times as many processes as the first, of what is suspect alone
CONTROL_LEVEL = 0.01  # of the run's own controls, whose false alarms make a gate inconclusive
NOISE_FACTOR = 3.0
MOST_ALIKE = math.log(1.2)
BETWEEN_OCCASIONS, WITHIN_AN_OCCASION = 0.03, 0.01
POWER, POWER_QUANTILE = 0.8, 0.8416  # what is seen in 80 % of gates, and that quantile of the normal distribution
INTERVAL, INTERVAL_QUANTILE = 0.90, 1.6449  # within bounds when two one-sided tests at 5 % say so
MOST_SEEDS, DEVIATION_CONFIDENCE = 30, 0.8
USUAL_SHARE, SHARE_SPREAD, RESIDUAL = 0.8, 0.3, 0.06  # of the machine's slowness that benchmarks feel; see `share_felt`

REGRESSED, IMPROVED, SAME, INCONCLUSIVE = "regressed", "improved", "same", "inconclusive"
INCOMPARABLE, FAILED = "incomparable", "failed"
VERDICTS = (REGRESSED, FAILED, INCOMPARABLE, INCONCLUSIVE, IMPROVED, SAME)  # worst first

Samples = Mapping[str, np.ndarray]  # metric -> one positive estimate a process (n,), in seconds or bytes
Numbers = Mapping[str, np.ndarray]  # metric -> the block in which each process was measured (n,)


@dataclass(frozen=True)
class Change:
    """How one metric changed, before anything is decided. `change`, its 90 % interval and `bound` are on the additive scale.

    `ratio` tells whether that scale is logarithmic. `bound` is what counts; an interval within `alike` is no change, which is
    wider where a metric that looks changed would be measured with more processes. `least_p` is the smallest p that so many
    values can give.
    """

    metric: str
    ratio: bool
    n_before: int
    n_now: int
    before: float
    now: float
    change: float
    low: float
    high: float
    p: float
    bound: float
    alike: float
    least_p: float = 0.0
    worse_when_larger: bool = True


@dataclass(frozen=True)
class Row(Change):
    """A metric's verdict. `again` is the change that the second look alone found, None where there was none.

    `visible` is the smallest change that is seen in 80 % of such gates; infinite when none could be.
    """

    p_adjusted: float = 1.0
    visible: float = math.inf
    verdict: str = INCONCLUSIVE
    why: str = ""
    again: float | None = None

    @property
    def suspect(self) -> bool:
        return self.verdict in (REGRESSED, IMPROVED)


def bounds(thresholds: Mapping[str, float], noise: Mapping[str, float]) -> dict[str, float]:
    """The change of logarithms that counts, by metric: its threshold, or 3 x noise where that is larger."""
    return {m: max(math.log1p(threshold), NOISE_FACTOR * noise[m]) for m, threshold in thresholds.items()}


def alike_within(thresholds: Mapping[str, float], noise: Mapping[str, float]) -> dict[str, float]:
    """Within what an interval is no change at one look: the threshold, or 3 x its noise where larger, but not beyond 20 %."""
    return {m: max(math.log1p(t), min(NOISE_FACTOR * noise[m], MOST_ALIKE)) for m, t in thresholds.items()}


def suspects_from(thresholds: Mapping[str, float], bound: Mapping[str, float]) -> dict[str, float]:
    """The change of logarithms from which a first look suspects: the threshold, or two thirds of what counts if larger."""
    return {m: max(math.log1p(threshold), SUSPECT_SHARE * bound[m]) for m, threshold in thresholds.items()}


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

    The slope of log seconds (n,) on the log seconds of the loop (n,) within `groups` of identical code, pooled, as in an
    analysis of covariance. It is drawn towards 0.8 as far as the groups say little: on a machine of steady speed the slope
    cannot be known and hardly matters. The spread of slopes and the residual deviation are those of docs/gate.md.
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


def cost_changes(
    before: Samples,
    now: Samples,
    bound: Mapping[str, float],
    alike: Mapping[str, float] | None = None,
    blocks: tuple[Numbers, Numbers] | None = None,
) -> list[Change]:
    """The change of every time and memory that both sides have; by rank test and Hodges-Lehmann interval.

    `bound` is what counts, `alike` within which an interval is no change (default: what counts), by metric. `blocks` are
    those of before and now where both were measured in turns.
    """
    changes = []
    for metric in (metric for metric in now if metric in before):
        old, new = np.log(before[metric]), np.log(now[metric])
        turns = _in_blocks(old, new, blocks[0][metric], blocks[1][metric]) if blocks else []
        found = shift_in_blocks(turns, INTERVAL) if turns else shift(old, new, INTERVAL)
        sizes = len(old), len(new)
        changes.append(
            Change(
                metric, True, *sizes, math.exp(float(np.median(old))), math.exp(float(np.median(new))), found.estimate,
                found.low, found.high, found.p, bound[metric], (alike or bound)[metric], found.least_p,
            )
        )  # fmt: skip
    return changes


def _in_blocks(old: np.ndarray, new: np.ndarray, of_old: np.ndarray, of_new: np.ndarray) -> Blocks:
    """Values before and now block by block, as many of both: the first ones where a side has more of them."""
    pairs = [(old[of_old == number], new[of_new == number]) for number in np.unique(of_old)]
    sizes = [min(map(len, pair)) for pair in pairs]
    return [(one[:size], other[:size]) for (one, other), size in zip(pairs, sizes, strict=True) if size]


def quality_changes(
    before: Samples, now: Samples, margins: Mapping[str, float], larger_is_worse: Mapping[str, bool]
) -> list[Change]:
    """The change of every error, loss or accuracy that both sides have; by Welch's t test on the replicates."""
    changes = []
    for metric in (metric for metric in now if metric in before):
        old, new = before[metric], now[metric]
        sign = 1.0 if larger_is_worse[metric] else -1.0
        change, low, high, p = welch(sign * new, sign * old, INTERVAL)
        sizes = len(old), len(new)
        least = 1.0 if min(sizes) < 2 else 0.0
        p = 1.0 if math.isnan(p) else p
        changes.append(
            Change(
                metric, False, *sizes, float(np.mean(old)), float(np.mean(new)), change,
                -math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high, p,
                margins[metric], margins[metric], least, larger_is_worse[metric],
            )
        )  # fmt: skip
    return changes


def decide(changes: Sequence[Change], level: float = LEVEL, *, screens: Mapping[str, float] | None = None) -> list[Row]:
    """What each change amounts to, with all of them as one family.

    With `screens` it is a first look: a metric is suspect from there on, or else from what counts on, by its own p of up to
    25 %, since it will be measured again; see `confirmed`.
    """
    rows = []
    for found, p in zip(changes, holm([change.p for change in changes]), strict=True):
        error = (found.high - found.low) / (2 * INTERVAL_QUANTILE)
        visible = found.bound + POWER_QUANTILE * error
        if screens is None:
            reachable = found.least_p * len(changes) <= level
            verdict, why = _verdict(found, found.bound, p <= level)
        else:
            reachable = found.least_p <= SUSPECT_LEVEL
            suspect = screens.get(found.metric, found.bound)
            verdict, why = _verdict(found, suspect, found.p <= SUSPECT_LEVEL)
            visible = _visible(found, suspect, error, len(changes))
        if verdict == INCONCLUSIVE and not reachable:
            why = f"{found.n_before} against {found.n_now} values cannot decide {len(changes)} metrics"
        visible = visible if reachable else math.inf
        rows.append(Row(**vars(found), p_adjusted=p, visible=visible, verdict=verdict, why=why))
    return rows


def _visible(found: Change, suspect: float, error: float, metrics: int) -> float:
    """The change that 80 % of gates see: suspect at a first look of this standard error, and seen again, and significant."""
    more = SECOND_LOOK if found.ratio else 1  # times as many values in the second look
    again, both = error / math.sqrt(more), error / math.sqrt(1 + more)
    suspect = max(suspect, error * float(norm.isf(SUSPECT_LEVEL / 2)))
    significant = max(found.bound, both * float(norm.isf(LEVEL / (2 * metrics))))
    if error == 0.0:
        return max(suspect, significant)

    def seen(change: float) -> float:
        twice = norm.cdf((change - suspect) / error) * norm.cdf((change - found.bound) / again)
        return float(min(twice, norm.cdf((change - significant) / both))) - POWER

    most = max(suspect, significant) + 4 * error
    return float(brentq(seen, 0.0, most)) if math.isfinite(most) else math.inf


def _verdict(found: Change, counts_from: float, significant: bool) -> tuple[str, str]:
    if abs(found.change) > counts_from and significant:
        return (REGRESSED if found.change > 0 else IMPROVED), ""
    if abs(found.change) > found.alike:
        return INCONCLUSIVE, "large, but it may be chance"
    if -found.alike <= found.low and found.high <= found.alike:
        return SAME, ""
    return INCONCLUSIVE, "a change that counts cannot be excluded"


def confirmed(rows: Sequence[Row], together: Sequence[Row], alone: Mapping[str, float]) -> list[Row]:
    """`rows` with every suspect settled: `together` are rows of both looks, `alone` the changes of the second look."""
    both = {row.metric: row for row in together}
    return [_settled(row, both.get(row.metric), alone.get(row.metric)) if row.suspect else row for row in rows]


def _settled(row: Row, both: Row | None, again: float | None) -> Row:
    if both is None or again is None:
        return replace(row, verdict=INCONCLUSIVE, why="it could not be measured again")
    seen = math.isnan(again) or again * math.copysign(1, row.change) > both.bound
    if both.verdict == row.verdict and seen:
        return replace(both, again=again)
    verdict = INCONCLUSIVE if both.suspect else both.verdict
    return replace(both, verdict=verdict, why="not seen again when measured again", again=again)


def unsettled(rows: Sequence[Row], why: str) -> list[Row]:
    """`rows` with every suspect among times made inconclusive, because a control of the run failed."""
    return [replace(row, verdict=INCONCLUSIVE, why=why) if row.suspect and row.ratio else row for row in rows]


def null_rows(sides: Sequence[Samples], bound: Mapping[str, float]) -> list[Row]:
    """The run against itself: on all its sides even processes against odd ones, which were interleaved. None should be suspect.

    By Welch's t test, since halves are too small for ranks; metrics with fewer than six processes have no row.
    """
    changes = []
    for metric in (metric for metric in sides[-1] if all(metric in side for side in sides)):
        centred = [np.log(side[metric]) - np.median(np.log(side[metric])) for side in sides]
        if sum(map(len, centred)) >= 6:
            even, odd = (np.concatenate([values[first::2] for values in centred]) for first in (0, 1))
            change, low, high, p = welch(odd, even, INTERVAL)
            changes.append(
                Change(
                    metric, True, len(even), len(odd), 1.0, math.exp(change), change, -math.inf if math.isnan(low) else low,
                    math.inf if math.isnan(high) else high, 1.0 if math.isnan(p) else p, bound[metric], bound[metric],
                )
            )  # fmt: skip
    return decide(changes, CONTROL_LEVEL)


def noise(occasions: Sequence[Samples], size: int) -> dict[str, float]:
    """What the log ratio of two gates of identical code is, in root mean square, by metric.

    Each occasion's processes are cut into groups of `size`, as many as a gate has; every group is compared with every group
    of the other occasions, or of the same one when there is only one. A metric with fewer than two groups has no entry.
    """
    found = {}
    for metric in {metric: None for occasion in occasions for metric in occasion}:
        groups = [
            (number, np.log(values[start : start + size]))
            for number, occasion in enumerate(occasions)
            for values in [occasion.get(metric, np.array([]))]
            for start in range(0, len(values) - size + 1, size)
        ]
        several = len({number for number, _ in groups}) > 1
        squares = [shift(a, b).estimate ** 2 for (i, a), (j, b) in combinations(groups, 2) if i != j or not several]
        if squares:
            found[metric] = math.sqrt(float(np.mean(squares)))
    return found


def noise_side_by_side(occasions: Sequence[Samples], size: int) -> dict[str, float]:
    """What the log ratio of identical code is, in root mean square, when `size` processes a side alternate, by metric.

    Each occasion's processes are labelled as a gate could have drawn them, ABBA or BAAB in each block of four, in all ways
    for up to six blocks at a time; what so many processes differ by is scaled to `size`, since they are independent.
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
                    turns = [_in_blocks(part[~b], part[b], numbers[~b], numbers[b]) for b in _drawn(len(part) // 4)]
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
    freedom = len(values) - 1
    return float(np.std(values, ddof=1)) * math.sqrt(freedom / float(chi2.ppf(1 - DEVIATION_CONFIDENCE, freedom)))


def seeds_needed(
    deviation: float, effect: float, margin: float, *, n_before: int, metrics: int, power: float = 0.95
) -> int | None:
    """The fewest replicates that show a loss of `effect` among `metrics` metrics in `power` of gates.

    `deviation` is the standard deviation between replicates. The loss must be suspect at first, be measured again with as
    many replicates, and be significant over both; what each of the three steps misses is added up. None when 30 replicates
    are too few.
    """
    for n in range(2, MOST_SEEDS + 1):
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
