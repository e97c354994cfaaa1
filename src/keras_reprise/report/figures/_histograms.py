"""Histograms side by side, the replicates' counts together."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_reprise.record.histogram import Histogram
from keras_reprise.record.schema import Record

WRAP = 7


def histogram_grid(specification: Mapping[str, Any], records: Sequence[Record]) -> Figure | None:
    series = specification["series"]
    arms = [arm for arm in (specification.get("arms") or records[0].arms) if arm in records[0].arms]
    totals = {
        (arm, column, one): _total(records, arm, f"{one}_{column}")
        for arm in arms
        for column in specification["columns"]
        for one in series
    }
    columns = [
        column for column in specification["columns"] if any(totals[arm, column, one] for arm in arms for one in series)
    ]
    if not columns:
        return None
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
    colors = dict(
        zip(series, sns.color_palette("colorblind" if len(series) < 4 else "viridis", len(series)), strict=True)
    )
    for ax in axes.flat[len(columns) * len(arms) :]:
        ax.set_visible(False)
    for index, (arm, column) in enumerate((arm, column) for arm in arms for column in columns):
        ax = axes.flat[index]
        for one in series:
            if histogram := totals[arm, column, one]:
                _steps(ax, histogram, colors[one], one, filled=len(series) < 4)
        ax.set_yticks([])
        ax.grid(visible=False)
        label = f"{specification.get('column_label', '')} {column}".strip().replace("-", " ")
        ax.set_title(label if index < len(columns) else "", fontsize=9)
        if index % wrap == 0 and len(arms) > 1:
            ax.set_ylabel(arm)
    if len(series) > 1:
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(series))
    figure.supxlabel(specification["x_label"], fontsize=10)
    return figure


def _total(records: Sequence[Record], arm: str, name: str) -> Histogram | None:
    found = [record.arms[arm].histograms[name] for record in records if name in record.arms[arm].histograms]
    if not found:
        return None
    same = [h for h in found if (h.lo, h.hi, len(h.counts)) == (found[0].lo, found[0].hi, len(found[0].counts))]
    counts = np.sum([h.counts for h in same], axis=0).tolist()
    return Histogram(found[0].lo, found[0].hi, counts, sum(h.below for h in same), sum(h.above for h in same))


def _steps(ax: Axes, histogram: Histogram, color: Any, label: str, *, filled: bool) -> None:
    counts = np.asarray(histogram.counts, dtype=float)
    edges = np.linspace(histogram.lo, histogram.hi, len(counts) + 1)
    share = counts / max(counts.sum() + histogram.below + histogram.above, 1.0)
    ax.stairs(share, edges, color=color, label=label, fill=filled, alpha=0.45 if filled else 1.0)
    if filled:
        ax.stairs(share, edges, color=color, linewidth=1.0)
