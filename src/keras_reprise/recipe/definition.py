"""What a recipe file is made of: arms, scales, claims, figures, and the one function that measures an arm."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

import msgspec

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import LARGEST
from keras_reprise.base.slips import nearest_first
from keras_reprise.datasets import Dataset, registry
from keras_reprise.figures import Figure, encode
from keras_reprise.recipe.checks import arms_of, require_all, require_names, require_parameters
from keras_reprise.recipe.claims import Claim
from keras_reprise.recipe.naming import require_claims
from keras_reprise.recipe.numbers import ArmResult, Measurement
from keras_reprise.recipe.printed import PrintedSeries
from keras_reprise.recipe.settings import SLUG, Arm, Named, Scale, plain, plain_settings
from keras_reprise.record.metric import Metric, by_name


@dataclass(frozen=True)
class Source:
    """Where the experiment is documented: the document's key and the place in it."""

    key: str
    where: str


@dataclass(frozen=True)
class Recipe:
    """One documented question and all that is needed to answer it. See CONTRIBUTING.md for a walk-through.

    `data` is the data set the arms use: one of the package's by name, or a function without arguments that returns a
    `Dataset` of one's own (None: none, or made in `measure`). `suites` lists the suites that include it beside `all`.
    `timing` marks a recipe whose claims are about seconds: it runs alone on its machine, each replicate in a fresh
    process. `margins` are the differences, in the metric's unit, up to which a metric of an arm is as good as before
    to a regression gate. `summarise(arms, scale)` gives numbers of the whole replicate, for claims that need more
    than an expression; they are computed from the stored arms when the record is written. `metrics` say in words what
    metrics, curves, entries of trials, settings and numbers are, and in which unit. A single source or figure needs no
    tuple.
    """

    slug: str
    version: int
    question: str
    sources: tuple[Source, ...] | Source
    arms: tuple[Arm, ...]
    scales: tuple[Scale, ...]
    measure: Callable[..., Measurement]
    claims: tuple[Claim | PrintedSeries, ...]
    figures: tuple[Figure, ...] | Figure = ()
    data: str | Callable[[], Dataset] | None = None
    suites: tuple[str, ...] = ()
    timing: bool = False
    margins: Mapping[str, float] = field(default_factory=dict)
    summarise: Callable[[Mapping[str, ArmResult], Scale], Mapping[str, float]] | None = None
    metrics: tuple[Metric, ...] = ()

    def __post_init__(self) -> None:
        """RecipeError that says what cannot be, before anything is measured."""
        self._check_names()
        self._check_parts()
        require_parameters(f"measure of {self.slug}", self.measure, "arm", "replicate")
        if self.summarise is not None:
            require_parameters(f"summarise of {self.slug}", self.summarise, "arms", "scale")
        self._check_data()

    def _check_names(self) -> None:
        if not isinstance(self.slug, str) or not SLUG.fullmatch(self.slug):
            raise RecipeError(f"The slug {self.slug!r} is not lower-case words joined by hyphens.\nRename the recipe.")
        if not isinstance(self.version, int) or not 1 <= self.version <= LARGEST:
            raise RecipeError(
                f"{self.slug} has version {self.version!r}.\nVersions are 1, 2, 3, ..., at most {LARGEST}."
            )

    def _check_parts(self) -> None:
        """RecipeError when arms, scales, claims or figures are not what they should be, or name what is not there."""
        for name, *kinds in (
            ("arms", Arm),
            ("scales", Scale),
            ("claims", Claim, PrintedSeries),
            ("suites", str),
            ("metrics", Metric),
        ):
            require_all(f"{name} of {self.slug}", getattr(self, name), *kinds)
        require_all(f"sources of {self.slug}", self.each_source, Source)
        for several, names in (
            ("arms", [arm.name for arm in self.arms]),
            ("scales", [scale.name for scale in self.scales]),
            ("claims", [claim.id for claim in self.each_claim]),
        ):
            if not names:
                raise RecipeError(f"{self.slug} has no {several}.\nA recipe needs at least one.")
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise RecipeError(
                    f"{self.slug} has two {several} named {', '.join(twice)}.\n"
                    "Results could not be told apart; rename one."
                )
        scales = [scale.name for scale in self.scales]
        missing = {"quick", "full"} - set(scales)
        if missing:
            raise RecipeError(
                f"{self.slug} lacks the scale {', '.join(sorted(missing))}.\n"
                f"Every recipe has quick and full; this one has {', '.join(scales)}."
            )
        for figure in self.each_figure:
            title = getattr(figure, "title", "")
            require_names(f"The figure {title!r}", "arm", arms_of(figure), [arm.name for arm in self.arms])
        require_claims(self.slug, self.each_claim, self.arms, self.scales, summarises=self.summarise is not None)

    def _check_data(self) -> None:
        """RecipeError when a function that gives the data could not be told from other data by its name."""
        if self.data is None or isinstance(self.data, str):
            return
        if not callable(self.data):
            raise RecipeError(
                f"{self.slug} has a {type(self.data).__name__} as data.\n"
                "Give the name of a data set, or a function that returns a Dataset (data=load)."
            )
        name = getattr(self.data, "__name__", "")
        if not name.isidentifier():
            raise RecipeError(
                f"{self.slug} gives its data by a function without a name.\n"
                "The name stands in the card; write it with `def`."
            )
        if name in registry.names():
            raise RecipeError(
                f"{self.slug} gives its data by a function named {name},"
                " which is the name of a data set of the package.\n"
                "Rename the function."
            )

    @property
    def each_claim(self) -> tuple[Claim, ...]:
        """Every claim by itself: those of printed series and those that are stated of several values, too.

        One that names no place is of the place of the recipe's first source.
        """
        here = self.each_source[0].where if self.each_source else ""
        found = (claim for declared in self.claims for one in declared.each() for claim in one.each())
        return tuple(claim if claim.where else replace(claim, where=here) for claim in found)

    @property
    def each_source(self) -> tuple[Source, ...]:
        """The sources, of which one may stand without a tuple."""
        return (self.sources,) if isinstance(self.sources, Source) else self.sources

    @property
    def each_figure(self) -> tuple[Figure, ...]:
        """The figures, of which one may stand without a tuple."""
        return (self.figures,) if isinstance(self.figures, Figure) else self.figures

    @property
    def data_name(self) -> str | None:
        """What the card calls the data: the data set's name, or that of the function which gives it."""
        return self.data if self.data is None or isinstance(self.data, str) else self.data.__name__

    def scale(self, name: str) -> Scale:
        """The named scale; UserError that lists the scales when there is none."""
        return _named("scale", name, self.scales, self.slug)

    def arm(self, name: str) -> Arm:
        """The named arm; UserError that lists the arms when there is none."""
        return _named("arm", name, self.arms, self.slug)

    def card(self, title: str) -> dict[str, object]:
        """All that a record's reader needs to judge and draw it without this file."""
        card: dict[str, object] = {
            "slug": self.slug,
            "version": self.version,
            "title": title,
            "question": self.question,
            "sources": [asdict(source) for source in self.each_source],
            "arms": {arm.name: arm.means for arm in self.arms},
            "claims": [claim.card(self.metrics, one_arm=len(self.arms) == 1) for claim in self.each_claim],
            "figures": [encode(figure, by_name(self.metrics)) for figure in self.each_figure],
            "scales": {one.name: plain_settings(f"the scale {one.name}", one.settings) for one in self.scales},
            "data": self.data_name,
            "suites": list(self.suites),
            "timing": self.timing,
        }
        if self.margins:
            card["margins"] = self.margins
        if self.metrics:
            card["metrics"] = [msgspec.to_builtins(metric) for metric in self.metrics]
        return {name: plain(value) for name, value in card.items()}


def _named(kind: str, name: str, items: tuple[Named, ...], slug: str) -> Named:
    for item in items:
        if item.name == name:
            return item
    known = nearest_first(name, [item.name for item in items])
    raise RecipeError(f"{slug} has no {kind} {name!r}.\nIt has {', '.join(known)}.")
