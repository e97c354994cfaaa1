"""What a recipe file is made of: arms, scales, claims, figures, and the one function that measures an arm."""

import copy
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import LARGEST
from keras_reprise.recipe.claims import Claim

if TYPE_CHECKING:
    from keras_reprise.datasets import Dataset
    from keras_reprise.measure.replicate import Replicate

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
DATA_SETS = ("cifar10", "digits")  # which the package can bring


class _Settings:
    """A name with settings that read as attributes."""

    def __init__(self, name: str, /, means: str = "", **settings: Any) -> None:
        if not SLUG.fullmatch(name):
            raise RecipeError(f"The name {name!r} is not lower-case words joined by hyphens.\nRename it.")
        self.name = name
        self.means = means
        self.settings: dict[str, Any] = settings

    def __getattr__(self, key: str) -> Any:
        settings = self.__dict__.get("settings", {})
        if key in settings:
            return settings[key]
        raise AttributeError(
            f"{type(self).__name__} {self.__dict__.get('name')!r} has no setting {key!r}; it has {', '.join(settings) or 'none'}."
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.settings})"


class Arm(_Settings):
    """One fully resolved setting of the experiment: `Arm("drop", "0.1, then 0.05", rates=(0.1, 0.05)).rates`."""


class Scale(_Settings):
    """Sizes and budgets, `quick` or `full`: `Scale("quick", epochs=12, n_train=10_000).epochs`.

    `n_train` and `n_test` limit the data set to its first so many images. `seeds` is how many replicates `run`
    makes when not told otherwise.
    """

    def __init__(self, name: str, /, means: str = "", *, seeds: int = 6, **settings: Any) -> None:
        super().__init__(name, means, seeds=seeds, **settings)


Named = TypeVar("Named", Arm, Scale)


def copied(one: Named) -> Named:
    """The same name and settings, for code that may change them."""
    found = copy.copy(one)
    found.settings = copy.deepcopy(one.settings)
    return found


@dataclass(frozen=True)
class Histogram:
    """Counts in equal bins over [lo, hi), and how many values fell below and above. `lo`, `hi` in the values' unit."""

    lo: float
    hi: float
    counts: list[int]
    below: int = 0
    above: int = 0

    def __add__(self, other: "Histogram") -> "Histogram":
        """The counts of both, which must have the same bins."""
        if (self.lo, self.hi, len(self.counts)) != (other.lo, other.hi, len(other.counts)):
            raise RecipeError(
                f"Histograms over [{self.lo}, {self.hi}] and [{other.lo}, {other.hi}] cannot be added.\nUse the same bins."
            )
        counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        return Histogram(self.lo, self.hi, counts, self.below + other.below, self.above + other.above)

    @classmethod
    def of(cls, values: np.ndarray, lo: float, hi: float, bins: int) -> "Histogram":
        """The histogram of `values` (any shape) in `bins` fixed bins; non-finite values count as `above`."""
        flat = np.asarray(values, dtype=np.float64).ravel()
        flat = np.where(np.isfinite(flat), flat, math.inf)
        counts, _ = np.histogram(flat[(flat >= lo) & (flat <= hi)], bins=bins, range=(lo, hi))
        return cls(lo, hi, counts.tolist(), int((flat < lo).sum()), int((flat > hi).sum()))


