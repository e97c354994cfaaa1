"""The rule of the regression gate: pure functions of what processes and replicates measured, no I/O.

A metric is suspect if a first look finds about what counts. It is then measured again, and has changed only if all of
this holds: the second look alone is above what counts; both looks together are, too; and an exact permutation test on
their processes' estimates (for quality Welch's t test on the replicates), Holm-adjusted over every metric of the run,
says so. Where both sides were measured in turns the permutations are those within blocks. What counts is the metric's
threshold, or three times the noise that this machine was calibrated to have where that is larger; for quality it is the
equivalence margin. The run's own controls must be quiet, else nothing is called a regression. See docs/gate.md.

Every comparison is on an additive scale on which positive is worse: logarithms of seconds and bytes, losses and errors
themselves, accuracies negated.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from keras_reprise.base.statistics import holm, shift, shift_in_blocks, welch
from keras_reprise.gate.design import (
    CONTROL_LEVEL,
    FEWEST_FOR_HALVES,
    INTERVAL,
    INTERVAL_QUANTILE,
    LEVEL,
    MOST_ALIKE,
    NOISE_FACTOR,
    POWER,
    POWER_QUANTILE,
    SECOND_LOOK,
    SUSPECT_LEVEL,
    SUSPECT_SHARE,
)
from keras_reprise.gate.noise import Numbers, Samples, in_blocks

REGRESSED, IMPROVED, SAME, INCONCLUSIVE = "regressed", "improved", "same", "inconclusive"
INCOMPARABLE, FAILED = "incomparable", "failed"
VERDICTS = (REGRESSED, FAILED, INCOMPARABLE, INCONCLUSIVE, IMPROVED, SAME)  # worst first


@dataclass(frozen=True)
class Change:
    """How one metric changed, before anything is decided.

    `change`, its 90 % interval and `bound` are on the additive scale.

    `ratio` tells whether that scale is logarithmic. `bound` is what counts; an interval within `alike` is no change,
    which is wider where a metric that looks changed would be measured with more processes. `least_p` is the smallest p
    that so many values can give. `estimate` tells how the rounds of a process became one number: adjusted, median or
    fastest; it is empty of what has no rounds.
    """

    metric: str
    ratio: bool
    n_before: int = 0
    n_now: int = 0
    before: float = math.nan
    now: float = math.nan
    change: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    bound: float = math.nan
    alike: float = math.nan
    least_p: float = 0.0
    worse_when_larger: bool = True
    estimate: str = ""


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
    """Within what an interval is no change at one look: the threshold, or 3 x its noise where larger, 20 % at most."""
    return {m: max(math.log1p(t), min(NOISE_FACTOR * noise[m], MOST_ALIKE)) for m, t in thresholds.items()}


def suspects_from(thresholds: Mapping[str, float], bound: Mapping[str, float]) -> dict[str, float]:
    """The change of logarithms from which a first look suspects: the threshold, or 2/3 of what counts if larger."""
    return {m: max(math.log1p(threshold), SUSPECT_SHARE * bound[m]) for m, threshold in thresholds.items()}


def cost_changes(
    before: Samples,
    now: Samples,
    bound: Mapping[str, float],
    alike: Mapping[str, float] | None = None,
    blocks: tuple[Numbers, Numbers] | None = None,
    estimates: Mapping[str, str] | None = None,
) -> list[Change]:
    """The change of every time and memory that both sides have; by rank test and Hodges-Lehmann interval.

    `bound` is what counts, `alike` within which an interval is no change (default: what counts), by metric. `blocks`
    are those of before and now where both were measured in turns; `estimates` tells how rounds became numbers.
    """
    changes = []
    for metric in (metric for metric in now if metric in before):
        old, new = np.log(before[metric]), np.log(now[metric])
        turns = in_blocks(old, new, blocks[0][metric], blocks[1][metric]) if blocks else []
        found = shift_in_blocks(turns, INTERVAL) if turns else shift(old, new, INTERVAL)
        changes.append(
            Change(
                metric,
                ratio=True,
                n_before=len(old),
                n_now=len(new),
                before=math.exp(float(np.median(old))),
                now=math.exp(float(np.median(new))),
                change=found.estimate,
                low=found.low,
                high=found.high,
                p=found.p,
                bound=bound[metric],
                alike=(alike or bound)[metric],
                least_p=found.least_p,
                estimate=(estimates or {}).get(metric, ""),
            )
        )
    return changes


def quality_changes(
    before: Samples, now: Samples, margins: Mapping[str, float], larger_is_worse: Mapping[str, bool]
) -> list[Change]:
    """The change of every error, loss or accuracy that both sides have; by Welch's t test on the replicates."""
    changes = []
    for metric in (metric for metric in now if metric in before):
        old, new = before[metric], now[metric]
        sign = 1.0 if larger_is_worse[metric] else -1.0
        found = _by_welch(metric, sign * old, sign * new, margins[metric], ratio=False)
        changes.append(
            replace(
                found,
                before=float(np.mean(old)),
                now=float(np.mean(new)),
                least_p=1.0 if min(len(old), len(new)) < 2 else 0.0,
                worse_when_larger=larger_is_worse[metric],
            )
        )
    return changes


def _by_welch(metric: str, before: np.ndarray, now: np.ndarray, bound: float, *, ratio: bool) -> Change:
    """A change by Welch's t test; of too few values its interval is infinite and p 1."""
    change, low, high, p = welch(now, before, INTERVAL)
    return Change(
        metric,
        ratio=ratio,
        n_before=len(before),
        n_now=len(now),
        change=change,
        low=-math.inf if math.isnan(low) else low,
        high=math.inf if math.isnan(high) else high,
        p=1.0 if math.isnan(p) else p,
        bound=bound,
        alike=bound,
    )


