"""Curves over epochs or another abscissa: means (medians on logarithmic axes) with their spread over the replicates."""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from keras_reprise.figures.chart import Axes as ChartAxes
from keras_reprise.figures.chart import Chart, Mark, Points, cells
from keras_reprise.figures.figure import Figure, FigureError, label, require
from keras_reprise.record.encoding import number
from keras_reprise.record.fields import Strict
from keras_reprise.record.metric import Metric
from keras_reprise.record.schema import Record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Plot

MOST_INSIDE = 5  # entries of a legend inside the axes
LABEL_WIDTH = 36  # characters of a label that fit along an axis
MARKERS = "osD^vP*X"  # that tell the arms of a cloud apart where colours do not
COLUMNS = ["x", "y", "arm", "curve", "seed"]


class Panel(Strict, frozen=True):
    """One pair of axes: the curve `y`, or several; what the axis shows, and whether it is logarithmic.

    Without a `label` the axis says what the recipe's `metrics` say of its curves. `level` draws a horizontal line
    at a number of interest, such as a printed value or a target, named by `level_label`. `top` is where the axis ends,
    where what exploded would flatten the rest; cards without it have no such field.
    """

    y: str | tuple[str, ...]
    label: str = ""
    log: bool = False
    level: float | None = None
    level_label: str = ""
    top: float | UnsetType = UNSET

    @property
    def curves(self) -> tuple[str, ...]:
        return (self.y,) if isinstance(self.y, str) else self.y


