"""A claim: one number per replicate and the interval in which that number must lie."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real

from keras_reprise.base.errors import RecipeError
from keras_reprise.recipe.checks import require_parameters
from keras_reprise.recipe.numbers import ArmResult
from keras_reprise.recipe.settings import SLUG, Scale

Statistic = Callable[[Mapping[str, ArmResult], Scale], float]

EXPECTATIONS = ("MATH", "VERIFIED-HERE", "LIKELY", "HW", "MIXED", "FALSE-AS-STATED", "SEED-ERRATUM")


@dataclass(frozen=True)
class Claim:
    """One documented sentence, as a number that every replicate gives and an interval for it.

    `statistic(arms, scale)` reads only what the record stores and returns one number in `unit`; its docstring's first
    line says in words what it is, unless `measures` does. The interval is `above` (lower end, None for
    -infinity) to `below` (upper end, None for +infinity). `where` is the place in the document.

    `log` judges a positive quantity (seconds, ratios, counts) on its logarithm. `proportion` marks a statistic of
    0 or 1 per replicate whose *share* must lie in the interval. `exact` marks plain arithmetic: one replicate decides.
    `printed` is the document's own number, and `erratum` says where the document is wrong and with what evidence.
    """

    id: str
    says: str
    where: str
    statistic: Statistic
    unit: str = ""
    above: float | None = None
    below: float | None = None
    measures: str = ""
    exact: bool = False
    log: bool = False
    proportion: bool = False
    expectation: str = "LIKELY"
    printed: float | None = None
    erratum: str | None = None

    def __post_init__(self) -> None:
        require_parameters(f"The statistic of the claim {self.id!r}", self.statistic, "arms", "scale")
        if not isinstance(self.id, str) or not SLUG.fullmatch(self.id):
            raise RecipeError(f"The claim {self.id!r} is not lower-case words joined by hyphens.\nGive it such an id.")
        for end in (self.above, self.below, self.printed):
            if not isinstance(end, Real | None):
                raise RecipeError(
                    f"Claim {self.id!r} has {end!r} where a number stands.\nabove, below and printed are numbers."
                )
        if self.above is None and self.below is None:
            raise RecipeError(
                f"Claim {self.id!r} has no interval, so nothing could contradict it.\nSet above, below or both."
            )
        if self.above is not None and self.below is not None and not self.above < self.below and not self.exact:
            raise RecipeError(
                f"Claim {self.id!r} has the empty interval [{self.above}, {self.below}].\nSwap or mend its ends."
            )
        if self.expectation not in EXPECTATIONS:
            raise RecipeError(
                f"Claim {self.id!r} has the unknown expectation {self.expectation!r}.\n"
                f"Use one of {', '.join(EXPECTATIONS)}."
            )
        if not self.in_words:
            raise RecipeError(
                f"Claim {self.id!r} does not say what it measures.\nGive its statistic a docstring, or set measures=."
            )

    @property
    def in_words(self) -> str:
        return self.measures or (self.statistic.__doc__ or "").strip().split("\n")[0]

    def card(self) -> dict[str, object]:
        """The claim as the card stores it."""
        return {
            "id": self.id,
            "says": self.says,
            "where": self.where,
            "statistic": self.in_words,
            "unit": self.unit,
            "interval": [_finite(self.above), _finite(self.below)],
            "exact": self.exact,
            "log": self.log,
            "proportion": self.proportion,
            "expectation": self.expectation,
            "printed": self.printed,
            "erratum": self.erratum,
        }


def _finite(end: float | None) -> float | None:
    """An end of an interval, None for infinity."""
    return None if end is None or math.isinf(end) else end


def near(value: float, *, relative: float = 0.0, absolute: float = 0.0) -> dict[str, float]:
    """The interval value ± max(relative·|value|, absolute), as the keywords `above` and `below` of a Claim."""
    half = max(relative * abs(value), absolute)
    return {"above": value - half, "below": value + half}
