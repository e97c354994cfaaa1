"""The number that an expression has for one record, worked out from the arms it stores. No record makes it raise.

Where something is not there (an arm, a metric, the epochs of a window) there is no number: nan; and what is made of nan
is nan. The work is bounded: rows are as long as what the record stores, and all values of one record together look at
`MOST_WORK` numbers at most.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from keras_reprise.record.expressions import grammar
from keras_reprise.record.expressions.checking import is_condition
from keras_reprise.record.expressions.grammar import Expression
from keras_reprise.record.expressions.rows import (
    COMPARISONS,
    FUNCTIONS,
    REDUCTIONS,
    SIGNS,
    Row,
    argmin,
    correlation,
    ranks,
    slope,
    total,
)

Value = float | Row

MOST_WORK = 4_000_000


class _NotThere(Exception):
    """What an expression reads is not there, or the record asks for more work than is done for one."""


class Stored:
    """What a record stores, as expressions read it.

    `arms` are those of a record (`ArmData`) or plain ones, non-finite numbers in words; `numbers` are what `summarise`
    gave; `settings` those of the scale.
    """

    def __init__(
        self,
        arms: Mapping[str, Any],
        numbers: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.arms, self.numbers, self.settings = arms, numbers or {}, settings or {}
        self.rows: dict[tuple[str, str], Row] = {}
        self.work = 0

    def part(self, arm: str, part: str) -> Any:
        """The metrics, curves or trials of an arm."""
        if (found := self.arms.get(arm)) is None:
            raise _NotThere
        return found[part] if isinstance(found, Mapping) else getattr(found, part)

    def curve(self, arm: str, name: str) -> Row:
        """The values of a curve, read once."""
        if (arm, name) not in self.rows:
            values = self.part(arm, "curves").get(name)
            if values is None:
                raise _NotThere
            self.rows[arm, name] = self.counted([_number(value) for value in values])
        return self.rows[arm, name]

    def counted(self, row: Row) -> Row:
        """The row, its length counted as work."""
        self.work += len(row) + 1
        if self.work > MOST_WORK:
            raise _NotThere
        return row


def evaluate(
    expression: Expression,
    arms: Mapping[str, Any],
    numbers: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> float:
    """The number that `expression` has for a record with these arms; nan where it has none."""
    return value_of(expression, Stored(arms, numbers, settings))


def value_of(expression: Expression, stored: Stored) -> float:
    """The same, of what is read for several expressions."""
    try:
        found = _value(expression, stored)
    except (_NotThere, OverflowError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return math.nan  # most of them for stored values of another kind than any recipe writes
    return found if isinstance(found, float) else math.nan


def statistic(value: Expression, given: Expression | None, stored: Stored) -> float | None:
    """A claim's number for a record: nan where there is none, None where its premise does not hold."""
    if given is not None:
        premise = value_of(given, stored)
        if premise == 0:
            return None
        if math.isnan(premise):
            return math.nan
    return value_of(value, stored)


def _number(value: object) -> float:
    """A stored number; nan where it is none."""
    if isinstance(value, float | int) or (isinstance(value, str) and value in ("inf", "-inf")):
        try:
            return float(value)
        except OverflowError:
            return math.nan
    return math.nan


def _value(expression: Expression, stored: Stored) -> Value:
    if isinstance(expression, grammar.Form):
        return _FORMS[type(expression)](expression, stored)
    return list(expression) if isinstance(expression, tuple) else float(expression)


def _row(expression: Expression, stored: Stored) -> Row:
    found = _value(expression, stored)
    return found if isinstance(found, list) else [found]


def _scalar(expression: Expression, stored: Stored) -> float:
    found = _value(expression, stored)
    if isinstance(found, list):
        raise _NotThere
    return found


def _position(expression: Expression, stored: Stored) -> int:
    """A whole number."""
    found = _scalar(expression, stored)
    if not math.isfinite(found) or found != int(found):
        raise _NotThere
    return int(found)


def _metric(form: grammar.MetricOf, stored: Stored) -> Value:
    return _number(stored.part(form.arm, "metrics").get(form.name))


def _curve(form: grammar.CurveOf, stored: Stored) -> Value:
    return stored.curve(form.arm, form.name)


def _column(form: grammar.ColumnOf, stored: Stored) -> Value:
    default = math.nan if form.default is None else form.default
    trials = stored.part(form.arm, "trials")
    return stored.counted([_number(trial[form.name]) if form.name in trial else default for trial in trials])


def _text_is(form: grammar.TextIs, stored: Stored) -> Value:
    trials = stored.part(form.arm, "trials")
    return stored.counted([float(trial.get(form.name) == form.text) for trial in trials])


def _number_of(form: grammar.NumberOf, stored: Stored) -> Value:
    return _number(stored.numbers.get(form.name))