class Curves(Figure, frozen=True, tag="curves"):
    """Curves averaged over the replicates, with their spread.

    `panels` are one below (or beside) the other, each a `Panel` or just the name of a curve; one stands without a
    tuple. "overlay" draws the arms
    over each other; `columns="arms"` draws each arm in a column of its own. `x` names the curve that holds the abscissa
    (default: 1, 2, 3, ...); without `x_label` the axis says what the recipe's `metrics` say. `mark` names
    a metric at whose value a vertical line stands, in the arms `mark_arms` (default: in all that have the metric; cards
    without it have no such field). `printed` gives the document's values as {curve: {arm: [..]}} to be
    drawn as crosses, at `printed_x` where that is not 1, 2, 3, ... `x_log` makes the abscissa logarithmic. `alone`
    draws the first replicate only, where each has drawn something else (cards without it have no such field).

    Where the abscissa is measured too, and each replicate has one point of its own, these points are drawn.
    """

    panels: tuple[Panel | str, ...] | Panel | str
    x: str | None = None
    x_label: str = ""
    columns: Literal["arms", "overlay"] = "overlay"
    mark: str | None = None
    mark_label: str = ""
    printed: Mapping[str, Mapping[str, Sequence[float]]] = {}
    printed_x: tuple[float, ...] = ()
    x_log: bool = False
    mark_arms: tuple[str, ...] | UnsetType = UNSET
    alone: bool | UnsetType = UNSET

    @property
    def axes(self) -> tuple[Panel, ...]:
        """The panels, each as a `Panel`."""
        return tuple(Panel(one, one) if isinstance(one, str) else one for one in self._declared())

    def _declared(self) -> tuple[Panel | str, ...]:
        return self.panels if isinstance(self.panels, tuple) else (self.panels,)

    def labelled(self, metrics: Mapping[str, Metric]) -> "Curves":
        panels = (Panel(one) if isinstance(one, str) else one for one in self._declared())
        labelled = tuple(replace(one, label=one.label or label(one.curves, metrics)) for one in panels)
        first = metrics.get(labelled[0].curves[0]) if labelled and labelled[0].curves else None
        x = label((self.x,), metrics) if self.x else (first.per if first else "") or "epoch"
        return replace(self, panels=labelled, x_label=self.x_label or x)

    def caption(self, n: int) -> str:
        logarithmic = any(panel.log for panel in self.axes)
        robust = " On logarithmic axes: medians and the middle 68 %." if logarithmic else ""
        one = "The first replicate alone." if self.alone is True else "One replicate."
        return self._caption(
            f"Lines are means over {n} replicates, bands one standard deviation.{robust}"
            if n > 1 and self.alone is not True
            else one
        )

    def _caption(self, spread: str) -> str:
        printed = " Crosses are the values that the document prints." if self.printed else ""
        mark = f" The dashed line marks: {self.mark_label}." if self.mark else ""
        tops = dict.fromkeys(panel.top for panel in self.axes if panel.top is not UNSET)
        cut = "".join(f" Values above {top:g} are cut off." for top in tops)
        return f"{self.title}. {spread}{printed}{mark}{cut}"

    def draw(self, records: Sequence[Record]) -> "Plot":
        import matplotlib.pyplot as plt

        frames, arms = self._points(records)
        by_arm = self.columns == "arms"
        columns = len(arms if by_arm else self.axes)
        rows = len(self.axes) if by_arm else 1
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(max(6.0, 4.0 * columns), 3.0 * rows + 0.6),
            squeeze=False,
            sharex=True,
            sharey="row" if by_arm else False,
        )
        for index, (panel, frame) in enumerate(zip(self.axes, frames, strict=True)):
            lines = _cloud if _is_cloud(frame) else partial(_lines, log=panel.log)
            if by_arm:
                names = list(dict.fromkeys(frame["curve"]))
                for ax, arm in zip(axes[index], arms, strict=True):
                    mine, legend = frame[frame["arm"] == arm], ax is axes[index, -1]
                    _draw(lines, ax, mine, "curve", names, legend=legend)
                    ax.set_title(arm if index == 0 else "")
                    self._finish(ax, panel, label_x=index == rows - 1)
                    self._mark(ax, records, arm, named=index == 0)
            else:
                ax = axes[0, index]
                _draw(lines, ax, frame, "arm", arms, legend=index == columns - 1)
                for name in panel.curves:
                    _printed(ax, self.printed.get(name, {}), arms, self.printed_x or None)
                self._finish(ax, panel, label_x=True)
        return figure

    def chart(self, records: Sequence[Record]) -> Chart:
        frames, arms = self._points(records)
        clouds = [_is_cloud(frame) for frame in frames]
        found = [
            Points((str(place), arm, curve), points)
            for place, (panel, frame, cloud) in enumerate(zip(self.axes, frames, clouds, strict=True), 1)
            for arm in arms
            for curve, points in _summed_up(frame[frame["arm"] == arm], log=panel.log, cloud=cloud)
        ]
        found += self._printed_series(arms)
        marked = {arm: at for arm in arms if (at := self._mark_at(records, arm)) is not None}
        return Chart(
            names=("panel", "arm", "curve"),
            columns=(self.x_label or self.x or "x", "middle", "low", "high"),
            series=tuple(found),
            axes=tuple(
                ChartAxes(one.label, one.log, one.level, one.level_label, None if one.top is UNSET else one.top, cloud)
                for one, cloud in zip(self.axes, clouds, strict=True)
            ),
            marks=tuple(
                Mark(at, self.mark_label, tuple(arm for arm in marked if marked[arm] == at))
                for at in dict.fromkeys(marked.values())
            ),
            x_label=self.x_label,
            x_log=self.x_log,
            caption=self._caption(f"Points are the {len(records)} replicates.") if all(clouds) else "",
        )

    def _printed_series(self, arms: Sequence[str]) -> list[Points]:
        """What the document prints, as points without a spread."""
        found = []
        for place, panel in enumerate(self.axes, 1):
            for name in panel.curves:
                for arm, row in self.printed.get(name, {}).items():
                    x = self.printed_x[: len(row)] or range(1, len(row) + 1)
                    none = (None,) * len(row)
                    if arm in arms:
                        of = (str(place), arm, f"{name.replace('_', ' ')}, printed")
                        found.append(Points(of, (cells(x), cells(row), none, none)))
        return found

    def _points(self, records: Sequence[Record]) -> tuple[list["pd.DataFrame"], list[str]]:
        """The points of each panel, and the arms that have some; FigureError when there are none."""
        self._require_names(records)
        records = self._drawn(records)
        frames = [_frame(records, panel.curves, self.x) for panel in self.axes]
        frames = [frame[frame["y"] > 0] if one.log else frame for one, frame in zip(self.axes, frames, strict=True)]
        arms = [arm for arm in records[0].arms if any((frame["arm"] == arm).any() for frame in frames)]
        if not arms:
            positive = " positive" if any(panel.log for panel in self.axes) else ""
            raise FigureError(f"Its curves hold no{positive} value.")
        return frames, arms

    def _drawn(self, records: Sequence[Record]) -> Sequence[Record]:
        return [min(records, key=lambda one: one.replicate.seed)] if self.alone is True else records

    def _require_names(self, records: Sequence[Record]) -> None:
        there = {name for record in records for arm in record.arms.values() for name in arm.curves}
        drawn = [name for panel in self.axes for name in panel.curves]
        require("curve", [*drawn, *([self.x] if self.x else []), *self.printed], there)
        require("arm", () if self.mark_arms is UNSET else self.mark_arms, records[0].arms)
        require("arm", [arm for by_arm in self.printed.values() for arm in by_arm], records[0].arms)

    def _mark(self, ax: "Axes", records: Sequence[Record], arm: str, *, named: bool) -> None:
        at = self._mark_at(records, arm)
        if at is None:
            return
        ax.axvline(at, color="black", linestyle="--", linewidth=1)
        if named:
            ax.annotate(
                textwrap.fill(self.mark_label, LABEL_WIDTH // 2), (at, 1.0),
                xycoords=ax.get_xaxis_transform(), xytext=(3, -2), textcoords="offset points",
                ha="left", va="top", fontsize=8,
            )  # fmt: skip

    def _mark_at(self, records: Sequence[Record], arm: str) -> float | None:
        """Where the mark stands in an arm; None where what it marks does not happen."""
        if self.mark_arms is not UNSET and arm not in self.mark_arms:
            return None
        value = records[0].arms[arm].metrics.get(self.mark) if self.mark else None
        return None if value is None else number(value)

    def _finish(self, ax: "Axes", panel: Panel, *, label_x: bool) -> None:
        from matplotlib.ticker import MaxNLocator

        ax.set_ylabel(textwrap.fill(panel.label, LABEL_WIDTH))
        ax.set_xlabel(self.x_label if label_x else "")
        if panel.log and ax.lines:
            ax.set_yscale("log")
        if panel.top is not UNSET:
            _end_at(ax, panel.top)
        if self.x_log and ax.lines:
            ax.set_xscale("log", base=2 if _powers_of_two(ax) else 10)
        elif self.x is None or _whole(ax):
            ax.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
        if panel.level is not None:
            ax.axhline(panel.level, color="black", linestyle=":", linewidth=1)
            ax.annotate(
                panel.level_label, (1.0, panel.level), xycoords=ax.get_yaxis_transform(), xytext=(0, 2),
                textcoords="offset points", ha="right", va="bottom", fontsize=8,
            )  # fmt: skip


def _whole(ax: "Axes") -> bool:
    """Whether all abscissas are whole numbers, between which a tick would stand for nothing."""
    found = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in ax.lines] or [np.empty(0)])
    found = found[np.isfinite(found)]
    return bool(found.size) and bool(np.all(found == np.round(found)))


