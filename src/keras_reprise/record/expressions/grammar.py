"""The forms of which a claim's value is made: plain data, kept in the card, that reads what a record stores.

A value is one number or a short row of numbers (`values`): a curve, a column of trials, literals. Numbers stand for
themselves. Positions in a row count from 1, as epochs and layers do. What holds is 1, what does not is 0.
"""

import numbers
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeAlias, Union

import msgspec

from keras_reprise.base.errors import RecipeError
from keras_reprise.record.fields import LONGEST_NAME, Strict

MOST_LITERALS = 64

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
Literals = Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=MOST_LITERALS)]
Operand: TypeAlias = Any
"""What an operator takes beside a form: another one, a number, a row of numbers."""


class Form(Strict, frozen=True, omit_defaults=True, tag_field="form"):
    """One form. Operators make larger ones of it: `+ - * / **`, `< <= > >=`, `abs`, and `&` for both of two."""

    def __add__(self, other: Operand) -> "Form":
        return Arithmetic("+", self, lifted(other))

    def __radd__(self, other: Operand) -> "Form":
        return Arithmetic("+", lifted(other), self)

    def __sub__(self, other: Operand) -> "Form":
        return Arithmetic("-", self, lifted(other))

    def __rsub__(self, other: Operand) -> "Form":
        return Arithmetic("-", lifted(other), self)

    def __mul__(self, other: Operand) -> "Form":
        return Arithmetic("*", self, lifted(other))

    def __rmul__(self, other: Operand) -> "Form":
        return Arithmetic("*", lifted(other), self)

    def __truediv__(self, other: Operand) -> "Form":
        return Arithmetic("/", self, lifted(other))

    def __rtruediv__(self, other: Operand) -> "Form":
        return Arithmetic("/", lifted(other), self)

    def __pow__(self, other: Operand) -> "Form":
        return Arithmetic("**", self, lifted(other))

    def __rpow__(self, other: Operand) -> "Form":
        return Arithmetic("**", lifted(other), self)

    def __neg__(self) -> "Form":
        return Arithmetic("-", 0.0, self)

    def __abs__(self) -> "Form":
        return Applied("abs", self)

    def __lt__(self, other: Operand) -> "Form":
        return Compared("<", self, lifted(other))

    def __le__(self, other: Operand) -> "Form":
        return Compared("<=", self, lifted(other))

    def __gt__(self, other: Operand) -> "Form":
        return Compared(">", self, lifted(other))

    def __ge__(self, other: Operand) -> "Form":
        return Compared(">=", self, lifted(other))

    def __and__(self, other: Operand) -> "Form":
        return Both(self, lifted(other))

    def __bool__(self) -> NoReturn:
        raise RecipeError(
            "A claim's value is not known while the recipe is written, so it is neither true nor false.\n"
            "Write (a < b) & (b < c) instead of a < b < c or `and`; conditions go into given= or keep(...)."
        )

    def __iter__(self) -> NoReturn:
        raise RecipeError(
            "A claim's value is not known while the recipe is written, so it has no items yet.\n"
            "Write minimum(x), maximum(x), total(x), at(x, 3) of keras_reprise; those of Python need the numbers."
        )

    def __float__(self) -> NoReturn:
        raise RecipeError(
            "A claim's value is not known while the recipe is written, so it is no number yet.\n"
            "Write log(x) of keras_reprise, not that of math or NumPy."
        )

    __array_ufunc__ = None  # so that NumPy leaves `array - curve(...)` to the curve


class MetricOf(Form, frozen=True, tag="metric"):
    """A metric of an arm."""

    arm: Name
    name: Name


class CurveOf(Form, frozen=True, tag="curve"):
    """The values of a curve of an arm."""

    arm: Name
    name: Name


class ColumnOf(Form, frozen=True, tag="column"):
    """A number for each trial of an arm: its entry of this name, `default` where it has none (None: no number)."""

    arm: Name
    name: Name
    default: float | None = None


class TextIs(Form, frozen=True, tag="text-is"):
    """For each trial of an arm, whether its entry of this name is this text."""

    arm: Name
    name: Name
    text: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]