def _setting(form: grammar.SettingOf, stored: Stored) -> Value:
    return _number(stored.settings.get(form.name, form.default))


def _several(form: grammar.Several, stored: Stored) -> Value:
    return [_scalar(one, stored) for one in form.of]


def _each(function: Callable[[float, float], float], left: Expression, right: Expression, stored: Stored) -> Value:
    """A function of two numbers, of two rows of one length, or of a row and a number."""
    a, b = _value(left, stored), _value(right, stored)
    if isinstance(a, list):
        if isinstance(b, list):
            if len(a) != len(b):
                raise _NotThere
            return stored.counted([function(x, y) for x, y in zip(a, b, strict=True)])
        return stored.counted([function(x, b) for x in a])
    return stored.counted([function(a, y) for y in b]) if isinstance(b, list) else function(a, b)


def _arithmetic(form: grammar.Arithmetic, stored: Stored) -> Value:
    return _each(SIGNS[form.sign], form.left, form.right, stored)


def _compared(form: grammar.Compared, stored: Stored) -> Value:
    holds = COMPARISONS[form.sign]
    return _each(
        lambda x, y: math.nan if math.isnan(x) or math.isnan(y) else float(holds(x, y)), form.left, form.right, stored
    )


def _both(form: grammar.Both, stored: Stored) -> Value:
    return _each(_both_hold, form.left, form.right, stored)


def _both_hold(x: float, y: float) -> float:
    """0 where one of them does not hold, even if of the other nothing is known."""
    return 0.0 if x == 0 or y == 0 else math.nan if math.isnan(x) or math.isnan(y) else 1.0


def _applied(form: grammar.Applied, stored: Stored) -> Value:
    function, value = FUNCTIONS[form.function], _value(form.to, stored)
    return stored.counted([function(x) for x in value]) if isinstance(value, list) else function(value)


def _window(form: grammar.Window, stored: Stored) -> Value:
    row = _row(form.of, stored)
    start, end = 0, len(row)
    if form.after is not None:
        start = _position(form.after, stored)
    if form.since is not None:
        start = _position(form.since, stored) - 1
    if form.before is not None:
        end = _position(form.before, stored)
    if form.width is not None:
        width = _position(form.width, stored)
        if form.after is None and form.since is None:
            start = end - width
        elif form.before is None:
            end = start + width
        elif end - start < width:
            raise _NotThere
        else:
            end = start + width
    if not 0 <= start <= end <= len(row):
        raise _NotThere
    return stored.counted(row[start:end])


def _at(form: grammar.At, stored: Stored) -> Value:
    row, position = _row(form.of, stored), _position(form.position, stored)
    if not 1 <= position <= len(row):
        raise _NotThere
    return row[position - 1]


def _kept(form: grammar.Kept, stored: Stored) -> Value:
    row, where = _row(form.of, stored), _row(form.where, stored)
    if len(row) != len(where) or any(map(math.isnan, where)):
        raise _NotThere
    return stored.counted([x for x, holds in zip(row, where, strict=True) if holds])


def _nearest(form: grammar.Nearest, stored: Stored) -> Value:
    row, to = _row(form.of, stored), _scalar(form.to, stored)
    return argmin([abs(x - to) for x in row]) if row else math.nan


def _reduced(form: grammar.Reduced, stored: Stored) -> Value:
    row = _row(form.of, stored)
    stored.counted(row)
    if form.by == "count":
        return float(sum(row)) if is_condition(form.of) else float(len(row))
    if form.by == "total":
        return total(row)
    return REDUCTIONS[form.by](row) if row else math.nan


def _related(form: grammar.Related, stored: Stored) -> Value:
    row = _row(form.of, stored)
    over = [float(place) for place in range(1, len(row) + 1)] if form.over is None else _row(form.over, stored)
    stored.counted(row)
    stored.counted(over)
    if len(row) != len(over) or len(row) < 2 or any(map(math.isnan, (*row, *over))):
        return math.nan
    return slope(over, row) if form.by == "slope" else correlation(ranks(over), ranks(row))


_FORMS: dict[type[grammar.Form], Callable[[Any, Stored], Value]] = {
    grammar.MetricOf: _metric,
    grammar.CurveOf: _curve,
    grammar.ColumnOf: _column,
    grammar.TextIs: _text_is,
    grammar.NumberOf: _number_of,
    grammar.SettingOf: _setting,
    grammar.Several: _several,
    grammar.Arithmetic: _arithmetic,
    grammar.Compared: _compared,
    grammar.Both: _both,
    grammar.Applied: _applied,
    grammar.Window: _window,
    grammar.At: _at,
    grammar.Kept: _kept,
    grammar.Nearest: _nearest,
    grammar.Reduced: _reduced,
    grammar.Related: _related,
}
"""How each form is evaluated."""
