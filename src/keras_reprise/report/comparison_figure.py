"""A comparison of many environments as a figure: a panel a metric, environments in order. No recipe declares it."""

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Plot
from matplotlib.ticker import FuncFormatter

from keras_reprise.base.columns import cut
from keras_reprise.figures.rendering import INK, render
from keras_reprise.gate.change_points import Overview
from keras_reprise.gate.present import change, short_names
from keras_reprise.gate.rule import Row

COLUMNS, PANEL_WIDTH, PANEL_HEIGHT = 3, 4.0, 2.3  # inches
LEAST_SPAN = math.log(1.06)  # of a panel's ordinate to either side of the reference, so that noise looks like noise
LONGEST_LABEL, LONGEST_NAME = 22, 44  # characters; longer ones are cut


def draw_comparison(found: Overview, form: str = "svg", only: str | None = None) -> bytes:
    """Every metric's ratio to the reference, or that of `only` one, with its 90 % interval, change points marked, as
    SVG, PDF or PNG."""
    return render(lambda: _comparison(found, found.metrics if only is None else [only]), form)


def _comparison(found: Overview, chosen: Sequence[str]) -> Plot:
    metrics = [metric for metric in chosen if found.amount_of_reference(metric) is not None]
    wide = min(COLUMNS, max(1, len(metrics)))
    deep = max(1, -(-len(metrics) // wide))
    figure, axes = plt.subplots(
        deep, wide, figsize=(PANEL_WIDTH * wide, PANEL_HEIGHT * deep + 0.6), squeeze=False, sharex=True
    )
    names = short_names(found.metrics)
    for number, ax in enumerate(axes.flat):
        if number >= len(metrics):
            ax.set_visible(False)
            continue
        _panel(ax, found, metrics[number], names[metrics[number]])
        if number + wide >= len(metrics):
            _label(ax, found.labels)
    if len(metrics) > 1:
        figure.supylabel(
            f"ratio to {cut(found.labels[found.comparison.reference], LONGEST_LABEL)}, 90 % interval", fontsize=10
        )
    return figure


def _panel(ax: Axes, found: Overview, metric: str, name: str) -> None:
    """One metric: a point an environment, filled where the rule calls it changed, a line at each change point."""
    rows = [found.against_reference(metric, number) for number in range(len(found.labels))]
    here = [(n, row) for n, row in enumerate(rows) if row is not None and not math.isnan(row.change)]
    ratio = all(row.ratio for _, row in here)
    changed_colour, plain_colour = sns.color_palette("colorblind")[3], sns.color_palette("colorblind")[0]
    ax.axhline(1.0 if ratio else 0.0, color=INK, linewidth=0.8)
    ax.plot([found.comparison.reference], [1.0 if ratio else 0.0], marker="D", markersize=5, color=INK, linestyle="")
    for number, row in here:
        middle, low, high = (_drawn(row, value) for value in (row.change, row.low, row.high))
        colour = changed_colour if row.suspect else plain_colour
        if math.isfinite(low) and math.isfinite(high):
            ax.plot([number, number], [low, high], color=colour, linewidth=1.6, solid_capstyle="round")
        filled = colour if row.suspect else "white"
        ax.plot([number], [middle], marker="o", markersize=5.5, color=colour, markerfacecolor=filled, linestyle="")
    for number in range(len(found.labels)):
        if found.failed(number, metric):
            ax.plot(
                [number], [0.04], marker="x", markersize=5, color=INK, linestyle="", transform=ax.get_xaxis_transform()
            )
    for point in found.change_points:
        if point.row.metric == metric:
            place = (point.before + point.now) / 2
            ax.axvline(place, color=INK, linewidth=1.0, linestyle=(0, (4, 2)))
            ax.annotate(
                change(point.row, point.row.change), (place, 0.96), xycoords=ax.get_xaxis_transform(), fontsize=8.5,
                xytext=(-3, 0), textcoords="offset points", ha="right", va="top",
            )  # fmt: skip
    ax.set_title(name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}", fontsize=9.5, loc="left")
    _limits(ax, [(_drawn(row, row.low), _drawn(row, row.high)) for _, row in here], ratio)
    ax.grid(axis="x", visible=False)


def _drawn(row: Row, value: float) -> float:
    return math.exp(value) if row.ratio else value if row.worse_when_larger else -value


def _limits(ax: Axes, ends: list[tuple[float, float]], ratio: bool) -> None:
    """The ordinate: logarithmic for ratios, and never so narrow that nothing looks like much."""
    known = [end for both in ends for end in both if math.isfinite(end)]
    if not ratio:
        return
    logs = [math.log(end) for end in known if end > 0]
    ax.set_yscale("log")
    low, high = min([-LEAST_SPAN, *logs]), max([LEAST_SPAN, *logs])
    margin = 0.08 * (high - low)
    ax.set_ylim(math.exp(low - margin), math.exp(high + margin))
    ticks = _ticks(math.exp(low - margin), math.exp(high + margin))
    ax.set_yticks(ticks)
    ax.set_yticks([], minor=True)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _ticks(low: float, high: float) -> list[float]:
    """A handful of round ratios between both, 1 among them."""
    for step in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0):
        found = [round(1 + step * n, 4) for n in range(math.ceil((low - 1) / step), math.floor((high - 1) / step) + 1)]
        found = [one for one in found if one > 0]
        if len(found) <= 6:
            return found
    return [1.0]


def _label(ax: Axes, labels: list[str]) -> None:
    """The environments' names below a panel, upright where they are long."""
    labels = [cut(label, LONGEST_LABEL) for label in labels]
    ax.tick_params(labelbottom=True)
    ax.set_xticks(range(len(labels)))
    crowded = len(labels) * max(map(len, labels)) > 40
    ax.set_xticklabels(labels, rotation=90 if crowded else 0, fontsize=8.5)
