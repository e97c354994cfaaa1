"""Curves over epochs or another abscissa: means (medians on logarithmic axes) with their spread over the replicates."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle
from statistics import fmean
from typing import TYPE_CHECKING, Literal, NamedTuple

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
SHOWN = ["y", "low", "high"]  # a middle and the ends of its spread


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
    tuple. "overlay" draws the arms over each other (of a panel of several curves in colours, and the curves in dashes);
    `columns="arms"` draws each arm in a column of its own. `x` names the curve that holds the abscissa
    (default: 1, 2, 3, ...), without which an arm is left out; without `x_label` the axis says what the recipe's
    `metrics` say. `mark` names a metric at whose mean a vertical line stands, in the arms `mark_arms` (default: in all
    that have the metric; cards without it have no such field). `printed` gives the document's values as
    {curve: {arm: [..]}} to be drawn as crosses, at `printed_x` where that is not 1, 2, 3, ... `x_log` makes the
    abscissa logarithmic. `alone` draws the first replicate only, where each has drawn something else (cards without it
    have no such field).

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
        return self._caption(self._spread(n))

    def _spread(self, n: int) -> str:
        """What lines and bands are."""
        if self.alone is True:
            return "The first replicate alone."
        if n < 2:
            return "One replicate."
        logarithmic = any(panel.log for panel in self.axes)
        robust = " On logarithmic axes: medians and the middle 68 %." if logarithmic else ""
        return f"Lines are means over {n} replicates, bands one standard deviation.{robust}"

    def _caption(self, spread: str) -> str:
        printed = " Crosses are the values that the document prints." if self.printed else ""
        mark = f" The dashed line marks: {self.mark_label}." if self.mark else ""
        tops = dict.fromkeys(panel.top for panel in self.axes if panel.top is not UNSET)
        cut = "".join(f" Values above {top:g} are cut off." for top in tops)
        return f"{self.title}. {spread}{printed}{mark}{cut}"

    def draw(self, records: Sequence[Record]) -> "Plot":
        import matplotlib.pyplot as plt

        frames, clouds, arms = self._points(records)
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
        for index, (panel, frame, cloud) in enumerate(zip(self.axes, frames, clouds, strict=True)):
            curves, row = list(dict.fromkeys(frame["curve"])), axes[index if by_arm else 0]
            places = [(ax, [arm]) for ax, arm in zip(row, arms, strict=True)] if by_arm else [(row[index], arms)]
            for ax, mine in places:
                legend = ax is row[-1] or (len(curves) > 1 and not by_arm)
                _draw(ax, frame[frame["arm"].isin(mine)], _look(mine, curves), cloud=cloud, legend=legend)
                for name in panel.curves:
                    _printed(ax, self.printed.get(name, {}), mine, self.printed_x or None)
                if by_arm and index == 0:
                    ax.set_title(mine[0])
                self._finish(ax, panel, label_x=not by_arm or index == rows - 1)
                self._mark(ax, self._marks(records, mine), mine, named=index == 0)
        return figure

    def chart(self, records: Sequence[Record]) -> Chart:
        frames, clouds, arms = self._points(records)
        found = [
            Points((str(place), str(arm), str(curve)), tuple(cells(part[name]) for name in ("x", *SHOWN)))
            for place, frame in enumerate(frames, 1)
            for (arm, curve), part in frame.groupby(["arm", "curve"], sort=False)
        ]
        found += self._printed_series(arms)
        spread = f"Points are the {len(records)} replicates." if all(clouds) else self._spread(len(records))
        omissions = self._omissions(records, frames)
        return Chart(
            names=("panel", "arm", "curve"),
            columns=(self.x_label or self.x or "x", "middle", "low", "high"),
            series=tuple(found),
            axes=tuple(
                ChartAxes(one.label, one.log, one.level, one.level_label, None if one.top is UNSET else one.top, cloud)
                for one, cloud in zip(self.axes, clouds, strict=True)
            ),
            marks=tuple(Mark(at, self.mark_label, tuple(of)) for at, of in self._marks(records, arms).items()),
            x_label=self.x_label,
            x_log=self.x_log,
            caption=self._caption(f"{spread}{omissions}") if all(clouds) or omissions else "",
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

    def _points(self, records: Sequence[Record]) -> tuple[list["pd.DataFrame"], list[bool], list[str]]:
        """The points of each panel, whether they are a cloud, and the arms that have some; FigureError when there are
        none."""
        self._require_names(records)
        records = self._drawn(records)
        measured = [_frame(records, panel.curves, self.x) for panel in self.axes]
        visible = [frame[frame["y"] > 0] if one.log else frame for one, frame in zip(self.axes, measured, strict=True)]
        arms = [arm for arm in records[0].arms if any((frame["arm"] == arm).any() for frame in visible)]
        if not arms:
            positive = " positive" if any(panel.log for panel in self.axes) else ""
            raise FigureError(f"Its curves hold no{positive} value.")
        clouds = [_is_cloud(frame) for frame in visible]
        frames = [
            _summed_up(frame, arms, log=one.log, cloud=cloud)
            for one, frame, cloud in zip(self.axes, measured, clouds, strict=True)
        ]
        return frames, clouds, arms

    def _omissions(self, records: Sequence[Record], frames: Sequence["pd.DataFrame"]) -> str:
        """What a caption says of points over fewer replicates, and of what is not drawn."""
        records, said = self._drawn(records), ""
        n = len({record.replicate.seed for record in records})
        counts = [(arm, int(count)) for one in frames for arm, count in zip(one["arm"], one["n"], strict=True)]
        if fewer := dict.fromkeys(arm for arm, count in counts if count < n):
            least = min(count for _, count in counts)
            said += f" In {', '.join(fewer)} some points are over fewer replicates, {least} at least."
        if any(np.isinf(frame["y"]).any() for frame in frames):
            said += " What is infinite is not drawn."
        drawn = {name for panel in self.axes for name in panel.curves}
        arms = [(arm, data.curves) for record in records for arm, data in record.arms.items()]
        placed = {arm for arm, curves in arms if not self.x or curves.get(self.x)}
        if lost := dict.fromkeys(arm for arm, curves in arms if arm not in placed and drawn & curves.keys()):
            said += f" Left out, for want of {self.x_label or self.x}: {', '.join(lost)}."
        return said

    def _drawn(self, records: Sequence[Record]) -> Sequence[Record]:
        return [min(records, key=lambda one: one.replicate.seed)] if self.alone is True else records

    def _require_names(self, records: Sequence[Record]) -> None:
        there = {name for record in records for arm in record.arms.values() for name in arm.curves}
        drawn = [name for panel in self.axes for name in panel.curves]
        require("curve", [*drawn, *([self.x] if self.x else []), *self.printed], there)
        require("arm", () if self.mark_arms is UNSET else self.mark_arms, records[0].arms)
        require("arm", [arm for by_arm in self.printed.values() for arm in by_arm], records[0].arms)

    def _mark(self, ax: "Axes", marks: Mapping[float, Sequence[str]], arms: Sequence[str], *, named: bool) -> None:
        """Upright lines; their names stand one below the other, with the arms of a mark that is not of all `arms`."""
        lines = 0
        for at, of in marks.items():
            ax.axvline(at, color="black", linestyle="--", linewidth=1)
            if named:
                said = self.mark_label if len(of) == len(arms) else f"{self.mark_label} ({', '.join(of)})".strip()
                text = textwrap.fill(said, LABEL_WIDTH // 2)
                ax.annotate(
                    text, (at, 1.0),
                    xycoords=ax.get_xaxis_transform(), xytext=(3, -2 - 10 * lines), textcoords="offset points",
                    ha="left", va="top", fontsize=8,
                )  # fmt: skip
                lines += text.count("\n") + 1

    def _marks(self, records: Sequence[Record], arms: Sequence[str]) -> dict[float, list[str]]:
        """Where marks stand, each with its arms."""
        found: dict[float, list[str]] = {}
        for arm in arms:
            if (at := self._mark_at(self._drawn(records), arm)) is not None:
                found.setdefault(at, []).append(arm)
        return found

    def _mark_at(self, records: Sequence[Record], arm: str) -> float | None:
        """Where the mark stands in an arm, the mean over the replicates; None where what it marks does not happen."""
        if self.mark is None or (self.mark_arms is not UNSET and arm not in self.mark_arms):
            return None
        values = [record.arms[arm].metrics.get(self.mark, "nan") for record in records if arm in record.arms]
        finite = [value for value in map(number, values) if math.isfinite(value)]
        return fmean(finite) if finite else None

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
                if not data.curves.get(name) or (x and not data.curves.get(x)):  # nothing, or nowhere to put it
                    continue
                values = [number(value) for value in data.curves[name]]
                points = [number(value) for value in data.curves[x]] if x else list(range(1, len(values) + 1))
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
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    return found.astype({"x": float, "y": float})


def _is_cloud(frame: "pd.DataFrame") -> bool:
    """Whether each of several replicates has one point of its own, at an abscissa that the others need not have."""
    series = frame.groupby(["arm", "curve"])
    one_each = frame.groupby(["arm", "curve", "seed"]).size().eq(1).all()
    return bool(one_each and frame["seed"].nunique() > 1 and series["x"].nunique().gt(1).any())


def _summed_up(frame: "pd.DataFrame", arms: Sequence[str], *, log: bool, cloud: bool) -> "pd.DataFrame":
    """One row per arm, curve and abscissa: `y`, the middle over all replicates, `low` and `high`, the ends of their
    spread, and `n`, how many have a number there; of a cloud its points, `n` to each curve. NaN: nothing to draw."""
    import pandas as pd

    parts = []
    measured = frame[frame["y"].notna()]
    for arm in arms:
        for curve, part in measured[measured["arm"] == arm].groupby("curve", sort=False):
            if cloud:
                parts.append(part.assign(low=math.nan, high=math.nan, n=len(part)))
                continue
            by_x = part.groupby("x")
            n, values = by_x["seed"].nunique(), by_x["y"]
            middle = values.median() if log else values.mean()
            if log:
                low, high = values.quantile(0.16), values.quantile(0.84)
            else:
                spread = values.std()
                low, high = middle - spread, middle + spread
            sums = pd.DataFrame({"y": middle, "low": low.where(n > 1), "high": high.where(n > 1), "n": n})
            parts.append(sums.rename_axis("x").reset_index().assign(arm=arm, curve=str(curve)))
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["arm", "curve", "x", *SHOWN, "n"])
    found = found.astype(dict.fromkeys(("x", *SHOWN), float))
    if log:  # the middle is of all values, and where it is not positive there is nothing to be seen of it
        found[SHOWN] = found[SHOWN].where(found[SHOWN] > 0)
    return found[found["y"].notna()]


class _Look(NamedTuple):
    """The columns whose values colours and dashes (of a cloud: markers) tell apart, with these values in order."""

    color: str
    colors: list[str]
    dash: str
    dashes: list[str]


def _look(arms: list[str], curves: list[str]) -> _Look:
    """Colours tell arms apart and dashes curves; where there is but one of the one, both tell the others apart."""
    colors = ("arm", arms) if len(arms) > 1 else ("curve", curves)
    dashes = ("curve", curves) if len(curves) > 1 else ("arm", arms)
    return _Look(*colors, *dashes)


def _draw(ax: "Axes", frame: "pd.DataFrame", look: _Look, *, cloud: bool, legend: bool) -> None:
    """The points that axes can show, with a legend where there is something to tell apart."""
    shown = frame[np.isfinite(frame["x"]) & np.isfinite(frame["y"])]
    if shown.empty:
        return
    legend = legend and max(len(look.colors), len(look.dashes)) > 1
    (_cloud if cloud else _lines)(ax, shown, look, legend=legend)
    if legend and (box := ax.get_legend()) is not None:
        import seaborn as sns

        box.set_title("")
        for line in box.get_lines():  # dashes of all colours: in an ink that a dark page turns light
            line.set_color("black" if line.get_color() == ".2" else line.get_color())
        if len(box.get_texts()) > MOST_INSIDE:
            sns.move_legend(ax, "center left", bbox_to_anchor=(1, 0.5))


def _cloud(ax: "Axes", frame: "pd.DataFrame", look: _Look, *, legend: bool) -> None:
    """A point for each replicate, in the colours of all in `look`, which panels share."""
    import seaborn as sns

    colors = dict(zip(look.colors, sns.color_palette("colorblind", len(look.colors)), strict=True))
    markers = dict(zip(look.dashes, cycle(MARKERS)))
    for _, points in frame.groupby(["arm", "curve"], sort=False):
        color, marker = points[look.color].iloc[0], points[look.dash].iloc[0]
        label = ", ".join(dict.fromkeys((color, marker)))
        ax.plot(points["x"], points["y"], markers[marker], label=label, color=colors[color], markersize=5, alpha=0.8)
    if legend:
        ax.legend()


def _lines(ax: "Axes", frame: "pd.DataFrame", look: _Look, *, legend: bool) -> None:
    """A line for each arm and curve with a band over its spread, in the colours of all in `look`, shared by panels."""
    import seaborn as sns

    palette = sns.color_palette("colorblind", len(look.colors))
    sns.lineplot(
        frame,
        x="x",
        y="y",
        hue=look.color,
        hue_order=look.colors,
        style=look.dash,  # a curve that another one covers shows through its dashes
        style_order=look.dashes,
        estimator=None,
        errorbar=None,
        marker="o" if frame["x"].nunique() <= 15 else None,
        markersize=4,
        markeredgewidth=0,
        palette=palette,
        legend="full" if legend else False,
        ax=ax,
    )
    colors = dict(zip(look.colors, palette, strict=True))
    for _, points in frame.groupby(["arm", "curve"], sort=False):
        color = colors[points[look.color].iloc[0]]
        if (np.isfinite(points["low"]) & np.isfinite(points["high"])).any():
            ax.fill_between(points["x"], points["low"], points["high"], color=color, alpha=0.2)
        if len(points) == 1:  # no line to be seen
            ax.plot(points["x"], points["y"], "D", color=color, markersize=6)


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
    if not ax.lines:
        return
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines])
    shown = values[np.isfinite(values) & (values <= top)]
    if len(shown) and shown.min() < top:
        margin = 0.05 * (top - shown.min())
        ax.set_ylim(shown.min() if ax.get_yscale() == "log" else shown.min() - margin, top)


def _powers_of_two(ax: "Axes") -> bool:
    values = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in ax.lines])
    return bool(len(values)) and bool(np.all(values >= 1)) and bool(np.all(np.log2(values) % 1 == 0))
