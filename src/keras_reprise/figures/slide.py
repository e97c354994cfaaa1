"""A figure for a talk: 16:9, with the rule, its verdict, the number and the source in it, all of it legible when projected.

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
    from matplotlib.figure import Figure as Plot

WIDTH, HEIGHT = 40 / 3, 7.5  # inches
SMALLEST = HEIGHT * 72 / 30  # points
LARGE = 1.5 * SMALLEST
EDGE = 0.035  # of the width, free on both sides
LINE = 1.35 / 30  # of the height, of the smallest text
FORMS = ("png", "svg", "pdf")
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
    """What a slide says: the rule, its verdict ("" where it has none), what was found, and lines at its foot."""

    rule: str
    verdict: str
    found: str
    foot: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """The numbers of a claim over the replicates, with the interval in which they must lie, for want of a figure."""

    label: str
    values: tuple[float, ...]
    interval: tuple[float | None, float | None]


def draw_slide(
    document: Mapping[str, object] | None, records: Sequence[Record], sample: Sample | None, words: SlideWords, form: str
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
    bottom = _foot(figure, words.foot)
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(EDGE / 2, bottom, 1 - EDGE, top - bottom))
    return figure


def _head(figure: "Plot", words: SlideWords) -> float:
    """Rule, verdict and number; returns how far down they reach."""
    y = 1 - LINE
    for line in _lines(words.rule, LARGE, 2):
        figure.text(EDGE, y, line, fontsize=LARGE, weight="bold", va="top")
        y -= LINE * LARGE / SMALLEST
    sign, colour = VERDICTS.get(words.verdict, PLAIN)
    y -= LINE / 3
    told = f"{sign} {words.verdict or 'no verdict'}"
    figure.text(EDGE, y, told, fontsize=LARGE * 0.85, color=colour, weight="bold", va="top")
    y -= 1.2 * LINE * LARGE / SMALLEST
    for line in _lines(words.found, SMALLEST, 2):
        figure.text(EDGE, y, line, fontsize=SMALLEST, va="top")
        y -= LINE
    return y - LINE / 3


def _foot(figure: "Plot", lines: Sequence[str]) -> float:
    """What is at the foot, each in one line; returns how far up it reaches."""
    y = LINE / 2
    for line in reversed(lines):
        (shown,) = _lines(line, SMALLEST, 1) or [""]
        figure.text(EDGE, y, shown, fontsize=SMALLEST, color="#57606a", va="bottom")
        y += LINE
    return y + LINE / 3


def _lines(text: str, points: float, most: int) -> list[str]:
    """The text in at most so many lines of the slide's width."""
    characters = int(WIDTH * (1 - 2 * EDGE) * 72 / (0.6 * points))
    return textwrap.wrap(printable(" ".join(text.split())), characters, max_lines=most, placeholder=" …")


def _numbers(sample: Sample) -> "Plot":
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
