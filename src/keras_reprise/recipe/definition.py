"""What a recipe file is made of: arms, scales, claims, figures, and the one function that measures an arm."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import LARGEST
from keras_reprise.base.slips import nearest_first
from keras_reprise.recipe.checks import arms_of, require_all, require_names, require_parameters
from keras_reprise.recipe.claims import Claim
from keras_reprise.recipe.numbers import ArmResult, Measurement
from keras_reprise.recipe.settings import SLUG, Arm, Named, Scale, plain, plain_settings

if TYPE_CHECKING:
    from keras_reprise.datasets import Dataset

DATA_SETS = ("cifar10", "digits")  # which the package can bring


@dataclass(frozen=True)
class Panel:
    """One pair of axes: the curves `y` (names), what the axis shows, and whether it is logarithmic.

    `level` draws a horizontal line at a number of interest, such as a printed value or a target, named by
    `level_label`.
    """

    y: tuple[str, ...]
    label: str
    log: bool = False
    level: float | None = None
    level_label: str = ""


@dataclass(frozen=True)
class Curves:
    """Curves averaged over the replicates, with their spread.

    `columns="arms"` draws each arm in a column of its own; "overlay" draws the arms over each other. `x` names
    the curve that holds the abscissa (default: 1, 2, 3, ...). `mark` names a metric at whose value a vertical line
    stands. `printed` gives the document's values as {curve: {arm: [..]}} to be drawn as crosses, at `printed_x` where
    that is not 1, 2, 3, ... `x_log` makes the abscissa logarithmic.
    """

    title: str
    panels: tuple[Panel, ...]
    x: str | None = None
    x_label: str = "epoch"
    columns: str = "arms"
    mark: str | None = None
    mark_label: str = ""
    printed: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    printed_x: tuple[float, ...] = ()
    x_log: bool = False
    kind: str = "curves"


@dataclass(frozen=True)
class HistogramGrid:
    """Histograms side by side: `columns` are the labels, `series` the overlaid sets, one row per arm.

    A cell draws the histogram named `<series>_<column>` of its arm (all replicates summed).
    """

    title: str
    columns: tuple[str, ...]
    series: tuple[str, ...]
    x_label: str
    column_label: str = ""
    arms: tuple[str, ...] = ()
    kind: str = "histogram-grid"


@dataclass(frozen=True)
class Box:
    """A labelled rectangle in a scatter plot: its lower and upper ends in the axes' units."""

    label: str
    x: tuple[float, float]
    y: tuple[float, float]


@dataclass(frozen=True)
class Scatter:
    """The trials of all replicates as points: the trial values named `x` and `y`, coloured by `color`, a column per arm.

    `log` lists which of "x", "y" are logarithmic. `diagonal` draws y = x. `boxes` are drawn in every column, `printed` the
    document's points as {arm: [{x: .., y: ..}, ..]} with the trial values' names.
    """

    title: str
    x: str
    y: str
    x_label: str
    y_label: str
    color: str | None = None
    color_label: str = ""
    log: tuple[str, ...] = ()
    diagonal: bool = False
    boxes: tuple[Box, ...] = ()
    printed: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    arms: tuple[str, ...] = ()
    kind: str = "scatter"


@dataclass(frozen=True)
class HeatMap:
    """A trial value as a table of colours, averaged over the replicates: rows and columns are trial values, a table per arm."""

    title: str
    row: str
    column: str
    value: str
    row_label: str
    column_label: str
    value_label: str
    arms: tuple[str, ...] = ()
    kind: str = "heat-map"


Figure = Curves | HistogramGrid | Scatter | HeatMap


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
    than an expression; they are computed from the stored arms when the record is written.
    """

    slug: str
    version: int
    question: str
    sources: tuple[Source, ...]
    arms: tuple[Arm, ...]
    scales: tuple[Scale, ...]
    measure: Callable[..., Measurement]
    claims: tuple[Claim, ...]
    figures: tuple[Figure, ...] = ()
    data: "str | Callable[[], Dataset] | None" = None
    suites: tuple[str, ...] = ()
    timing: bool = False
    margins: Mapping[str, float] = field(default_factory=dict)
    summarise: Callable[[Mapping[str, ArmResult], Scale], Mapping[str, float]] | None = None

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
        for name, kind in (("sources", Source), ("arms", Arm), ("scales", Scale), ("claims", Claim), ("suites", str)):
            require_all(f"{name} of {self.slug}", getattr(self, name), kind)
        for several, names in (
            ("arms", [arm.name for arm in self.arms]),
            ("scales", [scale.name for scale in self.scales]),
            ("claims", [claim.id for claim in self.claims]),
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
        for figure in self.figures:
            title = getattr(figure, "title", "")
            require_names(f"The figure {title!r}", "arm", arms_of(figure), [arm.name for arm in self.arms])

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
        if name in DATA_SETS:
            raise RecipeError(
                f"{self.slug} gives its data by a function named {name},"
                " which is the name of a data set of the package.\n"
                "Rename the function."
            )

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
            "sources": [asdict(source) for source in self.sources],
            "arms": {arm.name: arm.means for arm in self.arms},
            "claims": [claim.card() for claim in self.claims],
            "figures": [asdict(figure) for figure in self.figures],
            "scales": {one.name: plain_settings(f"the scale {one.name}", one.settings) for one in self.scales},
            "data": self.data_name,
            "suites": list(self.suites),
            "timing": self.timing,
        }
        if self.margins:
            card["margins"] = self.margins
        return {name: plain(value) for name, value in card.items()}


def _named(kind: str, name: str, items: tuple[Named, ...], slug: str) -> Named:
    for item in items:
        if item.name == name:
            return item
    known = nearest_first(name, [item.name for item in items])
    raise RecipeError(f"{slug} has no {kind} {name!r}.\nIt has {', '.join(known)}.")
