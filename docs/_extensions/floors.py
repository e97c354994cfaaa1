"""Drawings that GitHub makes of `mermaid` blocks, as floors of boxes, each of which names what it stands on."""

import html
import re
from graphlib import TopologicalSorter

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

BOX = re.compile(r'^ *(\w+)\["(.+?)"\]$', re.MULTILINE)
ARROWS = re.compile(r"^ *(\w+) --> (.+)$", re.MULTILINE)
PART = re.compile(r'^ *subgraph \w+\["(.+?)"\]\n(.*?)^ *end$', re.MULTILINE | re.DOTALL)


def floors(drawing: str) -> list[list[str]]:
    """The boxes from the top floor down; all that a box stands on is on lower floors."""
    stands_on = {one: [other.strip() for other in others.split("&")] for one, others in ARROWS.findall(drawing)}
    height: dict[str, int] = {}
    for name in TopologicalSorter(stands_on).static_order():
        height[name] = 1 + max((height[one] for one in stands_on.get(name, ())), default=-1)
    return [
        [name for name, _ in BOX.findall(drawing) if height[name] == level]
        for level in sorted(set(height.values()), reverse=True)
    ]


def as_html(drawing: str) -> str:
    """The floors, each box with its words and what it stands on; boxes of one part have one colour."""
    words = dict(BOX.findall(drawing))
    stands_on = dict(ARROWS.findall(drawing))
    part_of = {name: title for title, inside in PART.findall(drawing) for name, _ in BOX.findall(inside)}
    parts = list(dict.fromkeys(part_of.values()))

    def box(name: str) -> str:
        title, _, rest = words[name].partition(": ")
        part = parts.index(part_of[name]) + 1 if name in part_of else 0
        below = f"<small>on {html.escape(stands_on[name].replace(' &', ','))}</small>" if name in stands_on else ""
        return f'<div class="box part-{part}"><b>{html.escape(title)}</b> {html.escape(rest)} {below}</div>'

    rows = "".join(f'<div class="floor">{"".join(map(box, floor))}</div>' for floor in floors(drawing))
    named = (f'<span class="box part-{number}">{html.escape(part)}</span>' for number, part in enumerate(parts, 1))
    return f'<div class="floors">{rows}<p>{" ".join(named)}</p></div>'


class Floors(SphinxDirective):
    """A `mermaid` block."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", as_html("\n".join(self.content)), format="html")]


def setup(app: Sphinx) -> dict[str, object]:
    """Register it with Sphinx."""
    app.add_directive("mermaid", Floors)
    return {"parallel_read_safe": True}
