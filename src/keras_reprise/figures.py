"""Figures from records: SVG, the same bytes for the same records. The only module that imports seaborn.

A figure is drawn from the specification in the recipe's card, so that old records can be drawn without their recipe.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_reprise.errors import IntegrityError
from keras_reprise.record import HistogramData, Record, decode_trial, number

STYLE: Any = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "keras-reprise",
}
WRAP = 7
MOST_INSIDE = 5  # entries of a legend inside the axes


def draw(specification: Mapping[str, Any], records: Sequence[Record]) -> bytes | None:
    """The figure of the replicates `records` as SVG; None when they hold nothing of what it shows."""
    kinds = {"curves": _curves, "histogram-grid": _histogram_grid, "scatter": _scatter, "heat-map": _heat_map}
    kind = specification.get("kind")
    if kind not in kinds:
        raise IntegrityError(f"The figure kind {kind!r} is unknown.\nUpdate keras-reprise to draw it.")
    with mpl.rc_context(), sns.axes_style("whitegrid"), sns.color_palette("colorblind"):
        mpl.rcParams.update(STYLE)
        figure = kinds[kind](specification, records)
        if figure is None:
            return None
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "keras-reprise"})
        plt.close(figure)
    return b"\n".join(line.rstrip() for line in buffer.getvalue().split(b"\n"))


def caption(specification: Mapping[str, Any], n: int) -> str:
    """What the figure shows, for the text below it and for readers who cannot see it."""
    if specification.get("kind") == "curves":
        logarithmic = any(panel.get("log") for panel in specification.get("panels", ()))
        robust = " On logarithmic axes: medians and the middle 68 %." if logarithmic else ""
        spread = (
            f"Lines are means over {n} replicates, bands one standard deviation.{robust}" if n > 1 else "One replicate."
        )
        printed = " Crosses are the values that the document prints." if specification.get("printed") else ""
        mark = f" The dashed line marks: {specification['mark_label']}." if specification.get("mark") else ""
        return f"{specification['title']}. {spread}{printed}{mark}"
    if specification.get("kind") == "scatter":
        printed = " Crosses are the points that the document prints." if specification.get("printed") else ""
        return f"{specification['title']}. Every trial of {n} replicate{'s' if n > 1 else ''} is a point.{printed}"
    if specification.get("kind") == "heat-map":
        return f"{specification['title']}. {f'Means over {n} replicates' if n > 1 else 'One replicate'}."
    return f"{specification['title']}. Counts of {n} replicate{'s' if n > 1 else ''} together."


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


def _curves(specification: Mapping[str, Any], records: Sequence[Record]) -> Figure | None:
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


def _scatter(specification: Mapping[str, Any], records: Sequence[Record]) -> Figure | None:
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


def _box(ax: Axes, box: Mapping[str, Any]) -> None:
    (left, right), (low, high) = box["x"], box["y"]
    ax.plot([left, right, right, left, left], [low, low, high, high, low], color="black", linewidth=1)
    ax.annotate(box["label"], (left, high), xytext=(2, 2), textcoords="offset points", fontsize=8)


def _heat_map(specification: Mapping[str, Any], records: Sequence[Record]) -> Figure | None:
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
        ax.set_title(arm if len(arms) > 1 else "")
        ax.set_xlabel(specification["column_label"])
        ax.set_ylabel(specification["row_label"] if ax is axes[0, 0] else "")
    return figure


def _histogram_grid(specification: Mapping[str, Any], records: Sequence[Record]) -> Figure | None:
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


def _total(records: Sequence[Record], arm: str, name: str) -> HistogramData | None:
    found = [record.arms[arm].histograms[name] for record in records if name in record.arms[arm].histograms]
    if not found:
        return None
    same = [h for h in found if (h.lo, h.hi, len(h.counts)) == (found[0].lo, found[0].hi, len(found[0].counts))]
    counts = np.sum([h.counts for h in same], axis=0).tolist()
    return HistogramData(found[0].lo, found[0].hi, counts, sum(h.below for h in same), sum(h.above for h in same))


def _steps(ax: Axes, histogram: HistogramData, color: Any, label: str, *, filled: bool) -> None:
    counts = np.asarray(histogram.counts, dtype=float)
    edges = np.linspace(histogram.lo, histogram.hi, len(counts) + 1)
    share = counts / max(counts.sum() + histogram.below + histogram.above, 1.0)
    ax.stairs(share, edges, color=color, label=label, fill=filled, alpha=0.45 if filled else 1.0)
    if filled:
        ax.stairs(share, edges, color=color, linewidth=1.0)