def _frame(records: Sequence[Record], names: Sequence[str], x: str | None) -> "pd.DataFrame":
    """One row per replicate, arm, curve and point."""
    import pandas as pd

    parts = []
    for record in records:
        for arm, data in record.arms.items():
            for name in names:
                if name not in data.curves:
                    continue
                values = [number(value) for value in data.curves[name]]
                points = (
                    [number(value) for value in data.curves[x]]
                    if x and x in data.curves
                    else list(range(1, len(values) + 1))
                )
                length = min(len(values), len(points))
                parts.append(
                    pd.DataFrame(
                        {
                            "x": points[:length],
                            "y": values[:length],
                            "arm": arm,
                            "curve": name.replace("_", " "),
                            "seed": record.replicate.seed,
                        }
                    )
                )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _is_cloud(frame: "pd.DataFrame") -> bool:
    """Whether each of several replicates has one point of its own, at an abscissa that the others need not have."""
    series = frame.groupby(["arm", "curve"])
    one_each = frame.groupby(["arm", "curve", "seed"]).size().eq(1).all()
    return bool(one_each and frame["seed"].nunique() > 1 and series["x"].nunique().gt(1).any())


def _summed_up(frame: "pd.DataFrame", *, log: bool, cloud: bool) -> list[tuple[str, tuple[Any, ...]]]:
    """Each curve's abscissas, with what is drawn there: middle and ends of the spread over the replicates; of a cloud
    the points."""
    found: list[tuple[str, tuple[Any, ...]]] = []
    for curve, part in frame[frame["y"].notna()].groupby("curve", sort=False):
        if cloud:
            none = (None,) * len(part)
            found.append((str(curve), (cells(part["x"]), cells(part["y"]), none, none)))
            continue
        by_x = part.groupby("x")["y"]
        middle = by_x.median() if log else by_x.mean()
        if log:
            low, high = by_x.quantile(0.16), by_x.quantile(0.84)
        else:
            spread = by_x.std()
            low, high = middle - spread, middle + spread
        if part["seed"].nunique() < 2:
            low = high = middle * math.nan
        found.append((str(curve), tuple(map(cells, (middle.index, middle, low, high)))))
    return found


