"""The history of a metric as a figure: its values over time, with their levels. No recipe declares it."""

import datetime
from collections.abc import Sequence
from typing import Any

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure as Plot

from keras_reprise.figures.rendering import render
from keras_reprise.judge.history import Series


def draw_history(found: Sequence[Series], form: str = "svg") -> bytes:
    """The values of a metric over time with its levels, a panel for each series, as SVG or PDF."""
    return render(lambda: _history(found), form)


def _history(found: Sequence[Series]) -> Plot:
    """One panel for each series: the values as points coloured by environment, a line for each level."""
    dates_of: Any = mdates  # its functions have no types
    figure, axes = plt.subplots(len(found), 1, figsize=(8.0, 2.8 * len(found)), squeeze=False)
    for ax, one in zip(axes[:, 0], found, strict=True):
        dates = [float(dates_of.date2num(datetime.datetime.fromisoformat(point.at))) for point in one.points]
        environments = [point.environment[:8] for point in one.points]
        sns.scatterplot(x=dates, y=[point.value for point in one.points], hue=environments, s=28, linewidth=0, ax=ax)
        for a, b, mean in one.levels:
            ax.hlines(mean, dates[a], dates[b - 1], color="black", linewidth=1.2)
        for index in one.changes:
            ax.axvline((dates[index - 1] + dates[index]) / 2, color="black", linewidth=0.8, linestyle="--")
        locator = dates_of.AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(dates_of.ConciseDateFormatter(locator))
        ax.set_title(f"{one.metric} on {one.machine[:8]} ({one.setting})")
        ax.set_ylabel(one.metric.rsplit("/", 1)[-1])
        legend = ax.get_legend()
        if legend is not None:
            legend.set_title("environment")
            sns.move_legend(ax, "center left", bbox_to_anchor=(1, 0.5))
    return figure
