"""A claim's interval with what was measured, on an axis that all places of the claim share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keras_reprise.judge.groups import Group
from keras_reprise.judge.verdicts import Verdict, exp
from keras_reprise.record.schema import ClaimCard
from keras_reprise.record.wording import number

MARGIN = 0.12  # of what is shown, at each end
EDGE = 5.0  # of 100, where a tick's label would be cut off
FEWEST_TICKS, MOST_TICKS = 3, 6


@dataclass(frozen=True)
class ClaimAxis:
    """The axis of a claim's bars: its ends as they are drawn (logarithms where it is logarithmic), its ticks with their
    places from 0 to 100, and its unit."""

    low: float
    high: float
    logarithmic: bool
    unit: str
    ticks: tuple[tuple[float, str], ...] = ()

    def at(self, value: float) -> float:
        """The place of a value, from 0 to 100."""
        drawn = math.log(value) if self.logarithmic else value
        return round(100 * (drawn - self.low) / (self.high - self.low), 2)

    @property
    def zero(self) -> float | None:
        """The place of zero, where it is on the axis."""
        return self.at(0.0) if not self.logarithmic and self.low <= 0 <= self.high else None


@dataclass(frozen=True)
class Bar:
    """A claim's interval and a measured mean with its 95 % interval, on an axis from 0 to 100."""

    axis: ClaimAxis
    band: tuple[float, float]
    interval: tuple[float, float]
    mean: float
    printed: float | None

    @property
    def band_width(self) -> float:
        return round(self.band[1] - self.band[0], 2)


def axis(claim: ClaimCard, groups: Sequence[Group]) -> ClaimAxis | None:
    """The axis on which a claim's bars of these groups are drawn, each with the interval and the printed value by which
    its group was judged; None where there is nothing to be drawn."""
    values = [value for value in (*claim.interval, claim.printed) if value is not None]
    for group in groups:
        if (verdict := group.verdict(claim.id)) is not None:
            shown = (*verdict.interval, verdict.printed, verdict.mean, verdict.ci_low, verdict.ci_high)
            values += [value for value in shown if value is not None and math.isfinite(value)]
    logarithmic = claim.tested_as == "positive" and all(value > 0 for value in values)
    drawn = [math.log(value) for value in values] if logarithmic else values
    if not drawn:
        return None
    low, high = min(drawn), max(drawn)
    margin = MARGIN * (high - low) or max(abs(high), 1.0) * MARGIN
    if not math.isfinite(margin):
        return None
    bare = ClaimAxis(low - margin, high + margin, logarithmic, claim.unit)
    marked = _powers(bare) if logarithmic else _rounds(bare.low, bare.high)
    ticks = [(bare.at(one), number(one)) for one in marked]
    named = tuple((at, label) for at, label in ticks if EDGE < at < 100 - EDGE)
    return ClaimAxis(bare.low, bare.high, logarithmic, claim.unit, named)


def bar(verdict: Verdict, on: ClaimAxis | None) -> Bar | None:
    """A verdict's bar; None where it has no number."""
    if on is None or not math.isfinite(verdict.mean):
        return None
    ends = verdict.interval
    interval = (verdict.ci_low, verdict.ci_high) if math.isfinite(verdict.ci_low) else (verdict.mean, verdict.mean)
    return Bar(
        axis=on,
        band=(0.0 if ends[0] is None else on.at(ends[0]), 100.0 if ends[1] is None else on.at(ends[1])),
        interval=(on.at(interval[0]), on.at(interval[1]) if math.isfinite(interval[1]) else 100.0),
        mean=on.at(verdict.mean),
        printed=None if verdict.printed is None else on.at(verdict.printed),
    )


def _rounds(low: float, high: float) -> list[float]:
    """Round numbers between two: multiples of 1, 2 or 5 times a power of ten, the fewest that are at least three."""
    for step in _steps(high - low):
        first = math.ceil(low / step)
        found = [round(one * step, 12) for one in range(first, math.floor(high / step) + 1)]
        if len(found) >= FEWEST_TICKS:
            return found if len(found) <= MOST_TICKS else found[::2]
    return []


def _steps(span: float) -> list[float]:
    """Steps from the span's size downwards."""
    if not 1e-250 < span < 1e250:
        return []
    power = math.floor(math.log10(span))
    return [one * 10.0**exponent for exponent in (power, power - 1, power - 2) for one in (5, 2, 1)]


def _powers(on: ClaimAxis) -> list[float]:
    """Round numbers on a logarithmic axis: powers of ten, or 1, 2 and 5 times these, or those of a linear axis."""
    low, high = exp(on.low), exp(on.high)
    if not 1e-250 < low < high < 1e250:
        return []
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [one * 10.0**power for power in powers for one in factors if low <= one * 10.0**power <= high]
        if len(found) >= FEWEST_TICKS:
            return found[:: -(-len(found) // MOST_TICKS)]
    return _rounds(low, high)
