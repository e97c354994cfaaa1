"""What `measure` returned, checked, and in the form in which records store it.

Every fault is a sentence: which number of which name is what it should not be, and what to write instead.
"""

import itertools
import math
import numbers
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, SupportsFloat, cast

import numpy as np

from keras_reprise.base.failures import shortened
from keras_reprise.recipe.numbers import Measurement
from keras_reprise.recipe.settings import plain
from keras_reprise.record.encoding import encode_curve, encode_number, encode_trial, pretty
from keras_reprise.record.fields import LONGEST_NAME, NAMES, citable
from keras_reprise.record.histogram import Histogram
from keras_reprise.record.schema import MAX_RECORD_BYTES

LONGEST_TEXT = 1000


class InvalidMeasurement(Exception):
    """`measure` returned what no record can hold; the text says what, and what to write instead."""


def encoded(found: object, *, diverged: bool = False) -> dict[str, object]:
    """The numbers of a measurement as a record stores them, and whether it `diverged`; InvalidMeasurement with a
    sentence.

    `diverged` tells that a training of the arm did: then its curves may be empty.
    """
    if not isinstance(found, Measurement):
        raise InvalidMeasurement(_instead(found))
    diverged = _truth(found.diverged) or diverged
    metrics = _mapping("metrics", found.metrics)
    for name in metrics:
        if not isinstance(name, str) or not citable(name):
            raise InvalidMeasurement(
                f"the metric {_shown(name)} could not be cited: names of metrics are {NAMES}; rename it"
            )
    return {
        "diverged": diverged,
        "metrics": {name: encode_number(_number(f"the metric {name!r}", value)) for name, value in metrics.items()},
        "curves": {
            name: _curve(name, values, may_be_empty=diverged)
            for name, values in _labelled("curve", found.curves).items()
        },
        "histograms": {name: _histogram(name, one) for name, one in _labelled("histogram", found.histograms).items()},
        "trials": [trial(one, number) for number, one in enumerate(_trials(found.trials), start=1)],
    }


def number(value: object) -> float:
    """The one number that `value` is (of Python, NumPy or a backend); InvalidMeasurement says what it is instead."""
    if isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
        return _float(value)
    if isinstance(value, Decimal | numbers.Real):
        return _float(value)
    if isinstance(value, str | bytes):
        raise InvalidMeasurement(f"{_text(value)}, not a number")
    if value is None:
        raise InvalidMeasurement("None, not a number")
    if isinstance(value, complex | np.complexfloating):
        raise InvalidMeasurement(f"the complex number {value}; take its real part or its absolute value")
    if callable(value) and not hasattr(value, "__array__"):
        take = "take its .result()" if hasattr(value, "result") else "call it"
        name = getattr(value, "__name__", type(value).__name__)
        raise InvalidMeasurement(f"{name}, which can be called, not a number; {take}")
    array = _array(value)
    if array is None or array.dtype.kind not in "biuf":
        raise InvalidMeasurement(f"{_kind(value)}, not a number")
    if array.ndim:
        hint = "take its one value with .item()" if array.size == 1 else "take one value of it, or its mean"
        raise InvalidMeasurement(f"an array of shape {array.shape}, not a number; {hint}")
    return _float(array.item())


def trial(values: object, position: int) -> dict[str, object]:
    """One trial (from 1) as records store it: numbers, text, True, False, None, and lists of these."""
    if not isinstance(values, Mapping):
        raise InvalidMeasurement(
            f"trial {position} is {_kind(values)}; trials are mappings of names to numbers or text"
        )
    found = {}
    for name, value in values.items():
        if not isinstance(name, str) or not _printable(name):
            raise InvalidMeasurement(f"trial {position} has the name {_shown(name)}; names are text")
        found[name] = _item(value, f"{name!r} of trial {position}", nested=False)
    return encode_trial(found)


def too_big(name: str, arm: Mapping[str, object]) -> str:
    """Why the numbers of an arm do not fit into a record, naming the biggest of them; empty where they fit."""
    kinds = ("metrics", "curves", "histograms", "trials")
    if len(pretty({"arms": {name: {kind: arm[kind] for kind in kinds}}})) <= MAX_RECORD_BYTES:
        return ""
    return biggest(arm)


