"""The trials of all replicates as points."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from msgspec.structs import replace

from keras_reprise.figures.chart import Chart, Points, cells
from keras_reprise.figures.figure import Figure, FigureError, label, require
from keras_reprise.record.fields import Strict
from keras_reprise.record.metric import Metric
from keras_reprise.record.schema import Record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Plot


MOST_IN_A_ROW = 4  # columns; more arms than that stand in two rows


class Box(Strict, frozen=True):
    """A labelled rectangle in a scatter plot: its lower and upper ends in the axes' units."""

    label: str
    x: tuple[float, float]
    y: tuple[float, float]


class Scatter(Figure, frozen=True, tag="scatter"):
    """The trials of all replicates as points: trial values `x` and `y`, coloured by `color`, a column per arm.

    `log` lists which of "x", "y" are logarithmic. `diagonal` draws y = x. `boxes` are drawn in every column, `printed`
    the document's points as {arm: [{x: .., y: ..}, ..]} with the trial values' names. Labels that are left out say
    what the recipe's `metrics` say.
    """

    x: str
    y: str
    x_label: str = ""
    y_label: str = ""
    color: str | None = None
    color_label: str = ""
    log: tuple[Literal["x", "y"], ...] = ()
    diagonal: bool = False
    boxes: tuple[Box, ...] = ()
    printed: Mapping[str, Sequence[Mapping[str, float]]] = {}
    arms: tuple[str, ...] = ()

    def labelled(self, metrics: Mapping[str, Metric]) -> "Scatter":
        return replace(
            self,
            x_label=self.x_label or label((self.x,), metrics),
            y_label=self.y_label or label((self.y,), metrics),
        )

    def caption(self, n: int) -> str:
        return self._caption(f"Every trial of {_replicates(n)} is a point.")

    def _caption(self, points: str) -> str:
        printed = " Crosses are the points that the document prints." if self.printed else ""
        return f"{self.title}. {points}{printed}"

    def draw(self, records: Sequence[Record]) -> "Plot":
        import matplotlib.pyplot as plt
        import pandas as pd
        import seaborn as sns
        from matplotlib.colors import Normalize

        frame = self._trials(records)
        arms, color = list(dict.fromkeys(frame["arm"])), self.color
        columns = len(arms) if len(arms) <= MOST_IN_A_ROW else -(-len(arms) // 2)
        rows = -(-len(arms) // columns)
        figure, grid = plt.subplots(
            rows, columns, figsize=(max(5.0, 4.2 * columns), 3.8 * rows), squeeze=False, sharex=True, sharey=True
        )
        axes = list(grid.flat)[: len(arms)]
        for empty in list(grid.flat)[len(arms) :]:
            empty.remove()
        continuous = color is not None and pd.api.types.is_numeric_dtype(frame[color])
        norm = Normalize(*((frame[color].min(), frame[color].max()) if continuous else (0.0, 1.0)))
        for ax, arm in zip(axes, arms, strict=True):
            part = frame[frame["arm"] == arm]
            if continuous:
                points = ax.scatter(
                    part[self.x], part[self.y], c=part[color], cmap="viridis", norm=norm, s=16, linewidths=0
                )
            else:
                sns.scatterplot(part, x=self.x, y=self.y, hue=color, s=22, linewidth=0, ax=ax, legend=arm == arms[-1])
            self._finish(ax, part, arm)
            ax.set_title(arm if len(arms) > 1 else "")
            below = axes.index(ax) + columns < len(arms)
            ax.set_xlabel("" if below else self.x_label)
            ax.xaxis.label.set_visible(True)
            ax.tick_params(labelbottom=not below)
            ax.set_ylabel(self.y_label if ax in grid[:, 0] else "")
        if continuous:
            figure.colorbar(points, ax=axes, label=self.color_label)
        elif (legend := axes[-1].get_legend()) is not None:
            legend.set_title(self.color_label)
            sns.move_legend(axes[-1], "center left", bbox_to_anchor=(1, 0.5))
        return figure

    def chart(self, records: Sequence[Record]) -> Chart:
        from keras_reprise.figures.trials import trial_count

        frame, columns = self._trials(records), [name for name in (self.x, self.y, self.color) if name]
        found = [
            Points((str(arm),), tuple(cells(part[name]) for name in columns))
            for arm, part in frame.groupby("arm", sort=False)
        ]
        total = trial_count(records, self.arms)
        positive = ", or not positive on a logarithmic axis" if self.log else ""
        some = (
            f"Points are {len(frame)} of the {total} trials of {_replicates(len(records))}; of the others a value is"
            f" missing or not finite{positive}."
        )
        caption = self._caption(some) if len(frame) < total else ""
        return Chart(names=("arm",), columns=tuple(columns), series=tuple(found), caption=caption)

    def _trials(self, records: Sequence[Record]) -> "pd.DataFrame":
        """The trials that are points; FigureError when there are none."""
        import pandas as pd

        from keras_reprise.figures.trials import trials_table

        require("arm", self.printed, records[0].arms)
        frame = trials_table(records, self.arms, [name for name in (self.x, self.y, self.color) if name])
        frame = frame[np.isfinite(frame[self.x].astype(float)) & np.isfinite(frame[self.y].astype(float))]
        for axis in self.log:
            frame = frame[frame[self.x if axis == "x" else self.y].astype(float) > 0]
        if self.color is not None:
            colors = frame[self.color]
            number = pd.api.types.is_numeric_dtype(colors)
            frame = frame[np.isfinite(colors.astype(float)) if number else colors.notna()]
        if frame.empty:
            positive = ", and positive on logarithmic axes" if self.log else ""
            colored = f", where there is a `{self.color}`" if self.color is not None else ""
            raise FigureError(f"In no trial both `{self.x}` and `{self.y}` are finite{positive}{colored}.")
        return frame

    def _finish(self, ax: "Axes", part: "pd.DataFrame", arm: str) -> None:
        """Scales, the document's points, boxes and the diagonal of an arm's column."""
        x, y = self.x, self.y
        for name, scale in (("x", ax.set_xscale), ("y", ax.set_yscale)):
            if name in self.log:
                scale("log")
        if printed := self.printed.get(arm, ()):
            ax.plot([p[x] for p in printed], [p[y] for p in printed], "x", color="black", markersize=6, zorder=5)
        for box in self.boxes:
            _box(ax, box)
        if self.diagonal:
            low = min(part[x].min(), part[y].min())
            ends = [max(low, 1e-12) if self.log else low, max(part[x].max(), part[y].max())]
            ax.plot(ends, ends, color="black", linewidth=1, linestyle="--")


def _replicates(n: int) -> str:
    return f"{n} replicate{'s' if n > 1 else ''}"


def _box(ax: "Axes", box: Box) -> None:
    (left, right), (low, high) = box.x, box.y
    ax.plot([left, right, right, left, left], [low, low, high, high, low], color="black", linewidth=1)
    ax.annotate(box.label, (left, high), xytext=(2, 2), textcoords="offset points", fontsize=8)
