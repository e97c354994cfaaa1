"""A printed series: the values of a table or curve as the document prints them, each of them a claim."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from keras_reprise.base.errors import RecipeError
from keras_reprise.recipe.bounds import near
from keras_reprise.recipe.claims import Claim
from keras_reprise.record.expressions.authoring import at, curve, metric
from keras_reprise.record.expressions.grammar import Form
from keras_reprise.record.schema import Kind, Role

Key = int | str


@dataclass(frozen=True)
class Erratum:
    """Why a printed value is wrong, with the evidence; `value` is what is expected in its place, `within` how near."""

    because: str
    value: float | None = None
    within: float | None = None


@dataclass(frozen=True)
class PrintedSeries:
    """Printed values, each a claim of the role "table" with the id `<id>-<key>`.

    `values` are those of a curve of `arm` (`curve`, else the one named like the series), in a row from position
    `start` on, or by position. By name they are metrics: of `arm` where it is given, else of the arms of these names,
    whose metric is `metric`. `of` says otherwise which value is meant: a function from the key to an expression. A
    value is as printed within `within` (in its unit) or `relative` of it, whichever is wider; each may be by key.
    `errata` are by key. `says` may hold {key}, {printed} and {arm}.
    """

    id: str
    values: Sequence[float] | Mapping[Key, float]
    where: str = ""
    arm: str = ""
    curve: str = ""
    metric: str = ""
    of: Callable[..., Form] | None = None
    within: float | Mapping[Key, float] = 0.0
    relative: float | Mapping[Key, float] = 0.0
    start: int = 1
    says: str = ""
    unit: str = ""
    measures: str = ""
    kind: Kind = "continuous"
    role: Role = "table"
    expectation: str = "LIKELY"
    errata: Mapping[Key, Erratum] = field(default_factory=dict)
    given: Form | None = None
    retired: str | None = None

    def by_key(self) -> dict[Key, float]:
        """The printed values by position or name."""
        if isinstance(self.values, Mapping):
            return dict(self.values)
        return dict(enumerate(self.values, start=self.start))

    def __post_init__(self) -> None:
        keys = self.by_key()
        if not keys:
            raise RecipeError(f"The printed series {self.id!r} has no values.\nGive those that the document prints.")
        if self.of is None and not self.arm and not (self.metric and all(isinstance(key, str) for key in keys)):
            raise RecipeError(
                f"The printed series {self.id!r} does not say whose values these are.\n"
                "Give arm= and curve=; or metric= and values={arm: value}; or of=, a function from the key to a value."
            )
        for name in ("errata", "within", "relative"):
            strange = set(found) - set(keys) if isinstance(found := getattr(self, name), Mapping) else ()
            if strange:
                raise RecipeError(
                    f"The printed series {self.id!r} has {name} for {', '.join(map(repr, sorted(strange, key=str)))},"
                    f" and no such values.\nIt has {', '.join(map(repr, keys))}."
                )
        for claim in self.each():
            claim.each()

    def each(self) -> tuple[Claim, ...]:
        """The claims, one for each value."""
        return tuple(self._claims())

    def _claims(self) -> Iterator[Claim]:
        for key, printed in self.by_key().items():
            erratum = self.errata.get(key)
            within, relative = (
                one.get(key, 0.0) if isinstance(one, Mapping) else one for one in (self.within, self.relative)
            )
            expected = printed
            if erratum is not None:
                expected = printed if erratum.value is None else erratum.value
                if erratum.within is not None:
                    within, relative = erratum.within, 0.0
            value = self._value(key)
            claim = Claim(
                f"{self.id}-{_slug(key)}",
                self._says(key, printed, erratum),
                self.where,
                value=value,
                must=near(expected, relative=relative, absolute=within),
                unit=self.unit,
                measures=self.measures.format(key=key, printed=printed) if self.measures else "",
                role=self.role,
                kind=self.kind,
                expectation=self.expectation,
                printed=float(printed),
                given=self.given,
                retired=self.retired,
            )
            yield claim if erratum is None else replace(claim, erratum=erratum.because)

    def _value(self, key: Key) -> Form:
        if self.of is not None:
            return self.of(key)
        if isinstance(key, str):
            return metric(self.arm, key) if self.arm else metric(key, self.metric)
        return at(curve(self.arm, self.curve or self.id), key)

    def _says(self, key: Key, printed: float, erratum: Erratum | None) -> str:
        said = (
            self.says.format(key=key, printed=printed, arm=self.arm)
            if self.says
            else f"The value {key} is {printed:g}, as printed."
        )
        if erratum is None or erratum.value is None:
            return said
        return f"{said.rstrip('.')} (judged against the erratum, {erratum.value:g})."


def _slug(key: Key) -> str:
    """A key as the end of an id."""
    return re.sub(r"[^a-z0-9]+", "-", str(key).lower()).strip("-")