def biggest(arm: Mapping[str, object]) -> str:
    """A sentence on what takes most of an arm's place in a record."""
    parts = {
        f"the {kind} {part!r}": len(pretty({part: value}))
        for kind, of in (("curve", "curves"), ("histogram", "histograms"))
        for part, value in cast("dict[str, object]", arm[of]).items()
    }
    parts["its trials"] = len(pretty({"trials": arm["trials"]}))
    parts["its metrics"] = len(pretty(cast("dict[str, object]", arm["metrics"])))
    most = max(parts, key=lambda part: parts[part])
    return _too_big(most, parts[most])


def _too_big(what: str, size: int) -> str:
    return (
        f"{what} alone takes {size / 2**20:.1f} MiB, and a record is at most {MAX_RECORD_BYTES / 2**20:.0f} MiB; "
        "store fewer or coarser values"
    )


def _instead(found: object) -> str:
    """What `measure` returned in place of a Measurement, and what to write."""
    write = "return Measurement(metrics={...})"
    if found is None:
        return f"measure returned nothing (None); end it with `{write}`"
    if isinstance(found, type):
        return f"measure returned the class {found.__name__} itself; `{write}`"
    if isinstance(found, Mapping):
        return f"measure returned {_kind(found)}; wrap it: `return Measurement(metrics=...)`"
    if type(found).__name__ == "History":
        return (
            "measure returned the history of a training; "
            "`return Measurement(metrics=history.last, curves=history.curves)`"
        )
    if hasattr(found, "close") and hasattr(found, "send"):
        found.close()  # a generator, or a coroutine that nobody awaits
        return (
            f"measure is no plain function: calling it gives {_kind(found)}; "
            f"write it without yield and async, and `{write}`"
        )
    return f"measure returned {_kind(found)}; `{write}`"


def _mapping(what: str, found: object) -> dict[object, object]:
    if not isinstance(found, Mapping):
        raise InvalidMeasurement(f"{what}= of the Measurement is {_kind(found)}; it maps names to numbers")
    return dict(found)


def _labelled(what: str, found: object) -> dict[str, object]:
    """Curves or histograms by name, which stand in figures and tables: any text of one line."""
    labelled: dict[str, object] = {}
    for name, values in _mapping({"curve": "curves", "histogram": "histograms"}[what], found).items():
        if not isinstance(name, str) or not _printable(name):
            raise InvalidMeasurement(
                f"a {what} has the name {_shown(name)}; names are printable text of up to 100 characters"
            )
        labelled[name] = values
    return labelled


def _printable(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and bool(name.strip())


def _number(what: str, value: object) -> float:
    try:
        return number(value)
    except InvalidMeasurement as fault:
        raise InvalidMeasurement(f"{what} is {fault}") from None


def _truth(value: object) -> bool:
    try:
        return bool(number(value))
    except InvalidMeasurement as fault:
        raise InvalidMeasurement(f"diverged= of the Measurement is {fault}") from None


def _float(value: SupportsFloat) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError) as error:
        raise InvalidMeasurement("a number that no float can hold") from error


def _array(value: Any) -> np.ndarray | None:
    """A value of NumPy or of a backend as an array; None where it is none."""
    if not (hasattr(value, "__array__") or hasattr(value, "__array_interface__")):
        return None
    try:
        if hasattr(value, "detach"):  # of torch, which gives NumPy no bfloat16
            value = value.detach().cpu()
            value = value.double() if value.is_floating_point() else value
        array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
        return array.astype(np.float64) if array.dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2") else array
    except Exception:  # symbolic, or on a device that is gone
        return None


