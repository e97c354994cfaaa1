"""The number that decides a rule, as a person would say it: "2.1 points lower, 1.5 to 2.7"."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record.schema import ClaimCard
from keras_reprise.record.wording import aligned, interval, number

SMALLEST_P = 1e-4  # below it a p is no longer told
PERCENT = {"fraction", "share", "probability"}
LEAST_TIMES = 0.1  # "0.019 times" is no English
COMPARED = re.compile(
    r"(?P<what>[^`]+) of `(?P<first>[^`]+)` minus the (?P<again>[^`]+) of `(?P<second>[^`]+)`(?P<rest>.*)", re.DOTALL
)
LESS_THAN_NOTHING, MORE_THAN_NOTHING = (None, 0.0), (0.0, None)


@dataclass(frozen=True)
class Told:
    """What a claim's replicates amount to: the number, its 95 % interval ("" where there is none), what it is the
    number of, and where it must lie ("" where that goes without saying)."""

    number: str
    spread: str
    of: str
    needed: str

    @property
    def sentence(self) -> str:
        """All of it, without a full stop."""
        spread = f" ({self.spread})" if self.spread else ""
        return f"{self.of}: {self.number}{spread}{f'; it {self.needed}' if self.needed else ''}"


def told(verdict: Verdict, claim: ClaimCard) -> Told:
    """The number of one claim in words."""
    of, compared = _subject(claim)
    needed = f"must lie {interval(verdict.interval)} {verdict.unit}".strip()
    if not verdict.n:
        return Told("premise not met" if verdict.n_undefined and not verdict.n_failed else "no number", "", of, needed)
    match verdict.kind:
        case "discrete":
            return Told(f"in {_of_all(verdict.n_inside, verdict.n)}", "", of, needed)
        case "share" if set(verdict.values) <= {0.0, 1.0}:
            many = sum(value == 1.0 for value in verdict.values)
            return Told(f"in {_of_all(many, verdict.n)}", "", of, _needed_share(verdict))
        case "exact" if verdict.interval == (1.0, 1.0) and verdict.mean == 1.0 and not verdict.unit:
            return Told("exactly so", "", of, "")
    return _amount(verdict, of, compared=compared)


def _subject(claim: ClaimCard) -> tuple[str, bool]:
    """What the number is of, and whether it says how much more or less one arm has than another."""
    statistic = claim.statistic.rstrip(".")
    found = COMPARED.fullmatch(statistic)
    if found is None or found["what"].lower() != found["again"].lower():
        return statistic, False
    return f"{found['what']} of `{found['first']}` compared with `{found['second']}`{found['rest']}", True


def _amount(verdict: Verdict, of: str, *, compared: bool) -> Told:
    factor, unit = _unit(verdict.unit, difference=compared or " minus " in of)
    if unit == "ratio":
        unit = "times" if abs(verdict.mean) >= LEAST_TIMES else ""

    def said(value: float) -> str:
        return aligned(factor * value, factor * verdict.mean, factor * verdict.sd)

    low, high = (end if end is None or factor == 1 else round(factor * end, 10) for end in verdict.interval)
    needed = f"must lie {interval((low, high))}{_spaced(unit)}"
    if compared and verdict.interval in (LESS_THAN_NOTHING, MORE_THAN_NOTHING):
        needed = "must be lower" if verdict.interval == LESS_THAN_NOTHING else "must be higher"
    if not compared:
        spread = f"{said(verdict.ci_low)} to {said(verdict.ci_high)}" if _has_interval(verdict) else ""
        return Told(f"{said(verdict.mean)}{_spaced(unit)}", spread, of, needed)
    spread = _compared(verdict.ci_low, verdict.ci_high, said) if _has_interval(verdict) else ""
    return Told(f"{said(abs(verdict.mean))}{_spaced(unit)} {_way(verdict.mean)}", spread, of, needed)


def _has_interval(verdict: Verdict) -> bool:
    return math.isfinite(verdict.ci_low) and verdict.kind != "exact"


def _compared(low: float, high: float, said: Callable[[float], str]) -> str:
    """The ends of a difference's interval, the smaller first: "1.5 to 2.7", "3.2 lower to 1.8 higher"."""
    if low < 0 < high:
        return f"{said(-low)} lower to {said(high)} higher"
    near, far = sorted((abs(low), abs(high)))
    return f"{said(near)} to {said(far)}"


def _way(difference: float) -> str:
    return "higher" if difference > 0 else "lower" if difference < 0 else "apart"


def _unit(unit: str, *, difference: bool) -> tuple[float, str]:
    """By what a number is multiplied to be said in a unit that people use, and this unit."""
    if unit in PERCENT:
        return 100.0, "points" if difference else "%"
    if unit == "percent":
        return 1.0, "points" if difference else "%"
    return 1.0, unit


def _of_all(some: int, n: int) -> str:
    return f"{some} of {n} replicate{'' if n == 1 else 's'}"


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""


def _needed_share(verdict: Verdict) -> str:
    low, high = verdict.interval
    if low is not None and high is None:
        return f"must be so in more than {number(100 * low)} % of all replicates"
    return f"must lie {interval(verdict.interval)} {verdict.unit}".strip()


def probability(p: float) -> str:
    """A p value as it is printed: two digits, and never 0."""
    return "< 0.0001" if p < SMALLEST_P else number(p, 2)