class NumberOf(Form, frozen=True, tag="number"):
    """What `summarise` gave under this name."""

    name: Name


class SettingOf(Form, frozen=True, tag="setting"):
    """A setting of the scale, `default` in a scale that has none of this name."""

    name: Name
    default: float | None = None


class Several(Form, frozen=True, tag="several"):
    """Several numbers in a row."""

    of: Annotated[tuple["Expression", ...], msgspec.Meta(min_length=1, max_length=MOST_LITERALS)]


class Arithmetic(Form, frozen=True, tag="arithmetic"):
    """Two numbers, two rows of one length, or a row and a number for all of it."""

    sign: Literal["+", "-", "*", "/", "**"]
    left: "Expression"
    right: "Expression"


class Compared(Form, frozen=True, tag="compared"):
    """Whether the comparison holds: 1, else 0."""

    sign: Literal["<", "<=", ">", ">=", "="]
    left: "Expression"
    right: "Expression"


class Both(Form, frozen=True, tag="both"):
    """Whether both hold; they do not where one does not, even if of the other nothing is known."""

    left: "Expression"
    right: "Expression"


class Applied(Form, frozen=True, tag="applied"):
    """A function of a number, or of each of a row."""

    function: Literal["log", "exp", "abs", "is-finite"]
    to: "Expression"


class Window(Form, frozen=True, tag="window"):
    """A part of a row: the positions after `after` (or from `since` on), up to `before`, of these `width` many.

    With `after` or `since`, the first `width`; else the last. A row too short for the window has none.
    """

    of: "Expression"
    after: "Expression | None" = None
    since: "Expression | None" = None
    before: "Expression | None" = None
    width: "Expression | None" = None


class At(Form, frozen=True, tag="at"):
    """The number at a position of a row."""

    of: "Expression"
    position: "Expression"


class Kept(Form, frozen=True, tag="kept"):
    """Those of a row for which a condition holds."""

    of: "Expression"
    where: "Expression"


class Nearest(Form, frozen=True, tag="nearest"):
    """The position of the first of those numbers of a row that are nearest to a number."""

    of: "Expression"
    to: "Expression"


Reduction = Literal[
    "first", "last", "mean", "median", "total", "minimum", "maximum", "count", "argmin", "argmax", "distinct"
]


class Reduced(Form, frozen=True, tag="reduced"):
    """One number of a row. `count` of a condition is how often it holds; `argmin` is a position."""

    by: Reduction
    of: "Expression"


class Related(Form, frozen=True, tag="related"):
    """Spearman's rank correlation of two rows, or the slope of the least-squares line of the first over the
    second.

    Without `over` the second are the positions.
    """

    by: Literal["rank-correlation", "slope"]
    of: "Expression"
    over: "Expression | None" = None


if TYPE_CHECKING:
    Expression: TypeAlias = float | tuple[float, ...] | Form
else:  # what a card may hold, strictly
    Expression = Union[  # noqa: UP007
        float,
        Literals,
        MetricOf,
        CurveOf,
        ColumnOf,
        TextIs,
        NumberOf,
        SettingOf,
        Several,
        Arithmetic,
        Compared,
        Both,
        Applied,
        Window,
        At,
        Kept,
        Nearest,
        Reduced,
        Related,
    ]


def lifted(value: Operand) -> Any:
    """A form, a number or a row of numbers as it stands in a form; RecipeError for anything else."""
    if isinstance(value, Form):
        return value
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return float(value)
    if hasattr(value, "tolist"):  # of NumPy
        return lifted(value.tolist())
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | dict):
        items = [lifted(one) for one in value]
        if items and all(isinstance(one, float) for one in items):
            return tuple(items)
        if items and all(isinstance(one, float | Form) for one in items):
            return Several(tuple(items))
    raise RecipeError(
        f"A claim's value holds {value!r}, which is none of its forms.\n"
        "It is made of numbers, metric(arm, name), curve(arm, name) and the other forms of docs/claims.md."
    )
