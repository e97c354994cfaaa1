"""Trials as points or as a table of colours."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_reprise.record.schema import Record, decode_trial


def scatter(specification: Mapping[str, Any], records: Sequence[Record]) -> Figure | None:
    x, y, color = specification["x"], specification["y"], specification.get("color")
    frame = _trials(records, specification.get("arms") or (), [name for name in (x, y, color) if name])
    frame = frame[np.isfinite(frame[x].astype(float)) & np.isfinite(frame[y].astype(float))]
    arms = list(dict.fromkeys(frame["arm"]))
    if not arms:
        return None
    figure, axes = plt.subplots(
        1, len(arms), figsize=(max(5.0, 4.2 * len(arms)), 3.8), squeeze=False, sharex=True, sharey=True
    )
    continuous = color is not None and pd.api.types.is_numeric_dtype(frame[color])
    limits = (frame[color].min(), frame[color].max()) if continuous else (0.0, 1.0)
    norm = mpl.colors.Normalize(*limits)
    for ax, arm in zip(axes[0], arms, strict=True):
        part = frame[frame["arm"] == arm]
        if continuous:
            points = ax.scatter(part[x], part[y], c=part[color], cmap="viridis", norm=norm, s=16, linewidths=0)
        else:
            sns.scatterplot(part, x=x, y=y, hue=color, s=22, linewidth=0, ax=ax, legend=arm == arms[-1])
        for name, scale in (("x", ax.set_xscale), ("y", ax.set_yscale)):
            if name in specification.get("log", ()):
                scale("log")
        printed = specification.get("printed", {}).get(arm, ())
        if printed:
            ax.plot([p[x] for p in printed], [p[y] for p in printed], "x", color="black", markersize=6, zorder=5)
        for box in specification.get("boxes", ()):
            _box(ax, box)
        if specification.get("diagonal"):
            ends = [max(min(part[x].min(), part[y].min()), 1e-12), max(part[x].max(), part[y].max())]
            ax.plot(ends, ends, color="black", linewidth=1, linestyle="--")
        ax.set_title(arm if len(arms) > 1 else "")
        ax.set_xlabel(specification["x_label"])
        ax.set_ylabel(specification["y_label"] if ax is axes[0, 0] else "")
    if continuous:
        figure.colorbar(points, ax=list(axes[0]), label=specification.get("color_label", ""))
    elif (legend := axes[0, -1].get_legend()) is not None:
        legend.set_title(specification.get("color_label", ""))
        sns.move_legend(axes[0, -1], "center left", bbox_to_anchor=(1, 0.5))
    return figure


def heat_map(specification: Mapping[str, Any], records: Sequence[Record]) -> Figure | None:
    row, column, value = specification["row"], specification["column"], specification["value"]
    frame = _trials(records, specification.get("arms") or (), [row, column, value])
    arms = list(dict.fromkeys(frame["arm"]))
    if not arms:
        return None
    rows, columns = list(dict.fromkeys(frame[row])), list(dict.fromkeys(frame[column]))
    figure, axes = plt.subplots(
        1, len(arms), figsize=(max(5.0, (1.0 + 0.75 * len(columns)) * len(arms) + 1.2), 1.4 + 0.55 * len(rows)),
        squeeze=False, sharey=True,
    )  # fmt: skip
    means = frame.groupby(["arm", row, column])[value].mean()
    low, high = means.min(), means.max()
    for ax, arm in zip(axes[0], arms, strict=True):
        table = frame[frame["arm"] == arm].pivot_table(index=row, columns=column, values=value, aggfunc="mean")
        table = table.reindex(index=rows, columns=columns)
        sns.heatmap(
            table, vmin=low, vmax=high, cmap="viridis", annot=True, fmt=".3g", annot_kws={"size": 8},
            cbar=ax is axes[0, -1], cbar_kws={"label": specification["value_label"]}, ax=ax,
        )  # fmt: skip
        for text in ax.texts:  # chosen for its cell: not the ink that a dark page turns light
            text.set_color("#262625" if text.get_color() == ".15" else text.get_color())
        ax.set_title(arm if len(arms) > 1 else "")
        ax.set_xlabel(specification["column_label"])
        ax.set_ylabel(specification["row_label"] if ax is axes[0, 0] else "")
    return figure


def _trials(records: Sequence[Record], arms: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """One row per replicate, arm and trial that has all of `names`."""
    rows = []
    for record in records:
        for arm in arms or record.arms:
            for stored in record.arms[arm].trials if arm in record.arms else ():
                trial = decode_trial(stored)
                if all(name in trial for name in names):
                    rows.append({"arm": arm, **{name: trial[name] for name in names}})
    return pd.DataFrame(rows, columns=["arm", *names])


def _box(ax: Axes, box: Mapping[str, Any]) -> None:
    (left, right), (low, high) = box["x"], box["y"]
    ax.plot([left, right, right, left, left], [low, low, high, high, low], color="black", linewidth=1)
    ax.annotate(box["label"], (left, high), xytext=(2, 2), textcoords="offset points", fontsize=8)
