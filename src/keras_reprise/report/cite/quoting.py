"""Numbers as a text quotes them, and what they say otherwise than the store."""

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from keras_reprise.report.cite.quantities import NUMBERS, Quantity

NOT_MEASURED = r"\b(?:Tables?|Figures?|Figs?\.|Sections?|Equations?|Chapters?|pages?|seeds?|versions?)\s+\d+"
VERDICTS = ("reproduced", "contradicted", "inconclusive")
THOUSANDS = r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"
DECIMAL_COMMA = r"(?:\d{1,3}(?:\.\d{3})+|\d+),\d+"
NUMBER = rf"[-+]?(?:{THOUSANDS}(?!,?\d)|{DECIMAL_COMMA}(?!,?\d)|\d*\.?\d+)(?:[eE][-+]?\d+)?"
BETWEEN = r"(?:to|bis|à|,|;|\.\.|–)"
INTERVALS = (
    r"95[\s-]*%[\s-]*(?:[Cc]onfidence\s+|[Kk]onfidenz-?)?[Ii]ntervall?e?:?\s*"
    rf"[\[(]?\s*({NUMBER})\s*{BETWEEN}\s*({NUMBER})\s*[\])]?",
    rf"\[\s*({NUMBER})\s*{BETWEEN}\s*({NUMBER})\s*\]",
)


@dataclass(frozen=True)
class Quoted:
    """A number as a text quotes it, and what the store gives in its place, in the unit that is quoted."""

    what: str
    text: str
    shown: str
    value: float
    stored: float


def quoted_numbers(quoted: str, part: str, found: Quantity) -> Iterator[Quoted]:
    """The ends of a quoted interval, then the number itself: the last that is left."""
    text = quoted
    for pattern in INTERVALS:
        for match in re.finditer(pattern, text):
            for end, value, label in ((match[1], found.ci_low, "lower"), (match[2], found.ci_high, "upper")):
                yield Quoted(f"the {label} end of the 95 % interval", end, end, value, value)
        text = re.sub(pattern, " ", text)
    text = re.sub(NOT_MEASURED, " ", re.sub(r"\bn\s*=\s*\d+", " ", text))
    numbers = list(re.finditer(rf"(?<![\w.])(?<![A-Za-z]-)({NUMBER})(\s*%)?", text))
    none = found.n == 0 and re.search(r":\s*-\s*\(\s*[;,)]?\s*$", text)  # as `cite` prints what has no number
    if numbers and not none and part in ("", *NUMBERS):
        last, value = numbers[-1], found.number(part)
        percent = bool(last[2]) and "%" not in found.unit
        yield Quoted(part or "the mean", last[1], last[0].strip(), 100 * value if percent else value, value)


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
