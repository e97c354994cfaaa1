"""What expressions do with numbers and rows of numbers: plain functions, with nan where there is no number."""

import math
from collections.abc import Callable, Sequence
from operator import ge, gt, le, lt

Row = list[float]


def divided(x: float, y: float) -> float:
    if y == 0:
        return math.nan if x == 0 or math.isnan(x) else math.copysign(math.inf, x) * math.copysign(1.0, y)
    return x / y


def _power(x: float, y: float) -> float:
    try:
        found = x**y
    except ZeroDivisionError:
        return math.inf
    except OverflowError:
        return math.inf if x > 0 else math.nan
    return math.nan if isinstance(found, complex) else found


SIGNS: dict[str, Callable[[float, float], float]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": divided,
    "**": _power,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
    "=": lambda x, y: x == y,
}


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


FUNCTIONS: dict[str, Callable[[float], float]] = {
    "log": _log,
    "exp": _exp,
    "abs": abs,
    "is-finite": lambda x: float(math.isfinite(x)),
}


def argmin(row: Sequence[float]) -> float:
    """The position of the first of the lowest, from 1."""
    return math.nan if any(map(math.isnan, row)) else 1.0 + min(range(len(row)), key=row.__getitem__)


def _argmax(row: Sequence[float]) -> float:
    return math.nan if any(map(math.isnan, row)) else 1.0 + max(range(len(row)), key=row.__getitem__)


def _distinct(row: Sequence[float]) -> float:
    return math.nan if any(map(math.isnan, row)) else float(len(set(row)))


def _ordered(function: Callable[[Sequence[float]], float]) -> Callable[[Sequence[float]], float]:
    """The same, nan where a number is missing: nothing is less than it or more."""
    return lambda row: math.nan if any(map(math.isnan, row)) else function(row)


def _median(row: Sequence[float]) -> float:
    ordered, middle = sorted(row), len(row) // 2
    return ordered[middle] if len(row) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def total(row: Sequence[float]) -> float:
    """The sum."""
    return math.fsum(row) if all(map(math.isfinite, row)) else float(sum(row))


REDUCTIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "first": lambda row: row[0],
    "last": lambda row: row[-1],
    "mean": lambda row: total(row) / len(row),
    "median": _ordered(_median),
    "minimum": _ordered(min),
    "maximum": _ordered(max),
    "argmin": argmin,
    "argmax": _argmax,
    "distinct": _distinct,
}


def _deviations(row: Row) -> Row:
    mean = total(row) / len(row)
    return [x - mean for x in row]


def slope(x: Row, y: Row) -> float:
    """Of the least-squares line of y over x."""
    a, b = _deviations(x), _deviations(y)
    return divided(total([p * q for p, q in zip(a, b, strict=True)]), total([p * p for p in a]))


def correlation(x: Row, y: Row) -> float:
    """Pearson's; nan where one of them does not vary."""
    a, b = _deviations(x), _deviations(y)
    size = math.sqrt(total([p * p for p in a])) * math.sqrt(total([q * q for q in b]))
    return divided(total([p * q for p, q in zip(a, b, strict=True)]), size) if size else math.nan


def ranks(row: Row) -> Row:
    """The ranks from 1, of equals their mean."""
    order = sorted(range(len(row)), key=row.__getitem__)
    found, start = [0.0] * len(row), 0
    while start < len(order):
        end = start
        while end < len(order) and row[order[end]] == row[order[start]]:
            end += 1
        for place in order[start:end]:
            found[place] = (start + 1 + end) / 2
        start = end
    return found
