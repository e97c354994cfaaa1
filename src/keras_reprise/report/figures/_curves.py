"""Curves over epochs or another abscissa: means (medians on logarithmic axes) with their spread over the replicates."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_reprise.record.schema import Record, number

MOST_INSIDE = 5  # entries of a legend inside the axes


def curves(specification: Mapping[str, Any], records: Sequence[Record]) -> Figure | None:
    panels = specification["panels"]
    frames = [_frame(records, panel["y"], specification.get("x")) for panel in panels]
    frames = [frame[frame["y"] > 0] if panel.get("log") else frame for panel, frame in zip(panels, frames, strict=True)]
    arms = [arm for arm in records[0].arms if any((frame["arm"] == arm).any() for frame in frames)]
    if not arms:
        return None
    by_arm = specification.get("columns") == "arms"
    columns = arms if by_arm else panels
    rows = len(panels) if by_arm else 1
    figure, axes = plt.subplots(
        rows,
        len(columns),
        figsize=(max(6.0, 4.0 * len(columns)), 3.0 * rows + 0.6),
        squeeze=False,
        sharex=True,
        sharey="row" if by_arm else False,
    )
    for index, (panel, frame) in enumerate(zip(panels, frames, strict=True)):
        if by_arm:
            for column, arm in enumerate(arms):
                ax = axes[index, column]
                _lines(
                    ax, frame[frame["arm"] == arm], "curve", legend=column == len(arms) - 1, log=bool(panel.get("log"))
                )
                ax.set_title(arm if index == 0 else "")
                _finish(ax, panel, specification, label_x=index == rows - 1)
                _mark(ax, specification, records, arm)
        else:
            ax = axes[0, index]
            _lines(ax, frame, "arm", legend=index == len(panels) - 1, log=bool(panel.get("log")))
            for name in panel["y"]:
                printed_x = specification.get("printed_x") or None
                _printed(ax, specification.get("printed", {}).get(name, {}), arms, printed_x)
            _finish(ax, panel, specification, label_x=True)
    return figure


def _frame(records: Sequence[Record], names: Sequence[str], x: str | None) -> pd.DataFrame:
    """One row per replicate, arm, curve and point."""
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
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["x", "y", "arm", "curve", "seed"])


def _lines(ax: Axes, frame: pd.DataFrame, hue: str, *, legend: bool, log: bool) -> None:
    replicates = frame["seed"].nunique()
    order = list(dict.fromkeys(frame[hue]))
    sns.lineplot(
        frame,
        x="x",
        y="y",
        hue=hue,
        hue_order=order,
        style=hue,  # a curve that another one covers shows through its dashes
        style_order=order,
        estimator="median"
        if log
        else "mean",  # a logarithmic axis shows ratios, and one wild replicate is not the rest
        errorbar=(("pi", 68) if log else "sd") if replicates > 1 else None,
        marker="o" if frame["x"].nunique() <= 15 else None,
        markersize=4,
        markeredgewidth=0,
        palette=sns.color_palette("colorblind", frame[hue].nunique()),
        legend="full" if legend else False,
        ax=ax,
    )
    for name, color in zip(order, sns.color_palette("colorblind", len(order)), strict=True):
        if (points := frame[frame[hue] == name])["x"].nunique() == 1:  # no line to be seen
            ax.plot(points["x"].iloc[0], points["y"].mean(), "D", color=color, markersize=6)
    if legend and (box := ax.get_legend()) is not None:
        box.set_title("")
        if len(order) > MOST_INSIDE:
            sns.move_legend(ax, "center left", bbox_to_anchor=(1, 0.5))


def _printed(ax: Axes, values: Mapping[str, Sequence[float]], arms: Sequence[str], x: Sequence[float] | None) -> None:
    colors = dict(zip(arms, sns.color_palette("colorblind", len(arms)), strict=True))
    for arm, row in values.items():
        if arm in colors:
            ax.plot(
                np.arange(1, len(row) + 1) if x is None else x[: len(row)],
                [np.nan if value == 0 and ax.get_yscale() == "log" else value for value in row],
                "x",
                color="black",
                markersize=6,
                markeredgewidth=1.2,
                zorder=5,
            )


def _mark(ax: Axes, specification: Mapping[str, Any], records: Sequence[Record], arm: str) -> None:
    name = specification.get("mark")
    value = records[0].arms[arm].metrics.get(name) if name else None
    if value is not None:
        ax.axvline(number(value), color="black", linestyle="--", linewidth=1)


def _finish(ax: Axes, panel: Mapping[str, Any], specification: Mapping[str, Any], *, label_x: bool) -> None:
    ax.set_ylabel(panel["label"])
    ax.set_xlabel(specification.get("x_label", "") if label_x else "")
    if panel.get("log") and ax.lines:
        ax.set_yscale("log")
    if specification.get("x_log") and ax.lines:
        ax.set_xscale("log", base=2 if _powers_of_two(ax) else 10)
    if panel.get("level") is not None:
        ax.axhline(panel["level"], color="black", linestyle=":", linewidth=1)
        where = (1.0, panel["level"])
        ax.annotate(
            panel.get("level_label", ""), where, xycoords=ax.get_yaxis_transform(), xytext=(0, 2),
            textcoords="offset points", ha="right", va="bottom", fontsize=8,
        )  # fmt: skip


def _powers_of_two(ax: Axes) -> bool:
    values = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in ax.lines])
    return bool(len(values)) and bool(np.all(values >= 1)) and bool(np.all(np.log2(values) % 1 == 0))
