"""The page on the architecture is true: its drawing is what the code imports, and the names in its walks are there."""

import ast
import re
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from test_layers import MEASURING, MODULES, READING, SOURCE, layer, own

PAGE = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text("utf-8")
DRAWING = PAGE.partition("```mermaid\n")[2].partition("```")[0]
LEFT_OUT = {"__init__", "__main__"}
Arrows = set[tuple[str, str]]


def drawn() -> Arrows:
    """The arrows of the drawing: `a --> b & c` is two."""
    lines = re.findall(r"^ *(\w+) --> (.+)$", DRAWING, re.MULTILINE)
    return {(one, other.strip()) for one, others in lines for other in others.split("&")}


def imported() -> Arrows:
    """Which layer imports which, anywhere in its files."""
    pairs = {(layer(name), layer(other)) for name, path in MODULES.items() for other in own(path)}
    return {(one, other) for one, other in pairs if one != other and not {one, other} & LEFT_OUT}


def followed(arrows: Arrows) -> Arrows:
    """All pairs that one or more arrows lead from and to."""
    below: dict[str, set[str]] = defaultdict(set)
    for one, other in arrows:
        below[one].add(other)
    for one in TopologicalSorter(below).static_order():  # the lowest first
        below[one] |= {lower for other in below[one] for lower in below[other]}
    return {(one, other) for one, others in below.items() for other in others}


def without_what_follows(arrows: Arrows) -> Arrows:
    """The arrows that no others lead along."""
    return {arrow for arrow in arrows if arrow not in followed(arrows - {arrow})}


def test_every_drawn_arrow_is_an_import():
    assert not drawn() - imported()


def test_every_import_between_folders_is_drawn_or_follows_from_what_is():
    assert not imported() - followed(drawn())


def test_what_follows_from_other_arrows_is_not_drawn():
    assert not drawn() - without_what_follows(drawn())


def test_the_sides_of_the_drawing_are_those_of_the_layers():
    sides = {
        name: set(re.findall(r"^ *(\w+)\[", inside, re.MULTILINE))
        for name, inside in re.findall(r"subgraph (\w+)\[.*?\n(.*?)    end\n", DRAWING, re.DOTALL)
    }
    assert sides["measuring"] == set(MEASURING) - set(READING)
    assert sides["reading"] == set(READING) - set(MEASURING)
    assert sides["both"] == set(READING) & set(MEASURING) - {"cli"}


WALKS = re.findall(r"^\| `([\w/]+\.py)` \| `([\w.]+)` \|", PAGE, re.MULTILINE)


def test_the_walks_have_steps():
    assert len(WALKS) > 12


@pytest.mark.parametrize(("file", "name"), WALKS, ids=map(" ".join, WALKS))
def test_what_a_walk_names_is_where_it_says(file, name):
    body = ast.parse((SOURCE / file).read_text("utf-8")).body
    for part in name.split("."):
        found = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part]
        assert found, f"{file} has no {name}"
        body = found[0].body


@pytest.mark.parametrize(
    ("arrows", "left"),
    [
        ({("a", "b"), ("b", "c"), ("a", "c")}, {("a", "b"), ("b", "c")}),
        ({("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")}, {("a", "b"), ("b", "c"), ("c", "d")}),
        ({("a", "b"), ("a", "c")}, {("a", "b"), ("a", "c")}),
    ],
)
def test_an_arrow_follows_where_others_lead(arrows, left):
    assert without_what_follows(arrows) == left
    assert followed(left) >= arrows
