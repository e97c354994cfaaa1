"""A claim's number in a sentence: "the test error of `drop` is lower than that of `constant` by 2.1 points".

`telling.py` says the same number first, for pages and tables; here it comes last, where `check-citations` looks for it.
Shares are told in percent, differences by their direction, ratios as such, in the words of the claim's statistic.
"""

import math
import re
from dataclasses import dataclass

from keras_reprise.record.wording import aligned, number
from keras_reprise.report.telling import PERCENT

LONGEST = 150  # characters of a statistic; beyond it the claim's own sentence says more
NAMES = ("Keras", "Adam", "Xavier", "Glorot", "Sobol", "Nesterov", "RMSprop")  # what stays capital
PLURAL = re.compile(r"[a-z]{2,}(?<![siu])s$")
HEAD_ENDS = re.compile(
    r",| (?:of|at|a|an|per|for|from|until|to|on|in|that|with|which|after|before|whose|among|used|over|between|where) "
)
NOT_A_RATIO = re.compile(r"\b(?:mean|median|average|sum) (?:\w+ )?over ")


@dataclass(frozen=True)
class Amount:
    """What comes before a number, the number with its unit, and the ends of its 95 % interval ("" where there is none).

    In a difference that is told as lower the number has lost its sign, and so have the ends.
    """

    lead: str
    text: str
    ends: str

    @property
    def whole(self) -> str:
        """All of it, the interval in brackets."""
        return f"{self.lead} {self.text}{f' ({self.ends})' if self.ends else ''}".strip()


def amount(
    statistic: str, unit: str, kind: str, mean: float, sd: float, ends: tuple[float, float], *, exact: bool = False
) -> Amount:
    """The number `mean` of a statistic, in words; `ends` are those of its 95 % interval, nan where there is none.

    `exact` tells that every replicate gave the same number, so that an interval would say nothing.
    """
    if not math.isfinite(mean):
        return Amount("", number(mean), "")
    if not unit and statistic.startswith("Share of "):
        unit = "share"
    lead, form = _lead(statistic, unit, kind, mean)
    percent = form == "share" or unit in {*PERCENT, "percent"} or unit.startswith("share of ")
    factor = 100.0 if percent and unit != "percent" else 1.0
    if form == "lower":
        factor, ends = -factor, (ends[1], ends[0])
    told, low, high = (aligned(factor * one, factor * mean, abs(factor) * sd) for one in (mean, *ends))
    after = _unit(unit, form, percent=percent)
    close = " %" if after.startswith(" %") else ""
    between = f"{low}{close} to {high}{close}" if math.isfinite(ends[0]) and not exact else ""
    return Amount(lead, f"{told}{after}", between)


def _unit(unit: str, form: str, *, percent: bool) -> str:
    """What follows the number."""
    if form == "share":
        return " % of the replicates"
    if unit.startswith("share of "):
        return f" %{unit.removeprefix('share')}"
    if percent:
        return " points" if form in ("higher", "lower") else " %"
    return f" {unit}" if unit and form != "bare" else ""


def _lead(statistic: str, unit: str, kind: str, mean: float) -> tuple[str, str]:
    """The words before the number, and what they make of it: "share", "higher", "lower", "bare" (no unit), "number"."""
    told, _, premise = statistic.rstrip(".").partition("; where ")
    start = f"where {premise}, " if premise else ""
    if told.startswith("Whether "):
        told, of = _without_arm(told.removeprefix("Whether "))
        return f"{start}{f'for {of} ' if of else ''}{told} in", "share"
    if kind == "share":
        return f"{start}so it is in", "share"
    if not told or len(statistic) > LONGEST or told.startswith("("):
        return (f"a {unit} of", "bare") if unit == "rank correlation" else ("", "bare" if unit == "ratio" else "number")
    told, of = _without_arm(_lowered(told))
    aside = f"for {of} " if of else ""
    if (parts := _halves(told, " minus ")) and unit != "ratio":
        way = "lower" if mean < 0 else "higher"
        return f"{start}{aside}{_the(parts[0])} {_is(parts[0])} {way} than {_closed(parts[1])} by", way
    if (parts := _halves(told, " over ")) and unit == "ratio" and not NOT_A_RATIO.search(told):
        return f"{start}{aside}the ratio of {_the(parts[0])} to {_closed(parts[1])} is", "bare"
    bare = unit == "ratio" or bool(unit and told.startswith(unit))
    clause = re.search(r", | (?:that|where|which) ", told)
    named = _closed(told) if not of else f"{told}, of {of}," if clause else f"{told} of {of}"
    return f"{start}{_the(named)} {_is(told)}", "bare" if bare else "number"


def _halves(told: str, between: str) -> tuple[str, str] | None:
    """The words before and after `between`, where it is there once and not in brackets."""
    left, found, right = told.partition(between)
    whole = found and between not in right and left.count("(") == left.count(")")
    return (left, right) if whole else None


def _closed(words: str) -> str:
    """The words with a comma behind them where one within them opens what has to be closed."""
    return f"{words}," if ", " in words else words


def _without_arm(told: str) -> tuple[str, str]:
    """The words without the arm that all is of, and that arm."""
    found = re.fullmatch(r"(.*), of (`[^`]+`)", told, re.S)
    return (found[1], found[2]) if found else (told, "")


def _lowered(told: str) -> str:
    """The words as they go on within a sentence."""
    first = told.partition(" ")[0]
    name = first.startswith(NAMES) or any(letter.isupper() or letter.isdigit() for letter in first[1:])
    return told if name else f"{told[0].lower()}{told[1:]}"


def _the(words: str) -> str:
    return words if words.startswith(("the ", "Keras's", "Sobol's")) or words[:1].isdigit() else f"the {words}"


def _is(words: str) -> str:
    """Is or are, by the noun that the words are about."""
    head = HEAD_ENDS.split(words, maxsplit=1)[0]
    return "are" if PLURAL.search(head) and not head.startswith("number") else "is"