@dataclass
class Measurement:
    """What `measure` returns for one arm: final numbers, curves over an index, histograms in fixed bins, trials.

    Curves have one value per epoch (or layer, or setting). Metrics are read at the last or at a declared epoch, never
    at the best one.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float] | np.ndarray] = field(default_factory=dict)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    trials: Sequence[Mapping[str, Any]] = ()
    diverged: bool = False


@dataclass(frozen=True)
class ArmResult:
    """One measured arm as a statistic sees it: exactly the numbers that the record stores."""

    status: str
    metrics: Mapping[str, float]
    curves: Mapping[str, np.ndarray]
    histograms: Mapping[str, Histogram]
    trials: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Panel:
    """One pair of axes: the curves `y` (names), what the axis shows, and whether it is logarithmic.

    `level` draws a horizontal line at a number of interest, such as a printed value or a target, named by `level_label`.
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

    `data` is the data set the arms use: one of the package's by name, or a function without arguments that returns a `Dataset`
    of one's own (None: none, or made in `measure`). `suites` lists the suites that include it beside `all`. `timing`
    marks a recipe whose claims are about seconds: it runs alone on its machine, each replicate in a fresh process. `margins`
    are the differences, in the metric's unit, up to which a metric of an arm is as good as before to a regression gate.
    `summarise(arms, scale)` gives numbers of the whole replicate, for claims that need more than an expression; they are
    computed from the stored arms when the record is written.
    """

    slug: str
    version: int
    question: str
    sources: tuple[Source, ...]
    arms: tuple[Arm, ...]
    scales: tuple[Scale, ...]
    measure: "Callable[[Arm, Replicate], Measurement]"
    claims: tuple[Claim, ...]
    figures: tuple[Figure, ...] = ()
    data: "str | Callable[[], Dataset] | None" = None
    suites: tuple[str, ...] = ()
    timing: bool = False
    margins: Mapping[str, float] = field(default_factory=dict)
    summarise: "Callable[[Mapping[str, ArmResult], Scale], Mapping[str, float]] | None" = None

    def __post_init__(self) -> None:
        if not SLUG.fullmatch(self.slug):
            raise RecipeError(f"The slug {self.slug!r} is not lower-case words joined by hyphens.\nRename the recipe.")
        if not 1 <= self.version <= LARGEST:
            raise RecipeError(f"{self.slug} has version {self.version}.\nVersions are 1, 2, 3, ..., at most {LARGEST}.")
        for kind, names in (
            ("arms", [arm.name for arm in self.arms]),
            ("scales", [scale.name for scale in self.scales]),
            ("claims", [claim.id for claim in self.claims]),
        ):
            if not names:
                raise RecipeError(f"{self.slug} has no {kind}.\nA recipe needs at least one.")
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise RecipeError(
                    f"{self.slug} has two {kind} named {', '.join(twice)}.\nResults could not be told apart; rename one."
                )
        missing = {"quick", "full"} - {scale.name for scale in self.scales}
        if missing:
            raise RecipeError(
                f"{self.slug} lacks the scale {', '.join(sorted(missing))}.\nEvery recipe has quick and full."
            )

        self._check_data()

    def _check_data(self) -> None:
        """RecipeError when a function that gives the data could not be told from other data by its name."""
        if self.data is None or isinstance(self.data, str):
            return
        if not callable(self.data):
            raise RecipeError(
                f"{self.slug} has a {type(self.data).__name__} as data.\nGive the name of a data set, or a function that returns a Dataset (data=load)."
            )
        name = getattr(self.data, "__name__", "")
        if not name.isidentifier():
            raise RecipeError(
                f"{self.slug} gives its data by a function without a name.\nThe name stands in the card; write it with `def`."
            )
        if name in DATA_SETS:
            raise RecipeError(
                f"{self.slug} gives its data by a function named {name}, which is the name of a data set of the package.\nRename the function."
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

    def card(self, title: str) -> dict[str, Any]:
        """All that a record's reader needs to judge and draw it without this file."""
        card: dict[str, Any] = plain(
            {
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
        )
        return card | ({"margins": plain(self.margins)} if self.margins else {})


def _named(kind: str, name: str, items: tuple[Named, ...], slug: str) -> Named:
    for item in items:
        if item.name == name:
            return item
    raise RecipeError(f"{slug} has no {kind} {name!r}.\nIt has {', '.join(item.name for item in items)}.")


def plain_settings(whose: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as records and cards hold them, infinities in words; RecipeError when one is no number, text or list of these."""
    return {name: _plain_setting(f"{name} of {whose}", plain(value)) for name, value in settings.items()}


def _plain_setting(what: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain_setting(what, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain_setting(what, item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    kind = "a number beyond 64 bits" if isinstance(value, int) else f"a {type(value).__name__}"
    raise RecipeError(
        f"{what} is {kind}.\nSettings are numbers, text, and lists of these, which records can hold; choose functions by name in measure."
    )


def plain(value: Any) -> Any:
    """`value` in JSON's types: tuples as lists, NumPy numbers as numbers, keys as strings."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    return value