def _curve(name: str, values: object, *, may_be_empty: bool) -> list[float | str]:
    what = f"the curve {name!r}"
    array = _array(values)
    if isinstance(values, str | bytes | Mapping | set | frozenset) or (
        array is None and not isinstance(values, Iterable)
    ):
        raise InvalidMeasurement(
            f"{what} is {_text(values) if isinstance(values, str | bytes) else _kind(values)}; "
            "a curve is a list of numbers"
        )
    if array is not None and array.ndim != 1:
        raise InvalidMeasurement(
            f"{what} is an array of shape {array.shape}; a curve has one axis, a number for each epoch"
        )
    most = MAX_RECORD_BYTES // 4  # more do not fit into a record, however short they are
    if array is not None and array.dtype.kind in "biuf" and array.size <= most:
        values = array.tolist()
    items: list[object] = list(itertools.islice(cast("Iterable[object]", values), most + 1))
    if len(items) > most:
        size = f"{len(values):,}" if hasattr(values, "__len__") else f"more than {most:,}"
        raise InvalidMeasurement(f"{what} has {size} values, and a record is at most 1 MiB; store fewer")
    if not items and not may_be_empty:
        raise InvalidMeasurement(f"{what} is empty; leave it out, or give it a value for each epoch")
    return encode_curve([_number(f"value {position} of {what}", one) for position, one in enumerate(items, start=1)])


def _histogram(name: str, found: object) -> dict[str, object]:
    if not isinstance(found, Histogram):
        raise InvalidMeasurement(
            f"the histogram {name!r} is {_kind(found)}; write Histogram.of(values, low, high, bins)"
        )
    lo, hi = (_number(f"{end} of the histogram {name!r}", getattr(found, end)) for end in ("lo", "hi"))
    try:
        counts = [int(count) for count in found.counts]
        below, above = int(found.below), int(found.above)
    except (TypeError, ValueError, OverflowError):
        raise InvalidMeasurement(f"the histogram {name!r} has counts that are no whole numbers") from None
    if not (math.isfinite(lo) and math.isfinite(hi) and lo < hi):
        raise InvalidMeasurement(
            f"the histogram {name!r} reaches from {lo} to {hi}; its ends are finite, the lower one first"
        )
    return {"lo": lo, "hi": hi, "counts": counts, "below": below, "above": above}


def _trials(found: object) -> list[object]:
    if isinstance(found, str | bytes | Mapping) or not isinstance(found, Iterable):
        raise InvalidMeasurement(f"trials= of the Measurement is {_kind(found)}; it is a list of mappings")
    trials = list(itertools.islice(found, MAX_RECORD_BYTES // 4 + 1))
    if len(trials) > MAX_RECORD_BYTES // 4:
        raise InvalidMeasurement(_too_big("the list of trials", 4 * len(trials)))
    return trials


def _item(value: object, what: str, *, nested: bool) -> object:
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise InvalidMeasurement(f"{what} is a text of {len(value):,} characters; at most {LONGEST_TEXT:,}")
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, np.bool_ | np.integer):
        return value.item()
    array = _array(value)
    if isinstance(value, list | tuple) or (array is not None and array.ndim == 1 and array.dtype.kind in "biufU"):
        if nested:
            raise InvalidMeasurement(f"{what} is a list of lists; trials hold numbers, text, and lists of these")
        items = cast("Iterable[object]", value)
        return [_item(plain(one), f"an item of {what}", nested=True) for one in items]
    return _number(what, value)


_KINDS: tuple[tuple[Callable[[object], bool], str], ...] = (
    (lambda value: value is None, "None"),
    (lambda value: isinstance(value, type), "a class"),
    (lambda value: isinstance(value, str), "text"),
)


def _kind(value: object) -> str:
    for holds, kind in _KINDS:
        if holds(value):
            return kind
    array = _array(value)
    if array is not None and isinstance(value, np.ndarray):
        return f"an array of shape {array.shape}" + (" of text" if array.dtype.kind in "US" else "")
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _text(value: str | bytes) -> str:
    shown = f"the text {_shown(value)}"
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d[\d.]*,\d+\s*", value):
        return f"{shown} (a comma is no decimal point: read it with decimal=',' or replace the comma)"
    return shown


def _shown(value: object) -> str:
    """A value in messages."""
    try:
        return shortened(repr(value), 60)
    except Exception:  # the recipe's own class, whose __repr__ fails
        return f"a {type(value).__name__}"
