"""Text in the columns of a terminal: how many there are, lines that fit, tables whose cells are wrapped.

Only this module measures text. What comes from a store is escaped before it is measured, so that it fits afterwards.
"""

import os
import re
import shlex
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from keras_reprise.base.errors import printable

USUAL = 100  # columns where nobody says how many there are
FEWEST = 40  # below which nothing can be laid out
NARROWEST = 8  # columns of a table's column
LONGEST = 20  # columns of a word that a table does not break
GAP = "  "
Row = Sequence[str] | str  # cells, or a heading across all columns


def available() -> int:
    """The columns of the terminal, or those that COLUMNS says; 100 where there is neither."""
    return max(FEWEST, shutil.get_terminal_size((USUAL, 24)).columns)


def coloured() -> bool:
    """Whether standard output may be coloured: a terminal, and no NO_COLOR; FORCE_COLOR is enough without one."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def size(text: str) -> int:
    """The columns that a line of text takes; a character that a terminal may show in two counts as two."""
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


def line_of(text: str) -> str:
    """The text as one line that may be measured: what steers a terminal is escaped, tabs and line ends are blanks."""
    return printable(re.sub(r"\s", " ", text))


def cut(line: str, columns: int) -> str:
    """The line if it fits, else its beginning with an ellipsis."""
    line = line_of(line)
    return line if size(line) <= columns else f"{_beginning(line, columns - 1).rstrip()}…"


def wrapped(text: str, columns: int, *, first: str = "", rest: str | None = None, whole: bool = False) -> list[str]:
    """The text in lines of at most so many columns, which begin with `first` and then `rest` (None: as many blanks).

    A word that is too long is broken, unless it is to stay `whole`, as a path does in a command to copy.
    """
    rest = " " * size(first) if rest is None else rest
    text = line_of(text)
    if text.isascii():
        return textwrap.wrap(
            text, columns, initial_indent=first, subsequent_indent=rest, break_long_words=not whole,
            break_on_hyphens=not whole,
        ) or [first.rstrip()]  # fmt: skip
    return _wrapped_by_columns(text, columns, first, rest, whole)


def command(text: str, columns: int) -> list[str]:
    """A command of the shell in lines to be copied as they are: those that are not the last end in a backslash."""
    lines = [""]
    for word in shlex.split(text):
        quoted = shlex.quote(word)
        if lines[-1] and size(lines[-1]) + size(quoted) + 3 > columns:
            lines += ["  "]
        lines[-1] += quoted if not lines[-1].strip() else f" {quoted}"
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]


def table(headers: Sequence[str], rows: Sequence[Row], columns: int) -> Iterator[str]:
    """The lines of a table of at most so many columns: the widest columns give way, and their cells are wrapped.

    Where even narrow columns would not fit, each row is told in lines of its own.
    """
    rows = [line_of(row) if isinstance(row, str) else [line_of(cell) for cell in row] for row in rows]
    cells = [row for row in [headers, *rows] if not isinstance(row, str)]
    widths = [max(size(row[column]) for row in cells) for column in range(len(headers))]
    least = [min(width, max(NARROWEST, _longest_word(cells, column))) for column, width in enumerate(widths)]
    room = columns - len(GAP) * (len(widths) - 1)
    if sum(least) > room:
        yield from _told(headers, rows, columns)
        return
    while sum(widths) > room:
        spare = [width - fewest for width, fewest in zip(widths, least, strict=True)]
        widths[max(range(len(widths)), key=lambda column: (spare[column] > 0) * widths[column])] -= 1
    yield from _lines(headers, widths)
    yield GAP.join("-" * width for width in widths)
    for row in rows:
        yield from _heading(row, columns) if isinstance(row, str) else _lines(row, widths)


def _longest_word(cells: Sequence[Sequence[str]], column: int) -> int:
    """The columns of the longest word in a column that can be kept whole."""
    words = (word for row in cells for word in re.split(r"[\s-]", row[column]))
    return min(LONGEST, max(map(size, words)) + 1)


def _heading(row: str, columns: int) -> list[str]:
    """A line across a table; blanks at its beginning stay."""
    indent = " " * (len(row) - len(row.lstrip()))
    return wrapped(row.strip(), columns, first=indent, rest=f"{indent}    ")


def _told(headers: Sequence[str], rows: Sequence[Row], columns: int) -> Iterator[str]:
    """A table's rows one below the other: the first cell, then the others after their headers."""
    for row in rows:
        if isinstance(row, str):
            yield from _heading(row, columns)
            continue
        yield from wrapped(row[0].strip(), columns, rest="  ")
        others = (f"{header} {cell}" for header, cell in zip(headers[1:], row[1:], strict=True) if cell)
        yield from wrapped("; ".join(others), columns, first="    ")


def _lines(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    parts = [
        wrapped(cell.strip(), width, first=indent, rest=indent)
        for cell, width in zip(row, widths, strict=True)
        for indent in ("  " if cell.startswith("  ") else "",)
    ]
    for line in zip_longest(*parts, fillvalue=""):
        yield GAP.join(part + " " * (width - size(part)) for part, width in zip(line, widths, strict=True)).rstrip()


def _wrapped_by_columns(text: str, columns: int, first: str, rest: str, whole: bool) -> list[str]:
    """The same as `textwrap.wrap` for text with characters that are not one column wide."""
    lines: list[str] = []
    line, empty = first, True
    for word in text.split():
        while True:
            joined = f"{line}{'' if empty else ' '}{word}"
            if size(joined) <= columns or (whole and empty):
                line, empty, word = joined, False, ""
            elif not empty:
                lines, line, empty = [*lines, line], rest, True
            else:
                part = _beginning(word, max(2, columns - size(line)))
                lines, line, word = [*lines, line + part], rest, word[len(part) :]
            if not word:
                break
    return [*lines, line] if not empty or not lines else lines


def _beginning(text: str, columns: int) -> str:
    """As much of the beginning of a text as fits."""
    taken = 0
    for index, character in enumerate(text):
        taken += size(character)
        if taken > columns:
            return text[:index]
    return text
