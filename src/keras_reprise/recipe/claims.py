"""A claim: one number per replicate and the interval in which that number must lie."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, get_args

import msgspec

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.slips import nearest_first
from keras_reprise.recipe.bounds import Bound
from keras_reprise.recipe.checks import require_parameters
from keras_reprise.recipe.numbers import ArmResult
from keras_reprise.recipe.settings import SLUG, Scale
from keras_reprise.record.expressions import phrasing
from keras_reprise.record.expressions.checking import arms_of, require_sound
from keras_reprise.record.expressions.grammar import Expression, Form
from keras_reprise.record.metric import Metric
from keras_reprise.record.schema import Kind, Role

Statistic = Callable[[Mapping[str, ArmResult], Scale], float]

EXPECTATIONS = ("MATH", "VERIFIED-HERE", "LIKELY", "HW", "MIXED", "FALSE-AS-STATED", "SEED-ERRATUM")
KINDS: tuple[Kind, ...] = tuple(one for one in get_args(Kind) if one)
ROLES: tuple[Role, ...] = tuple(one for one in get_args(Role) if one)
LONGEST_ID = 100


@dataclass(frozen=True)
class Claim:
    """One documented sentence, as a number that every replicate gives and an interval for it.

    `value` is the number, an expression over what the record stores (docs/claims.md), `must` where it must lie. `where`
    is the title of the slide or section (default: that of the recipe's first source). `role` is "rule" for the sentence
    that is taught, "detail" for what goes with it, "table" for a printed value. `kind` is the statistic's and decides
    how it is tested: "continuous", "positive" (seconds, ratios: judged on the logarithm), "share" (0 or 1 a replicate),
    "discrete" (counts, rank correlations of few points), "exact" (plain arithmetic). `given` is a condition without
    which a replicate says nothing. `printed` is the document's own number, and `erratum` says where the document is
    wrong and with what evidence. `retired` says why a claim is no longer counted; its `value` may be left out, then the
    numbers stored at the time are judged. `unit` and `measures` (the value in words) follow from the value and the
    recipe's metrics where they are left out.
    """

    id: str
    says: str
    where: str = ""
    statistic: Statistic | None = None
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
    value: Form | None = None
    must: Bound | None = None
    role: Role = ""
    kind: Kind = ""
    given: Form | None = None
    retired: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not SLUG.fullmatch(self.id) or len(self.id) > LONGEST_ID:
            raise RecipeError(
                f"The claim {self.id!r} is not lower-case words joined by hyphens, at most {LONGEST_ID} characters.\n"
                "Give it such an id."
            )
        if self.statistic is not None:
            _check_function(self)
        else:
            self._check_value()
        if self.expectation not in EXPECTATIONS:
            raise RecipeError(
                f"Claim {self.id!r} has the unknown expectation {self.expectation!r}.\n"
                f"Use one of {', '.join(EXPECTATIONS)}."
            )

    def _check_value(self) -> None:
        if not isinstance(self.must, Bound):
            raise RecipeError(
                f"Claim {self.id!r} has no interval, so nothing could contradict it.\n"
                "Write must=below(0.0), above(...), between(low, high), near(value, relative=...) or equal(value)."
            )
        if self.value is None and not self.retired:
            raise RecipeError(
                f"Claim {self.id!r} has no value.\n"
                'Write value=metric("arm", "name"), or another form of docs/claims.md.'
            )
        for name, given, known in (("role", self.role, ROLES), ("kind", self.kind, KINDS)):
            if given and given not in known:
                raise RecipeError(
                    f"Claim {self.id!r} has the {name} {given!r}.\nUse one of {', '.join(nearest_first(given, known))}."
                )
        for what, expression in (("value", self.value), ("premise", self.given)):
            if expression is not None:
                _require_sound(f"The {what} of the claim {self.id!r}", expression)
        for split in self.each():
            if split.value is not None:
                _require_sound(f"The value of the claim {split.id!r}", split.value)
        self._check_ends()

    def _check_ends(self) -> None:
        assert self.must is not None
        if self.must.others:
            return
        if self.must.low == self.must.high and self.tested_as not in ("exact", "discrete", "share"):
            raise RecipeError(
                f"Claim {self.id!r} must equal {self.must.low:g}, and a {self.tested_as} statistic never does.\n"
                'Say kind="exact" or kind="discrete", or give a tolerance: must=near(value, relative=0.03).'
            )
        if self.tested_as == "positive" and self.must.high is not None and self.must.high <= 0:
            raise RecipeError(
                f"Claim {self.id!r} is of a positive quantity and must lie below {self.must.high:g}.\n"
                "Mend the interval, or leave out kind."
            )

    @property
    def tested_as(self) -> Kind:
        """The kind of the statistic; of one without, "continuous"."""
        return self.kind or "continuous"

    def each(self) -> tuple["Claim", ...]:
        """The claim itself, or, where it must lie below or above each of several values, a claim for each of them.

        Their ids end with the arm that the other value is of, else with its number, which stands for `{other}` in
        the sentence and the words.
        """
        others = self.must.others if self.must is not None else ()
        if not others or self.value is None or self.must is None:
            return (self,)
        bound = replace(self.must, others=())
        if len(others) == 1:
            return (replace(self, value=self.value - others[0], must=bound),)
        arms = [arms_of(one) - arms_of(self.value) for one in others]
        names = [next(iter(one)) if len(one) == 1 else "" for one in arms]
        ends = names if all(names) and len(set(names)) == len(names) else [str(n) for n in range(1, len(names) + 1)]
        return tuple(
            replace(
                self,
                id=f"{self.id}-{end}",
                says=self.says.replace("{other}", end),
                measures=self.measures.replace("{other}", end),
                value=self.value - one,
                must=bound,
            )
            for end, one in zip(ends, others, strict=True)
        )

    def card(self, metrics: Iterable[Metric] = (), *, one_arm: bool = False) -> dict[str, object]:
        """The claim as the card stores it; `metrics` are the recipe's, for words and unit."""
        if self.statistic is not None:
            return _card_of_function(self)
        assert self.must is not None
        metrics = tuple(metrics)
        return {
            "id": self.id,
            "says": self.says,
            "where": self.where,
            "statistic": self.measures or self._words(metrics, one_arm=one_arm),
            "unit": self.unit or self._unit(metrics),
            "interval": [self.must.low, self.must.high],
            "exact": self.tested_as == "exact",
            "log": self.tested_as == "positive",
            "proportion": self.tested_as == "share",
            "expectation": self.expectation,
            "printed": self.printed,
            "erratum": self.erratum,
            "role": self.role or "detail",
            "kind": self.tested_as,
            "value": None if self.value is None else msgspec.to_builtins(self.value),
            "given": None if self.given is None else msgspec.to_builtins(self.given),
            "retired": self.retired,
        }

    def _unit(self, metrics: Iterable[Metric]) -> str:
        if self.tested_as == "share":
            return "share"
        return "" if self.value is None else phrasing.unit(self.value, metrics)

    def _words(self, metrics: Iterable[Metric], *, one_arm: bool) -> str:
        if self.value is None:
            return "As the records of that time hold it"
        told = phrasing.words(self.value, metrics, one_arm=one_arm)
        premise = "" if self.given is None else f"; where {phrasing.clause(self.given, metrics)}"
        return f"{told[:1].upper()}{told[1:]}{premise}"


def _require_sound(what: str, expression: Any) -> None:
    """RecipeError unless an expression is one that a card may hold and that gives one number."""
    if not isinstance(expression, Form):
        raise RecipeError(
            f"{what} is {expression!r}, which is not made of what a record stores.\n"
            'Write metric("arm", "name"), or another form of docs/claims.md.'
        )
    try:
        msgspec.convert(msgspec.to_builtins(expression), Expression)  # type: ignore[call-overload]
        require_sound(expression)
    except (ValueError, TypeError, RecursionError) as error:
        raise RecipeError(f"{what} cannot be evaluated: {error}.\ndocs/claims.md has every form.") from error


# ---- Claims whose statistic is a function, as recipe files of others may have them. Such a claim is computed when the
# record is written and judged by the stored number, so that a later one says nothing of older records.


def _check_function(claim: Claim) -> None:
    require_parameters(f"The statistic of the claim {claim.id!r}", claim.statistic, "arms", "scale")
    for end in (claim.above, claim.below, claim.printed):
        if not isinstance(end, Real | None):
            raise RecipeError(
                f"Claim {claim.id!r} has {end!r} where a number stands.\nabove, below and printed are numbers."
            )
    if claim.above is None and claim.below is None:
        raise RecipeError(
            f"Claim {claim.id!r} has no interval, so nothing could contradict it.\nSet above, below or both."
        )
    if claim.above is not None and claim.below is not None and not claim.above < claim.below and not claim.exact:
        raise RecipeError(
            f"Claim {claim.id!r} has the empty interval [{claim.above}, {claim.below}].\nSwap or mend its ends."
        )
    if not _words_of_function(claim):
        raise RecipeError(
            f"Claim {claim.id!r} does not say what it measures.\nGive its statistic a docstring, or set measures=."
        )


def _words_of_function(claim: Claim) -> str:
    return claim.measures or (claim.statistic.__doc__ or "").strip().split("\n")[0]


def _card_of_function(claim: Claim) -> dict[str, object]:
    ends = (None if end is None or math.isinf(end) else end for end in (claim.above, claim.below))
    return {
        "id": claim.id,
        "says": claim.says,
        "where": claim.where,
        "statistic": _words_of_function(claim),
        "unit": claim.unit,
        "interval": list(ends),
        "exact": claim.exact,
        "log": claim.log,
        "proportion": claim.proportion,
        "expectation": claim.expectation,
        "printed": claim.printed,
        "erratum": claim.erratum,
    }
