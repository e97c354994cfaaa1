"""Claims in the order in which they are said aloud: a rule says this; that number must lie there."""

from dataclasses import dataclass, replace

from keras_reprise.base.errors import RecipeError
from keras_reprise.recipe.bounds import Bound, above, below
from keras_reprise.recipe.claims import Claim
from keras_reprise.record.expressions.checking import name_of
from keras_reprise.record.expressions.grammar import Compared, Form
from keras_reprise.record.schema import Kind, Role


@dataclass(frozen=True)
class Statement:
    """A claim that is not yet whole: `.says(...)`, and `.must(...)`, which makes it one. See `Claim`."""

    id: str
    role: Role
    where: str
    kind: Kind
    printed: float | None
    erratum: str | None
    expectation: str
    retired: str | None
    sentence: str = ""

    def says(self, sentence: str) -> "Statement":
        """The sentence that is claimed."""
        return replace(self, sentence=sentence)

    def must(
        self,
        value: Form | None,
        bound: Bound | None = None,
        *,
        given: Form | None = None,
        unit: str = "",
        measures: str = "",
    ) -> Claim:
        """The claim: `.must(value > 0)`, `.must(value < other)`, or `.must(value, near(1.0, relative=0.05))`.

        `given` is the condition without which a replicate says nothing of it; `unit` and `measures` (the value in
        words) are there for what does not follow from the value. RecipeError where it cannot be a claim.
        """
        if bound is None:
            value, bound = self._sides(value)
        return Claim(
            self.id,
            self.sentence,
            self.where,
            value=value,
            must=bound,
            given=given,
            role=self.role,
            kind=self.kind,
            unit=unit,
            measures=measures,
            printed=self.printed,
            erratum=self.erratum,
            expectation=self.expectation,
            retired=self.retired,
        )

    def _sides(self, condition: object) -> tuple[Form, Bound]:
        """The value that a comparison is about, and the bound that it sets; RecipeError for what is none."""
        if not isinstance(condition, Compared) or condition.sign == "=" or not isinstance(condition.left, Form):
            told = name_of(condition) if isinstance(condition, Form) else repr(condition)
            raise RecipeError(
                f"Claim {self.id!r} must be {told}, which sets no bound to a value.\n"
                "Write .must(value > 0), .must(value < other), or a value and a bound of docs/claims.md:"
                " .must(value, near(1.0, relative=0.05))."
            )
        if self.kind == "share":
            raise RecipeError(
                f"Claim {self.id!r} is about the share of replicates in which {name_of(condition)}, and names none.\n"
                "Write .must(condition, above(0.5))."
            )
        return condition.left, (below if condition.sign in ("<", "<=") else above)(condition.right)


def rule(
    id: str,
    where: str = "",
    *,
    kind: Kind = "",
    printed: float | None = None,
    erratum: str | None = None,
    expectation: str = "LIKELY",
    retired: str | None = None,
) -> Statement:
    """The sentence that is taught, by the title of its slide or section (default: that of the recipe's first
    source)."""
    return Statement(id, "rule", where, kind, printed, erratum, expectation, retired)


def detail(
    id: str,
    where: str = "",
    *,
    kind: Kind = "",
    printed: float | None = None,
    erratum: str | None = None,
    expectation: str = "LIKELY",
    retired: str | None = None,
) -> Statement:
    """What goes with the rule: a mechanism, a condition, a remark."""
    return Statement(id, "detail", where, kind, printed, erratum, expectation, retired)


def printed_value(
    id: str,
    where: str = "",
    *,
    kind: Kind = "",
    printed: float | None = None,
    erratum: str | None = None,
    expectation: str = "LIKELY",
    retired: str | None = None,
) -> Statement:
    """One number that the document prints; several are a `PrintedSeries`."""
    return Statement(id, "table", where, kind, printed, erratum, expectation, retired)
