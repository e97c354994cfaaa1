"""Where a claim's number must lie: `must=below(0.0)`, `near(0.5, relative=0.03)`, `below_each(...)` and the like."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from keras_reprise.base.errors import RecipeError
from keras_reprise.record.expressions.grammar import Expression, Form, Operand, lifted


@dataclass(frozen=True)
class Bound(Mapping[str, float | None]):
    """The interval `low` to `high` (None: infinity) for a value, or for its difference from each of `others`.

    As a mapping it has the keys `above` and `below`.
    """

    low: float | None = None
    high: float | None = None
    others: tuple[Expression, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise RecipeError(
                f"A claim must lie between {self.low:g} and {self.high:g}, which nothing does.\nSwap or mend the ends."
            )

    def __getitem__(self, key: str) -> float | None:
        return {"above": self.low, "below": self.high}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("above", "below"))

    def __len__(self) -> int:
        return 2


def below(end: Operand) -> Bound:
    """Below a number, or below another value: `below(0.0)`, `below(last("constant", "train_loss"))`."""
    return Bound(high=0.0, others=(end,)) if isinstance(end, Form) else Bound(high=_number("below", end))


def above(end: Operand) -> Bound:
    """Above a number, or above another value."""
    return Bound(low=0.0, others=(end,)) if isinstance(end, Form) else Bound(low=_number("above", end))


def between(low: float, high: float) -> Bound:
    """Between two numbers."""
    return Bound(_number("between", low), _number("between", high))


def near(value: float, *, relative: float = 0.0, absolute: float = 0.0) -> Bound:
    """Within the larger of `absolute` and `relative` times the value, on either side of it."""
    middle = _number("near", value)
    half = max(_number("near", relative) * abs(middle), _number("near", absolute))
    return Bound(middle - half, middle + half)


def equal(value: float) -> Bound:
    """The number itself: of what is counted, or the same by definition."""
    return Bound(_number("equal", value), _number("equal", value))


def below_each(*others: Operand) -> Bound:
    """Below each of several values: a claim for each of them, all of which must hold.

    What is lower than the lowest of several is not told by it: the lowest of many is low by chance.
    """
    return Bound(high=0.0, others=_each("below_each", others))


def above_each(*others: Operand) -> Bound:
    """Above each of several values: a claim for each of them, all of which must hold."""
    return Bound(low=0.0, others=_each("above_each", others))


def _each(name: str, others: tuple[Operand, ...]) -> tuple[Any, ...]:
    if len(others) < 2:
        raise RecipeError(f"{name} takes two values or more, and has {len(others)}.\nUse {name[:5]}(...) for one.")
    return tuple(map(lifted, others))


def _number(name: str, value: object) -> float:
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise RecipeError(f"{name}({value!r}) names no end of an interval.\nGive a finite number.")
    return float(value)
