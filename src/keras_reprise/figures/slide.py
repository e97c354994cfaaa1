"""A figure for a talk: 16:9, with the rule, its verdict, the number and the source in it, all legible when projected.

No text is lower than a thirtieth of the height.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_reprise.base.errors import printable
from keras_reprise.figures import decode
from keras_reprise.figures.figure import FigureError
from keras_reprise.figures.rendering import render
from keras_reprise.record.schema import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Plot

WIDTH, HEIGHT = 40 / 3, 7.5  # inches
SMALLEST = HEIGHT * 72 / 30  # points
LARGE, MIDDLE = 1.4 * SMALLEST, 1.2 * SMALLEST
EDGE = 0.035  # of the width, free on both sides
LINE = 1.3 / 30  # of the height, of the smallest text
AVERAGE = 0.53  # width of a letter over the size of the text, on average
MOST_NUMBERS = 12  # in the cells of one of several heat maps
VERDICTS = {  # a sign and a colour, so that one is enough
    "reproduced": ("\u2714", "#1a7f37"),
    "contradicted": ("\u2718", "#b3261e"),
    "inconclusive": ("?", "#8a5a00"),
}
PLAIN = ("\u2013", "#57606a")
STYLE: Mapping[str, Any] = {
    "axes.titlesize": SMALLEST,
    "axes.titleweight": "normal",
    "font.size": SMALLEST,
    "lines.linewidth": 3.0,
    "lines.markersize": 9.0,
    "savefig.dpi": 144,  # 1920 x 1080 pixels
    "savefig.transparent": False,
    "figure.facecolor": "white",
    "svg.fonttype": "path",  # the same on every machine
}


@dataclass(frozen=True)
class SlideWords:
    """What a slide says: the rule, its verdict ("" where it has none), what was found in several ways of which the
    first that fits is taken, the source, and what the numbers rest on."""

    rule: str
    verdict: str
    found: tuple[str, ...]
    source: str
    rests_on: tuple[str, ...]


@dataclass(frozen=True)
class ClaimNumbers:
    """The numbers of a claim over the replicates, with the interval in which they must lie, for want of a figure."""

    label: str
    values: tuple[float, ...]
    interval: tuple[float | None, float | None]


def draw_slide(
    document: Mapping[str, object] | None,
    records: Sequence[Record],
    sample: ClaimNumbers | None,
    words: SlideWords,
    form: str,
) -> bytes:
    """A slide with the figure that a card holds, of these replicates; without one with the numbers of `sample`.

    `form` is png, svg or pdf. FigureError when there is neither.
    """

    def make() -> "Plot":
        if document is not None:
            figure = decode(document).draw(records)
        elif sample is not None and any(map(math.isfinite, sample.values)):
            figure = _numbers(sample)
        else:
            raise FigureError("There is neither a figure nor a number.")
        return _composed(figure, words)

    return render(make, form, STYLE)


def _composed(figure: "Plot", words: SlideWords) -> "Plot":
    """The figure as a slide: words above and below it, and nothing in it too small."""
    from matplotlib.text import Text

    figure.set_size_inches(WIDTH, HEIGHT)
    for text in figure.findobj(Text):
        text.set_fontsize(max(SMALLEST, float(text.get_fontsize())))
    top = _head(figure, words)
    bottom = _foot(figure, words)
    for ax in figure.axes:
        _legible(ax, rows=len({round(one.get_position().y0, 2) for one in figure.axes}))
    for legend in figure.legends:
        legend.set_bbox_to_anchor((EDGE, bottom, 1 - 2 * EDGE, top - bottom), figure.transFigure)
    if figure.get_supxlabel():
        figure.supxlabel(figure.get_supxlabel(), y=bottom, va="bottom", fontsize=SMALLEST)
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(EDGE / 2, bottom, 1 - EDGE, top - bottom))
    return figure


def _legible(ax: "Axes", rows: int) -> None:
    """What large letters need: the legend beside the axes, labels in lines, few ticks, no numbers in narrow cells."""
    from matplotlib.ticker import AutoLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    if (legend := ax.get_legend()) is not None:
        legend.set_loc("center left")
        legend.set_bbox_to_anchor((1, 0.5), ax.transAxes)
    ax.set_ylabel("\n".join(textwrap.wrap(ax.get_ylabel(), 24 // rows)))
    ax.tick_params(axis="y", labelrotation=0)
    if len(ax.texts) > MOST_NUMBERS and len(ax.figure.axes) > 2:
        for text in list(ax.texts):
            text.remove()
    for axis, ends in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        if axis.get_scale() == "log":
            axis.set_minor_formatter(NullFormatter())
            if min(ends) > 0 and max(ends) / min(ends) < 100:
                axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        elif isinstance(axis.get_major_locator(), AutoLocator):
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


def _head(figure: "Plot", words: SlideWords) -> float:
    """Rule, verdict and number; returns how far down they reach."""
    y = 1 - LINE
    for line in _lines(words.rule, LARGE * 1.12, 2):  # bold letters are wider
        figure.text(EDGE, y, line, fontsize=LARGE, weight="bold", va="top")
        y -= LINE * LARGE / SMALLEST
    sign, colour = VERDICTS.get(words.verdict, PLAIN)
    y -= LINE / 4
    figure.text(
        EDGE, y, f"{sign} {words.verdict or 'no verdict'}", fontsize=MIDDLE, color=colour, weight="bold", va="top"
    )
    y -= LINE * MIDDLE / SMALLEST
    ways = [_lines(way, SMALLEST, 9) for way in words.found]
    for line in next((lines for lines in ways if len(lines) <= 2), ways[-1][:2] if ways else []):
        figure.text(EDGE, y, line, fontsize=SMALLEST, va="top")
        y -= LINE
    return y - LINE / 3


def _foot(figure: "Plot", words: SlideWords) -> float:
    """Source, and what the numbers rest on, in one line if it fits; returns how far up they reach."""
    together = " \u00b7 ".join(words.rests_on)
    lines = _lines(words.source, SMALLEST, 2)
    rests = [together] if len(_lines(together, SMALLEST, 2)) <= 1 else words.rests_on
    lines += [line for one in rests for line in _lines(one, SMALLEST, 1)]
    y = LINE / 2
    for line in reversed(lines):
        figure.text(EDGE, y, line, fontsize=SMALLEST, color="#57606a", va="bottom")
        y += LINE
    return y + LINE / 3


def _lines(text: str, points: float, most: int) -> list[str]:
    """The text in at most so many lines of the slide's width."""
    characters = int(WIDTH * (1 - 2 * EDGE) * 72 / (AVERAGE * points))
    return textwrap.wrap(printable(" ".join(text.split())), characters, max_lines=most, placeholder=" …")


def _numbers(sample: ClaimNumbers) -> "Plot":
    """The replicates' numbers as points, the interval in which they must lie shaded."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    values = [value for value in sample.values if math.isfinite(value)]
    low, high = sample.interval
    spread = [*values, *(end for end in (low, high) if end is not None)]
    margin = 0.15 * (max(spread) - min(spread)) or max(abs(spread[0]), 1.0)
    left, right = min(spread) - margin, max(spread) + margin
    ax.axvspan(left if low is None else low, right if high is None else high, color="#1a7f37", alpha=0.15, lw=0)
    for end in (low, high):
        if end is not None:
            ax.axvline(end, color="#1a7f37", linestyle="--")
    ax.plot(values, range(1, len(values) + 1), "o", color="#0072b2", markersize=14)
    ax.plot([sum(values) / len(values)] * 2, [0.4, len(values) + 0.6], color="#0072b2", linewidth=2)
    ax.set(xlim=(left, right), ylim=(0.4, len(values) + 0.6), yticks=[], ylabel="replicates")
    ax.set_xlabel("\n".join(_lines(f"{sample.label} (shaded: where it must lie)", SMALLEST, 2)))
    return figure
