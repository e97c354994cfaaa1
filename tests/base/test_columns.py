"""Text fits the columns of a terminal, whatever it is."""

import re
import shlex
from collections import Counter

import pytest

from keras_reprise.base import columns

WORDS = "A claim-with-a-name-that-is-longer-than-any-column, and a sentence of usual words behind it"
WIDE = "宽字符在终端里占两列 und é ist eines"


@pytest.mark.parametrize(
    "text", [WORDS, "x" * 500, WIDE * 5, "\x1b[31m" * 40, "\u202e" * 40, "\t tab  and   blanks ", ""]
)
@pytest.mark.parametrize("wide", [40, 60, 100])
@pytest.mark.parametrize("first", ["", "    ", "name  "])
def test_no_line_is_wider_than_it_may_be(text, wide, first):
    for line in [*columns.wrapped(text, wide, first=first), columns.cut(first + text, wide)]:
        assert columns.size(line) <= wide
        assert line.isprintable()


def test_nothing_is_lost_between_lines():
    assert "".join("".join(columns.wrapped(WORDS, 40)).split()) == "".join(WORDS.split())
    assert "".join("".join(columns.wrapped(WIDE, 40)).split()) == "".join(WIDE.split())


def test_a_path_stays_whole_where_it_is_to_be_copied():
    assert f"/{'a' * 120}" in columns.wrapped(f"See /{'a' * 120} there", 60, whole=True)


@pytest.mark.parametrize("wide", [40, 72, 100, 160])
def test_a_table_fits_and_keeps_every_cell(wide):
    rows = [["short", WORDS, "12", WIDE], f"a heading {WORDS}", ["x" * 90, "", "3", "y"]]
    lines = list(columns.table(["first", "second", "n", "fourth"], rows, wide))
    assert max(map(columns.size, lines)) <= wide
    cells = [cell for row in rows for cell in ([row] if isinstance(row, str) else row)]
    told, wanted = (Counter("".join("".join(texts).split())) for texts in (lines, cells))
    assert wanted <= told
    words = {word for cell in cells for word in re.split(r"[\s-]+", cell) if columns.size(word) <= columns.LONGEST}
    assert not {word for word in words if not any(word in line for line in lines)}


def test_columns_that_are_too_few_give_each_row_lines_of_its_own():
    lines = list(columns.table([f"header {n}" for n in range(9)], [["cell and cell"] * 9], 40))
    assert lines[0] == "cell and cell"
    assert lines[1].startswith("    header 1 cell and cell; header 2")


def test_a_long_command_is_copied_over_its_lines():
    text = "reprise run a-recipe --scale full --seeds 12 --store 'a folder/with blanks' --data digits"
    lines = columns.command(text, 50)
    assert len(lines) > 1
    assert max(map(len, lines)) <= 50
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(text)


@pytest.mark.parametrize(("said", "found"), [("60", 60), ("10", columns.FEWEST), ("250", 250), ("", columns.USUAL)])
def test_the_terminal_says_how_many_columns_there_are(monkeypatch, said, found):
    monkeypatch.setenv("COLUMNS", said)
    assert columns.available() == found


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, False),
    ],
)
def test_there_is_colour_only_where_it_is_wanted(monkeypatch, variables, found):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert columns.coloured() == found