def _draw(
    lines: Callable[..., None], ax: "Axes", frame: "pd.DataFrame", hue: str, order: Sequence[str], *, legend: bool
) -> None:
    """What `lines` draws (`_lines` or `_cloud`) for each value of the column `hue`, with its legend."""
    legend = legend and len(order) > 1  # of one there is nothing to tell apart
    lines(ax, frame, hue, order, legend=legend)
    if legend and (box := ax.get_legend()) is not None:
        import seaborn as sns

        box.set_title("")
        if len(order) > MOST_INSIDE:
            sns.move_legend(ax, "center left", bbox_to_anchor=(1, 0.5))


def _cloud(ax: "Axes", frame: "pd.DataFrame", hue: str, order: Sequence[str], *, legend: bool) -> None:
    """A point for each replicate, in the colours of all in `order`, which panels share."""
    import seaborn as sns

    for name, color, marker in zip(order, sns.color_palette("colorblind", len(order)), cycle(MARKERS)):
        points = frame[frame[hue] == name]
        if len(points):
            ax.plot(points["x"], points["y"], marker, label=name, color=color, markersize=5, alpha=0.8)
    if legend:
        ax.legend()


def _lines(ax: "Axes", frame: "pd.DataFrame", hue: str, order: Sequence[str], *, legend: bool, log: bool) -> None:
    """A line for each value of the column `hue`, in the colours of all in `order`, which panels share."""
    import seaborn as sns

    replicates = frame["seed"].nunique()
    sns.lineplot(
        frame,
        x="x",
        y="y",
        hue=hue,
        hue_order=order,
        style=hue,  # a curve that another one covers shows through its dashes
        style_order=order,
        estimator="median" if log else "mean",  # a logarithmic axis shows ratios; one wild replicate is not the rest
        errorbar=(("pi", 68) if log else "sd") if replicates > 1 else None,
        marker="o" if frame["x"].nunique() <= 15 else None,
        markersize=4,
        markeredgewidth=0,
        palette=sns.color_palette("colorblind", len(order)),
        legend="full" if legend else False,
        ax=ax,
    )
    for name, color in zip(order, sns.color_palette("colorblind", len(order)), strict=True):
        if (points := frame[frame[hue] == name])["x"].nunique() == 1:  # no line to be seen
            ax.plot(points["x"].iloc[0], points["y"].mean(), "D", color=color, markersize=6)


def _printed(ax: "Axes", values: Mapping[str, Sequence[float]], arms: Sequence[str], x: Sequence[float] | None) -> None:
    for arm, row in values.items():
        if arm in arms:
            ax.plot(
                np.arange(1, len(row) + 1) if x is None else x[: len(row)],
                [np.nan if value == 0 and ax.get_yscale() == "log" else value for value in row],
                "x",
                color="black",
                markersize=6,
                markeredgewidth=1.2,
                zorder=5,
            )


def _end_at(ax: "Axes", top: float) -> None:
    """End the ordinate at `top`; where it begins is told by the lines below that, not by what exploded."""
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines])
    shown = values[np.isfinite(values) & (values <= top)]
    if len(shown) and shown.min() < top:
        margin = 0.05 * (top - shown.min())
        ax.set_ylim(shown.min() if ax.get_yscale() == "log" else shown.min() - margin, top)


def _powers_of_two(ax: "Axes") -> bool:
    values = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in ax.lines])
    return bool(len(values)) and bool(np.all(values >= 1)) and bool(np.all(np.log2(values) % 1 == 0))
