"""A printed page of words: facts, a table, lines at its foot. No recipe declares it."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_reprise.base.errors import printable
from keras_reprise.figures.rendering import render
from keras_reprise.figures.slide import PLAIN, VERDICTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Plot

WIDTH, HEIGHT = 8.27, 11.69  # inches: A4
EDGE = 0.075  # of the width
TITLE, TEXT, SMALL = 20.0, 9.0, 7.5  # points
SPACE = 1.45  # lines
LETTER = 0.51  # width of a letter over the size of the text, on average
MOST_ROWS = 32
STYLE: Mapping[str, Any] = {
    "figure.constrained_layout.use": False,
    "figure.facecolor": "white",
    "pdf.fonttype": 42,
    "savefig.transparent": False,
}


@dataclass(frozen=True)
class PageRow:
    """One rule: its verdict ("" for none), a name, what it says, how often, and by what it is found and replayed."""

    verdict: str
    name: str
    says: str
    n: str
    identifier: str
    replay: str


@dataclass(frozen=True)
class Page:
    """What a page says, from top to bottom."""

    title: str
    answer: str
    facts: tuple[tuple[str, str], ...]
    rows: tuple[PageRow, ...]
    foot: tuple[str, ...]


def draw_page(page: Page, form: str = "pdf") -> bytes:
    """The page as PDF, SVG or PNG: A4, upright."""
    return render(lambda: _Writing(page).figure, form, STYLE)


class _Writing:
    """A page being written, from the top down; `y` is how far it is, in points from the top."""

    def __init__(self, page: Page) -> None:
        import matplotlib.pyplot as plt

        self.figure: Plot = plt.figure(figsize=(WIDTH, HEIGHT))
        self.y = 60.0
        self.line(page.title, TITLE, weight="bold")
        self.line(page.answer, 13.0, weight="bold")
        self.y += 6
        for label, text in page.facts:
            self.fact(label, text)
        self.y += 6
        self.table(page.rows)
        self.y += 6
        for text in page.foot:
            for line in _wrapped(text, SMALL, 1 - 2 * EDGE):
                self.line(line, SMALL, color="#57606a")

    def put(self, x: float, text: str, points: float, **style: Any) -> None:
        self.figure.text(x, 1 - self.y / (HEIGHT * 72), text, fontsize=points, va="baseline", **style)

    def line(self, text: str, points: float, **style: Any) -> None:
        """A line of its own."""
        self.y += points * SPACE
        self.put(EDGE, printable(text), points, **style)

    def fact(self, label: str, text: str) -> None:
        for number, line in enumerate(_wrapped(text, TEXT, 0.72)):
            self.y += TEXT * SPACE
            self.put(EDGE, label if number == 0 else "", TEXT, color="#57606a")
            self.put(EDGE + 0.13, line, TEXT)

    def table(self, rows: Sequence[PageRow]) -> None:
        """The rows, in up to three lines where they are few; those beyond what a page holds are counted."""
        for row in rows[:MOST_ROWS]:
            sign, colour = VERDICTS.get(row.verdict, PLAIN)
            self.y += SMALL * SPACE * (1.15 if len(rows) > MOST_ROWS // 2 else 1.5)
            self.put(EDGE, sign, SMALL, color=colour, weight="bold")
            self.put(EDGE + 0.02, row.verdict or "no verdict", SMALL, color=colour)
            self.put(EDGE + 0.125, *_first(row.says, SMALL, 0.64))
            self.put(1 - EDGE, printable(row.n), SMALL, ha="right")
            if len(rows) <= MOST_ROWS // 2:
                self.y += SMALL * SPACE
                self.put(EDGE + 0.125, *_first(row.name, SMALL, 0.46), color="#57606a")
                self.put(1 - EDGE, row.identifier, SMALL, color="#57606a", ha="right")
            if len(rows) <= MOST_ROWS // 3:
                self.y += SMALL * SPACE
                self.put(EDGE + 0.125, *_first(row.replay, SMALL, 0.72), color="#57606a")
        if len(rows) > MOST_ROWS:
            self.line(f"and {len(rows) - MOST_ROWS} more, which the JSON beside this page holds", SMALL)


def _wrapped(text: str, points: float, width: float) -> list[str]:
    """The text in lines of a share of the page's width."""
    return textwrap.wrap(printable(" ".join(text.split())), int(WIDTH * 72 * width / (LETTER * points)))


def _first(text: str, points: float, width: float) -> tuple[str, float]:
    characters = int(WIDTH * 72 * width / (LETTER * points))
    return textwrap.shorten(printable(text), characters, placeholder=" …"), points