def decide(
    changes: Sequence[Change],
    level: float = LEVEL,
    *,
    screens: Mapping[str, float] | None = None,
    further: Collection[str] = (),
    others: Sequence[float] = (),
) -> list[Row]:
    """What each change amounts to, with all of them as one family, to which the p of `others` belong, too.

    With `screens` it is a first look: a metric is suspect from there on, or else from what counts on, by its own p of
    up to 25 %, since it will be measured again; see `confirmed`. Metrics in `further` will have to be seen in one more
    look, too.
    """
    rows = []
    family = len(changes) + len(others)
    for found, p in zip(changes, holm([*(change.p for change in changes), *others]), strict=False):
        error = (found.high - found.low) / (2 * INTERVAL_QUANTILE)
        visible = found.bound + POWER_QUANTILE * error
        if screens is None:
            reachable = found.least_p * family <= level
            verdict, why = _verdict(found, found.bound, p <= level)
        else:
            reachable = found.least_p <= SUSPECT_LEVEL
            suspect = screens.get(found.metric, found.bound)
            verdict, why = _verdict(found, suspect, found.p <= SUSPECT_LEVEL)
            visible = smallest_visible(found, suspect, error, family, again=2 if found.metric in further else 1)
        if verdict == INCONCLUSIVE and not reachable:
            why = f"{found.n_before} against {found.n_now} values cannot decide {family} metrics"
        visible = visible if reachable else math.inf
        if verdict == INCONCLUSIVE and screens is not None and _within(found, alike_or_unseen(found, visible)):
            verdict, why = SAME, ""
        rows.append(Row(**vars(found), p_adjusted=p, visible=visible, verdict=verdict, why=why))
    return rows


def alike_or_unseen(found: Change, visible: float) -> float:
    """Within what an interval is no change: what is alike, or all that is too small to be seen, 20 % at most."""
    return max(found.alike, min(visible, MOST_ALIKE)) if math.isfinite(visible) and found.ratio else found.alike


def smallest_visible(found: Change, suspect: float, error: float, metrics: int, *, again: int) -> float:
    """The change that 80 % of gates see: suspect at a look of this standard error, seen `again`, and significant."""
    more = SECOND_LOOK if found.ratio else 1  # times as many values in the second look
    later, both = error / math.sqrt(more), error / math.sqrt(1 + more)
    suspect = max(suspect, -error * float(ndtri(SUSPECT_LEVEL / 2)))
    significant = max(found.bound, -both * float(ndtri(LEVEL / (2 * metrics))))
    if error == 0.0:
        return max(suspect, significant)

    def seen(change: float) -> float:
        twice = ndtr((change - suspect) / error) * ndtr((change - found.bound) / later) ** again
        return float(min(twice, ndtr((change - significant) / both))) - POWER

    most = max(suspect, significant) + 4 * error
    return float(brentq(seen, 0.0, most)) if math.isfinite(most) else math.inf


def _verdict(found: Change, counts_from: float, significant: bool) -> tuple[str, str]:
    if abs(found.change) > counts_from and significant:
        return (REGRESSED if found.change > 0 else IMPROVED), ""
    if abs(found.change) > found.alike:
        return INCONCLUSIVE, "large, but it may be chance"
    if _within(found, found.alike):
        return SAME, ""
    return INCONCLUSIVE, "a change that counts cannot be excluded"


def _within(found: Change, bound: float) -> bool:
    return -bound <= found.low and found.high <= bound


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
    return replace(both, verdict=verdict, why=_why_not(row, both, again), again=again)


def _why_not(row: Row, both: Row, again: float) -> str:
    """Why a suspect is none in the end: it is not there any more, or less than what counts on this machine."""
    if not row.ratio or math.isnan(again) or again * math.copysign(1, row.change) <= both.bound / 2:
        return "not seen again when measured again"
    least = f"what counts with this noise is x {math.exp(both.bound):.2f}"
    if abs(both.change) <= both.bound:
        return f"seen again, but of both looks it is x {math.exp(both.change):.2f}, and {least}"
    if again * math.copysign(1, row.change) <= both.bound:
        return f"seen again, but as x {math.exp(again):.2f}, and {least}"
    return "seen again, but it may be chance"


def unsettled(rows: Sequence[Row], why: str) -> list[Row]:
    """`rows` with every suspect among times made inconclusive, because a control of the run failed."""
    return [replace(row, verdict=INCONCLUSIVE, why=why) if row.suspect and row.ratio else row for row in rows]


def null_rows(sides: Sequence[Samples], bound: Mapping[str, float]) -> list[Row]:
    """The run against itself: on all its sides even processes against odd ones, which were interleaved.

    None should be suspect.

    By Welch's t test, since halves are too small for ranks; metrics with fewer than six processes have no row.
    """
    changes = []
    for metric in (metric for metric in sides[-1] if all(metric in side for side in sides)):
        centred = [np.log(side[metric]) - np.median(np.log(side[metric])) for side in sides]
        if sum(map(len, centred)) >= FEWEST_FOR_HALVES:
            even, odd = (np.concatenate([values[first::2] for values in centred]) for first in (0, 1))
            found = _by_welch(metric, even, odd, bound[metric], ratio=True)
            changes.append(replace(found, before=1.0, now=math.exp(found.change)))
    return decide(changes, CONTROL_LEVEL)
