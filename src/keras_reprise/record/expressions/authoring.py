"""The words with which a recipe writes a claim's value; see docs/claims.md."""

from typing import Any

from keras_reprise.base.errors import RecipeError
from keras_reprise.record.expressions import grammar
from keras_reprise.record.expressions.grammar import Form, Operand, lifted


def metric(arm: str, name: str) -> Form:
    """A metric of an arm."""
    return grammar.MetricOf(arm, name)


def curve(arm: str, name: str) -> Form:
    """The values of a curve of an arm: one for each epoch (or layer, or setting)."""
    return grammar.CurveOf(arm, name)


def column(arm: str, name: str, default: float | None = None) -> Form:
    """The entry `name` of each trial of an arm; `default` where a trial has none."""
    return grammar.ColumnOf(arm, name, None if default is None else float(default))


def number(name: str) -> Form:
    """What the recipe's `summarise` gives under this name."""
    return grammar.NumberOf(name)


def setting(name: str, default: float | None = None) -> Form:
    """A setting of the scale: `setting("drop")`; `default` in a scale without it."""
    return grammar.SettingOf(name, None if default is None else float(default))


def _end(value: Operand) -> Any:
    """The end of a window: a position, the name of a setting of the scale, or a form."""
    return None if value is None else setting(value) if isinstance(value, str) else lifted(value)


def window(
    of: Operand, *, after: Operand = None, since: Operand = None, before: Operand = None, width: Operand = None
) -> Form:
    """The positions after `after` (or from `since` on) up to `before`, of these the first `width`.

    Without `after` and `since` the last `width`. Each is a number, a form, or the name of a setting of the scale.
    """
    return grammar.Window(lifted(of), _end(after), _end(since), _end(before), _end(width))


def _row(what: str, of: tuple[Operand, ...], ends: dict[str, Operand]) -> Any:
    """What a reduction takes: a row, an arm and a curve of it, or several numbers; a window of it."""
    if len(of) == 2 and all(isinstance(one, str) for one in of):
        row: Any = curve(*of)
    elif len(of) == 1 and not isinstance(of[0], str):
        row = lifted(of[0])
    elif len(of) > 1 and not any(isinstance(one, str) for one in of):
        row = grammar.Several(tuple(lifted(one) for one in of))
    else:
        shown = ", ".join(map(repr, of))
        raise RecipeError(
            f"{what}({shown}) names no row of numbers.\n"
            f'Write {what}("arm", "curve"), {what}(column("arm", "entry")), or several numbers: {what}(a, b).'
        )
    return window(row, **ends) if any(end is not None for end in ends.values()) else row


def _reduced(by: grammar.Reduction, of: tuple[Operand, ...], **ends: Operand) -> Form:
    return grammar.Reduced(by, _row(by, of, ends))


def first(*of: Operand) -> Form:
    """The first of a row: `first("drop", "train_loss")`, or of any other row."""
    return _reduced("first", of)


def last(*of: Operand) -> Form:
    """The last of a row: `last("drop", "train_loss")`, or of any other row."""
    return _reduced("last", of)


def at(of: Operand, position: Operand) -> Form:
    """The number at a position of a row, from 1: `at(curve("low", "cost"), 3)`, as the name of a setting too."""
    if isinstance(of, str):
        raise RecipeError(f"at takes a row and a position, not {of!r}.\nWrite at(curve(arm, name), 3).")
    return grammar.At(lifted(of), _end(position))


def mean(
    *of: Operand, after: Operand = None, since: Operand = None, before: Operand = None, width: Operand = None
) -> Form:
    """The mean of a row, of a window of it, or of several numbers."""
    return _reduced("mean", of, after=after, since=since, before=before, width=width)


def median(
    *of: Operand, after: Operand = None, since: Operand = None, before: Operand = None, width: Operand = None
) -> Form:
    """The median of a row, of a window of it, or of several numbers."""
    return _reduced("median", of, after=after, since=since, before=before, width=width)


def total(
    *of: Operand, after: Operand = None, since: Operand = None, before: Operand = None, width: Operand = None
) -> Form:
    """The sum of a row, of a window of it, or of several numbers."""
    return _reduced("total", of, after=after, since=since, before=before, width=width)


def minimum(
    *of: Operand, after: Operand = None, since: Operand = None, before: Operand = None, width: Operand = None
) -> Form:
    """The lowest of a row, of a window of it, or of several numbers."""
    return _reduced("minimum", of, after=after, since=since, before=before, width=width)


def maximum(
    *of: Operand, after: Operand = None, since: Operand = None, before: Operand = None, width: Operand = None
) -> Form:
    """The highest of a row, of a window of it, or of several numbers."""
    return _reduced("maximum", of, after=after, since=since, before=before, width=width)


def count(
    *of: Operand, after: Operand = None, since: Operand = None, before: Operand = None, width: Operand = None
) -> Form:
    """How many numbers a row has, or how often a condition holds: `count(column("fine", "accuracy") > 0.5)`."""
    return _reduced("count", of, after=after, since=since, before=before, width=width)


def argmin(*of: Operand) -> Form:
    """The position of the lowest of a row, of equals the first."""
    return _reduced("argmin", of)


def argmax(*of: Operand) -> Form:
    """The position of the highest of a row, of equals the first."""
    return _reduced("argmax", of)


def distinct(*of: Operand) -> Form:
    """How many different numbers a row has."""
    return _reduced("distinct", of)


def nearest(of: Operand, to: Operand) -> Form:
    """The position of the number of a row that is nearest to `to`: `at(quantiles, nearest(listed_epochs, 25))`."""
    return grammar.Nearest(lifted(of), _end(to))


def keep(of: Operand, where: Operand) -> Form:
    """Those of a row for which a condition holds: `keep(column("a", "accuracy"), column("a", "reg") > 1e3)`."""
    return grammar.Kept(lifted(of), lifted(where))


def finite(of: Operand, where: Operand = None) -> Form:
    """The finite numbers of a row; with `where`, those at the places where that row is finite."""
    return grammar.Kept(lifted(of), grammar.Applied("is-finite", lifted(of if where is None else where)))


def same(left: Operand, right: Operand) -> Form:
    """Whether two numbers, or those of rows, are equal; or the entries of trials a text: `same(column(...), "he")`."""
    if isinstance(right, str):
        if not isinstance(left, grammar.ColumnOf):
            raise RecipeError(
                f"same compares with the text {right!r} what is no column of trials.\n"
                'Write same(column("arm", "entry"), "text").'
            )
        return grammar.TextIs(left.arm, left.name, right)
    return grammar.Compared("=", lifted(left), lifted(right))


def rank_correlation(of: Operand, over: Operand = None) -> Form:
    """Spearman's rank correlation of two rows; of one row with its positions."""
    return grammar.Related("rank-correlation", lifted(of), None if over is None else lifted(over))


def slope(of: Operand, over: Operand = None) -> Form:
    """The slope of the least-squares line of a row over another one, or over its positions."""
    return grammar.Related("slope", lifted(of), None if over is None else lifted(over))


def log(of: Operand) -> Form:
    """The natural logarithm of a number, or of each of a row."""
    return grammar.Applied("log", lifted(of))


def exp(of: Operand) -> Form:
    """The exponential of a number, or of each of a row."""
    return grammar.Applied("exp", lifted(of))
