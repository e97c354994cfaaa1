"""What a figure shows, as numbers: what its page draws anew, and what its readers take away as a table."""

import math
from collections.abc import Iterable

import msgspec

from keras_reprise.record.fields import Strict

DIGITS = 5  # significant ones that a picture can show
Cell = float | str | None


class Axes(Strict, frozen=True, omit_defaults=True):
    """One pair of axes whose curves are drawn anew where scripts run; `level` is a line at a number of interest.

    `cloud` says that each replicate has a point of its own, so that no line leads from one to the next.
    """

    label: str = ""
    log: bool = False
    level: float | None = None
    level_label: str = ""
    top: float | None = None
    cloud: bool = False


class Mark(Strict, frozen=True, omit_defaults=True):
    """An upright line at `x`, and the arms in which it stands."""

    x: float
    label: str = ""
    arms: tuple[str, ...] = ()


class Points(Strict, frozen=True):
    """Points that belong together: `of` says of what they are, `values` holds a column of numbers or texts each."""

    of: tuple[str, ...]
    values: tuple[tuple[Cell, ...], ...]


class Chart(Strict, frozen=True, omit_defaults=True):
    """All points of a figure. `names` are those of what tells its series apart, `columns` those of their values.

    With `axes`, the first of `names` counts these from 1, and the columns are abscissa, middle and ends of the spread.
    `caption` is what stands below the figure where the replicates decide it, not the figure's specification alone.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    series: tuple[Points, ...]
    axes: tuple[Axes, ...] = ()
    marks: tuple[Mark, ...] = ()
    x_label: str = ""
    x_log: bool = False
    caption: str = ""


def cells(values: Iterable[object]) -> tuple[Cell, ...]:
    """A column: texts as they are, numbers to as many digits as a picture shows, None for what is no finite number."""
    return tuple(value if isinstance(value, str) else _rounded(value) for value in values)


def _rounded(value: object) -> Cell:
    try:
        number = float(value)  # type: ignore[arg-type]  # what is no number is no point
    except (TypeError, ValueError):
        return None
    if not math.isfinite(number):
        return None
    short = float(f"{number:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def encode(chart: Chart) -> bytes:
    """A chart as JSON."""
    return msgspec.json.encode(chart)


def decode(content: str) -> Chart:
    """The chart that JSON holds; msgspec.ValidationError when it is none."""
    return msgspec.json.decode(content, type=Chart)
