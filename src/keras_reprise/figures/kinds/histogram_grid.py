"""Histograms side by side, the replicates' counts together."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.figures.chart import Chart, Points, cells
from keras_reprise.figures.figure import Figure, FigureError, require
from keras_reprise.record.histogram import Histogram
from keras_reprise.record.schema import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Plot

WRAP = 7
Color = tuple[float, float, float]


class HistogramGrid(Figure, frozen=True, tag="histogram-grid"):
    """Histograms side by side: `columns` are the labels, `series` the overlaid sets, one row per arm.

    A cell draws the histogram named `<series>_<column>` of its arm (all replicates summed). A column of which nothing
    was measured is left out: a small scale may have fewer.
    """

    columns: tuple[str, ...]
    series: tuple[str, ...]
    x_label: str
    column_label: str = ""
    arms: tuple[str, ...] = ()

    def caption(self, n: int) -> str:
        return f"{self.title}. Counts of {n} replicate{'s' if n > 1 else ''} together."

    def draw(self, records: Sequence[Record]) -> "Plot":
        import matplotlib.pyplot as plt
        import seaborn as sns

        require("arm", self.arms, records[0].arms)
        arms, series = self.arms or tuple(records[0].arms), self.series
        columns = self._measured(records, arms)
        wrap = WRAP if len(arms) == 1 and len(columns) > WRAP else len(columns)
        rows = len(arms) if len(arms) > 1 else -(-len(columns) // wrap)
        wide = 1.5 if len(columns) > 4 else 3.2
        figure, axes = plt.subplots(
            rows,
            wrap,
            figsize=(wide * wrap + 0.8, (1.6 if wide < 2 else 2.6) * rows + 0.6),
            squeeze=False,
            sharex=len(arms) == 1 or len(columns) > 4,
        )
        palette = sns.color_palette("colorblind" if len(series) < 4 else "viridis", len(series))
        for ax in axes.flat[len(columns) * len(arms) :]:
            ax.set_visible(False)
        for index, (arm, column) in enumerate((arm, column) for arm in arms for column in columns):
            ax = axes.flat[index]
            for one, color in zip(series, palette, strict=True):
                if same := _counted(records, arm, f"{one}_{column}"):
                    _steps(ax, _total(same), color, one, filled=len(series) < 4)
            ax.set_yticks([])
            ax.grid(visible=False)
            label = f"{self.column_label} {column}".strip().replace("-", " ")
            ax.set_title(label if index < len(columns) else "", fontsize=9)
            if index % wrap == 0 and len(arms) > 1:
                ax.set_ylabel(arm)
        if len(series) > 1:
            drawn = [pair for ax in axes.flat for pair in zip(*ax.get_legend_handles_labels(), strict=True)]
            handles = {label: handle for handle, label in drawn}
            labels = [one for one in series if one in handles]
            figure.legend([handles[one] for one in labels], labels, loc="outside upper right", ncols=len(series))
        figure.supxlabel(self.x_label, fontsize=10)
        return figure

    def chart(self, records: Sequence[Record]) -> Chart:
        require("arm", self.arms, records[0].arms)
        arms = self.arms or tuple(records[0].arms)
        columns, found, least = self._measured(records, arms), [], len(records)
        for arm, column, one in ((arm, column, one) for arm in arms for column in columns for one in self.series):
            if same := _counted(records, arm, f"{one}_{column}"):
                edges, share = _shares(_total(same))
                found.append(Points((arm, column, one), (cells(edges[:-1]), cells(edges[1:]), cells(share))))
                least = min(least, len(same))
        names = ("arm", self.column_label or "column", "series")
        caption = (
            f"{self.title}. Counts of up to {len(records)} replicates together, of {least} at least: those without such"
            " a histogram, or with other bins than the first, are left out."
        )
        return Chart(
            names=names,
            columns=("from", "to", "share"),
            series=tuple(found),
            caption=caption if least < len(records) else "",
        )

    def _measured(self, records: Sequence[Record], arms: Collection[str]) -> list[str]:
        """The columns of which something was measured; FigureError when a series has none."""
        there = {name for record in records for arm in arms for name in record.arms[arm].histograms}
        found = [column for column in self.columns if any(f"{one}_{column}" in there for one in self.series)]
        without = [one for one in self.series if not any(f"{one}_{column}" in there for column in self.columns)]
        require("histogram", [f"{one}_{column}" for one in without for column in self.columns[:1]], there)
        if not found:
            raise FigureError("It has no columns, or no series.")
        return found


def _counted(records: Sequence[Record], arm: str, name: str) -> list[Histogram]:
    """The replicates' histograms of this name that have the bins of the first."""
    found = [record.arms[arm].histograms[name] for record in records if name in record.arms[arm].histograms]
    return [h for h in found if (h.lo, h.hi, len(h.counts)) == (found[0].lo, found[0].hi, len(found[0].counts))]


def _total(same: Sequence[Histogram]) -> Histogram:
    counts = np.sum([h.counts for h in same], axis=0).tolist()
    return Histogram(same[0].lo, same[0].hi, counts, sum(h.below for h in same), sum(h.above for h in same))


def _shares(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """The bins' edges (bins + 1,) and the share of all counts in each (bins,)."""
    counts = np.asarray(histogram.counts, dtype=float)
    edges = np.linspace(histogram.lo, histogram.hi, len(counts) + 1)
    return edges, counts / max(counts.sum() + histogram.below + histogram.above, 1.0)


def _steps(ax: "Axes", histogram: Histogram, color: Color, label: str, *, filled: bool) -> None:
    edges, share = _shares(histogram)
    ax.stairs(share, edges, color=color, label=label, fill=filled, alpha=0.45 if filled else 1.0)
    if filled:
        ax.stairs(share, edges, color=color, linewidth=1.0)
