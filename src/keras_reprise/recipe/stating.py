"""Claims in the order in which they are said aloud: a rule says this; of that number; it must lie there."""

from dataclasses import dataclass, replace

from keras_reprise.recipe.bounds import Bound
from keras_reprise.recipe.claims import Claim
from keras_reprise.record.expressions.grammar import Form
from keras_reprise.record.schema import Kind, Role


@dataclass(frozen=True)
class Statement:
    """A claim that is not yet whole: `.says(...)`, `.of(...)`, and `.must(...)`, which makes it one. See `Claim`."""

    id: str
    role: Role
    where: str
    sentence: str = ""
    value: Form | None = None
    given: Form | None = None
    unit: str = ""
    measures: str = ""

    def says(self, sentence: str) -> "Statement":
        """The sentence that is claimed."""
        return replace(self, sentence=sentence)

    def of(self, value: Form | None, *, given: Form | None = None, unit: str = "", measures: str = "") -> "Statement":
        """The number that it is about, and the condition without which a replicate says nothing of it."""
        return replace(self, value=value, given=given, unit=unit, measures=measures)

    def must(
        self,
        bound: Bound,
        *,
        kind: Kind = "",
        printed: float | None = None,
        erratum: str | None = None,
        expectation: str = "LIKELY",
        retired: str | None = None,
    ) -> Claim:
        """The claim: where that number must lie; RecipeError where it cannot be one."""
        return Claim(
            self.id,
            self.sentence,
            self.where,
            value=self.value,
            must=bound,
            given=self.given,
            role=self.role,
            kind=kind,
            unit=self.unit,
            measures=self.measures,
            printed=printed,
            erratum=erratum,
            expectation=expectation,
            retired=retired,
        )


def rule(id: str, where: str = "") -> Statement:
    """The sentence that is taught, by the title of its slide or section (default: that of the recipe's first
    source)."""
    return Statement(id, "rule", where)


def detail(id: str, where: str = "") -> Statement:
    """What goes with the rule: a mechanism, a condition, a remark."""
    return Statement(id, "detail", where)


def printed_value(id: str, where: str = "") -> Statement:
    """One number that the document prints; several are a `PrintedSeries`."""
    return Statement(id, "table", where)
