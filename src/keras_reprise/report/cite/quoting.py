"""Numbers as a text quotes them, and what they say otherwise than the store."""

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from keras_reprise.report.cite.quantities import NUMBERS, Quantity
from keras_reprise.report.telling import PERCENT

NOT_MEASURED = r"\b(?:Tables?|Figures?|Figs?\.|Sections?|Equations?|Chapters?|pages?|seeds?|versions?)\s+\d+"
VERDICTS = ("reproduced", "contradicted", "inconclusive")
THOUSANDS = r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"
DECIMAL_COMMA = r"(?:\d{1,3}(?:\.\d{3})+|\d+),\d+"
NUMBER = rf"[-+]?(?:{THOUSANDS}(?!,?\d)|{DECIMAL_COMMA}(?!,?\d)|\d*\.?\d+)(?:[eE][-+]?\d+)?"
BETWEEN = r"(?:to|bis|à|,|;|\.\.|–)"
ENDS = rf"({NUMBER})(\s*%)?\s*{BETWEEN}\s*({NUMBER})(\s*%)?\s*"
INTERVALS = (
    rf"95[\s-]*%[\s-]*(?:[Cc]onfidence\s+|[Kk]onfidenz-?)?[Ii]ntervall?e?:?\s*[\[(]?\s*{ENDS}[\])]?",
    rf"\[\s*{ENDS}\]",
)
LOWER = re.compile(r"\b(?:lower|less|fewer|smaller|shorter) than\b")  # a difference that is told without its sign


@dataclass(frozen=True)
class Quoted:
    """A number as a text quotes it, and what the store gives in its place, in the unit that is quoted."""

    what: str
    text: str
    shown: str
    value: float
    stored: float


def quoted_numbers(quoted: str, part: str, found: Quantity) -> Iterator[Quoted]:
    """The ends of a quoted interval, then the number itself: the last that is left.

    Shares may be quoted in percent, and differences of shares in points; "lower than ... by 2.1" is the number -2.1.
    """
    text, intervals, unit = quoted, [], found.measured_in or found.unit
    for pattern in INTERVALS:
        intervals += list(re.finditer(pattern, text))
        text = re.sub(pattern, " ", text)
    text = re.sub(NOT_MEASURED, " ", re.sub(r"\bn\s*=\s*\d+", " ", text))
    numbers = list(re.finditer(rf"(?<![\w.])(?<![A-Za-z]-)({NUMBER})(\s*%|\s+points\b)?", text))
    last = numbers[-1] if numbers and part in ("", *NUMBERS) else None
    lower = last is not None and found.mean < 0 and not last[1].startswith("-") and bool(LOWER.search(text))
    points = last is not None and (last[2] or "").strip() == "points"
    for match in intervals:
        ends = (-found.ci_high, -found.ci_low) if lower else (found.ci_low, found.ci_high)
        factor = _factor(match[2] or match[4] or ("points" if points else ""), unit)
        for end, value, label in ((match[1], ends[0], "lower"), (match[3], ends[1], "upper")):
            yield Quoted(f"the {label} end of the 95 % interval", end, end, factor * value, value)
    none = found.n == 0 and re.search(r":\s*-\s*\([^()\d]*\)?\s*$", text)  # as `cite` prints what has no number
    if last is not None and not none:
        value = found.number(part) * (-1 if lower and part in ("", "mean") else 1)
        yield Quoted(part or "the mean", last[1], last[0].strip(), _factor(last[2] or "", unit) * value, value)


def _factor(after: str, unit: str) -> float:
    """By what a stored number is multiplied where the text goes on with `after`: a share of 0.5 is 50 %."""
    if after.strip() == "points":
        return 100.0 if unit in PERCENT else 1.0
    return 100.0 if after.strip() == "%" and "%" not in unit and unit != "percent" else 1.0


def differences(quoted: str, part: str, found: Quantity) -> Iterator[str]:
    """What the quoted text says otherwise than the store."""
    for one in quoted_numbers(quoted, part, found):
        if not _rounds_to(one.value, one.text):
            yield f"{one.what} is quoted as {one.shown}, the store gives {one.stored:.6g}"
    for match in re.finditer(r"\bn\s*=\s*(\d{1,18})", quoted):
        if int(match[1]) != found.n:
            yield f"n is quoted as {match[1]}, the store has {found.n}"
    said = [verdict for verdict in VERDICTS if re.search(rf"\b{verdict}\b", quoted)]
    if found.verdict and len(said) == 1 and said[0] != found.verdict:
        yield f"the verdict is quoted as {said[0]}, the store says {found.verdict}"


def _rounds_to(value: float, quoted: str) -> bool:
    """Whether `quoted`, in one of the ways it can be read, is `value` rounded to as many digits as are quoted."""
    return any(_rounds(value, number) for number in _readings(quoted))


def _readings(quoted: str) -> list[str]:
    """A number in the ways it can be meant, as Python writes it: 1,234 is over a thousand, or has a decimal comma."""
    number = re.match(r"[-+]?[\d.,]+", quoted)
    if not number or "," not in number[0]:
        return [quoted]
    readings = []
    if re.fullmatch(rf"[-+]?{THOUSANDS}", number[0]):
        readings.append(quoted.replace(",", ""))
    if re.fullmatch(rf"[-+]?{DECIMAL_COMMA}", number[0]):
        readings.append(quoted.replace(".", "").replace(",", "."))
    return readings or [quoted.replace(",", "")]


def _rounds(value: float, quoted: str) -> bool:
    if not math.isfinite(value):
        return False
    mantissa, _, exponent = quoted.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - decimals)
    return abs(float(quoted) - value) <= 0.5 * unit * (1 + 1e-9) + 1e-12 * abs(value)


def read_with_comma(value: float, quoted: str) -> bool:
    """Whether a number that could mean a thousand and more is right only with a decimal comma."""
    readings = _readings(quoted)
    return len(readings) > 1 and not _rounds(value, readings[0]) and _rounds(value, readings[1])


def quoted_text(plain: str, start: int, end: int) -> str:
    """The text before an identifier that belongs to it: of the same sentence, after the identifier before."""
    return re.split(r"\n\s*\n|[.!?:]\s+(?=[A-Z\\])|^[\s,;.()\[\]`*]+", plain[start:end])[-1]


def plain_text(text: str) -> str:
    """The text with numbers as programs write them, LaTeX's spaces, dollars and escapes undone; lines stay lines."""
    text = unicodedata.normalize("NFC", text)
    text = text.replace("−", "-").replace("\u202f", " ").replace("\u00a0", " ").replace("{,}", ",")
    text = re.sub(r"(\d)\s*(?:\\times|×|\\cdot)\s*10\s*\^\s*\{?([-+]?\d+)\}?", r"\1e\2", text)
    text = re.sub(r"\\num\{([^{}]*)\}", r" \1", text)
    text = re.sub(r"\\[,;! ]|[$~]", " ", text)
    return re.sub(r"\\([%_#&{}])", r"\1", text)
