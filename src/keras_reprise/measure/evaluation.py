"""Numbers that a recipe's functions make of measured arms: claims' statistics, and what `summarise` gives.

What such a function asks of an arm that was not measured is no number, and nobody's mistake. Whatever else goes wrong
in it is its own, and said in a sentence; neither ends a run.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from keras_reprise.base.failures import described
from keras_reprise.base.slips import nearest_first
from keras_reprise.recipe.guard import attempt
from keras_reprise.record.fields import citable

if TYPE_CHECKING:
    from keras_reprise.recipe.claims import Claim
    from keras_reprise.recipe.numbers import ArmResult
    from keras_reprise.recipe.settings import Scale

Say = Callable[[str], None]
KINDS = {"metric": "metrics", "curve": "curves", "histogram": "histograms"}
SHORT = (IndexError, ValueError, ZeroDivisionError, StopIteration)  # what a curve that ends early leads to


class NotMeasured(KeyError):
    """A function asked for a number of an arm that failed or diverged before it was measured."""


class NotThere(KeyError):
    """A function asked for a name that no arm has; the text says which there are."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Answer:
    """The number that a function gave (nan: none), and why it is none;
    without a `fault` because an arm was not measured."""

    value: float
    fault: str = ""


T = TypeVar("T")


class _Named(dict[str, T]):
    """The metrics, curves or histograms of one arm."""

    def __init__(self, values: Mapping[str, T], result: "ArmResult", kind: str, arm: str, cut: set[str]) -> None:
        super().__init__(values)
        self.result, self.kind, self.arm, self.cut = result, kind, arm, cut

    def __getitem__(self, name: str) -> T:
        if self.result.status == "diverged" and self.kind == "curve":
            self.cut.add(self.arm)
        return super().__getitem__(name)

    def __missing__(self, name: str) -> NoReturn:
        status = self.result.status
        if status != "complete":
            raise NotMeasured(f"the arm {self.arm!r} {status} before its {self.kind} {name!r} was measured")
        other = next((kind for kind, many in KINDS.items() if name in getattr(self.result, many)), None)
        there = f"{name} is a {other} of it" if other else f"it has {', '.join(nearest_first(name, self)) or 'none'}"
        raise NotThere(f"the arm {self.arm!r} has no {self.kind} {name!r}; {there}")


class _Trials(list[T]):
    """The trials of an arm that is not complete: there may be fewer than the function counts on."""

    def __getitem__(self, index: Any) -> Any:  # of a list: a number gives an item, a slice a list
        try:
            return super().__getitem__(index)
        except IndexError:
            raise NotMeasured(f"trial {index} was not measured") from None


class Arms(dict[str, "ArmResult"]):
    """Measured arms as a statistic sees them; `cut` names those whose curves it read though they may end early."""

    def __init__(self, arms: "Mapping[str, ArmResult]") -> None:
        self.cut: set[str] = set()
        super().__init__({name: self._seen(name, arm) for name, arm in arms.items()})

    def _seen(self, name: str, arm: "ArmResult") -> "ArmResult":
        return replace(
            arm,
            metrics=_Named(arm.metrics, arm, "metric", name, self.cut),
            curves=_Named(arm.curves, arm, "curve", name, self.cut),
            histograms=_Named(arm.histograms, arm, "histogram", name, self.cut),
            trials=list(arm.trials) if arm.status == "complete" else _Trials(arm.trials),
        )

    def __missing__(self, name: str) -> "ArmResult":
        raise NotThere(f"there is no arm {name!r}; there are {', '.join(nearest_first(name, self))}")


def evaluated(
    claims: "Sequence[Claim]",
    arms: "Callable[[], Mapping[str, ArmResult]]",
    scale: "Scale",
    say: Say,
    file: Path | None = None,
    beside: AbstractContextManager[None] | None = None,
) -> dict[str, float]:
    """The number of every claim (nan: none), each from arms of its own; says which could not be evaluated, and why."""
    found = {}
    for claim in claims:
        assert claim.statistic is not None
        answer = asked(claim.statistic, arms(), scale, file, beside)
        found[claim.id] = answer.value
        if answer.fault:
            say(f"the claim {claim.id} could not be evaluated: {answer.fault}")
    return found


def summarised(
    function: Callable[..., object],
    arms: "Mapping[str, ArmResult]",
    scale: "Scale",
    say: Say,
    file: Path | None = None,
    beside: AbstractContextManager[None] | None = None,
) -> dict[str, float]:
    """The numbers that a recipe's `summarise(arms, scale)` gives by name (nan: none); says what is wrong with them."""
    from keras_reprise.measure.returned import InvalidMeasurement, number
    from keras_reprise.recipe.settings import copied

    seen = Arms(arms)

    def call() -> object:
        with beside or nullcontext():
            return function(seen, copied(scale))

    given, error = attempt(call)
    if error is not None:
        if fault := _fault(error, seen, file, "summarise"):
            say(f"summarise gave no numbers: {fault}")
        return {}
    if not isinstance(given, Mapping):
        say(f"summarise gave no numbers: it returned {type(given).__name__}; return a dict of names and numbers")
        return {}
    found = {}
    for name, value in given.items():
        try:
            if not isinstance(name, str) or not citable(name):
                raise InvalidMeasurement("no name that can be cited")
            found[name] = number(value)
        except InvalidMeasurement as fault:
            say(f"summarise gave no number for {name!r}: it is {fault}")
            if isinstance(name, str) and citable(name):
                found[name] = math.nan
    return found


def asked(
    statistic: Callable[..., object],
    arms: "Mapping[str, ArmResult]",
    scale: "Scale",
    file: Path | None = None,
    beside: AbstractContextManager[None] | None = None,
) -> Answer:
    """What `statistic(arms, scale)` gives.

    `file` is the recipe's, for the line in which it goes wrong; `beside` lets it import.
    """
    from keras_reprise.measure.returned import InvalidMeasurement, number
    from keras_reprise.recipe.settings import copied

    seen = Arms(arms)

    def call() -> float:
        with beside or nullcontext():
            return number(statistic(seen, copied(scale)))

    given, error = attempt(call)
    if isinstance(error, InvalidMeasurement):
        return Answer(math.nan, f"its statistic gave {error}")
    if error is not None:
        return Answer(math.nan, _fault(error, seen, file, "its statistic"))
    assert given is not None
    return Answer(given, "" if math.isfinite(given) else f"its statistic gave {given}")


def _fault(error: BaseException, arms: Arms, file: Path | None, who: str) -> str:
    """What went wrong in a function; empty where it asked for what was not measured."""
    if isinstance(error, NotMeasured):
        return ""
    if isinstance(error, NotThere):
        return str(error)
    said = described(error, file, who)
    what = said if said.startswith(who) else f"{type(error).__name__}: {said}"
    if arms.cut and isinstance(error, SHORT):
        return f"{what} (the curves of {', '.join(sorted(arms.cut))} end early, because the arm diverged)"
    return what
