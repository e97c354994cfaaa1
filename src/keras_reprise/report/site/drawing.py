"""Drawing a report's figures into its folder: only those that changed, on several cores where there are many.

A finished file carries in its last line what it shows: the specification, the records and the version of the drawing
code. A file that carries the right line is not drawn again. A figure that cannot be drawn is a file that says why. A
drawing carries its numbers, so that its page is written without the records, and alike wherever it is written.
"""

import hashlib
import html
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keras_reprise.base.files import write_atomically
from keras_reprise.base.parallel import each
from keras_reprise.figures.chart import Chart
from keras_reprise.figures.chart import decode as decode_chart
from keras_reprise.figures.chart import encode as encode_chart
from keras_reprise.figures.figure import FigureError
from keras_reprise.judge.groups import Group
from keras_reprise.record.encoding import canonical
from keras_reprise.store.store import Store

MANY = 8  # figures from which on a second process pays for its start
DRAWING = 8  # raised when the same records could be drawn otherwise
FAULT, END = b'<svg xmlns="http://www.w3.org/2000/svg"><desc>', b"</desc></svg>"  # around why a figure is not drawn
NUMBERS, NUMBERS_END = b'<metadata id="numbers">', b"</metadata>\n"


@dataclass(frozen=True)
class Drawing:
    """One figure of a group: its number in the card (from 1), and the file it goes to, relative to the report."""

    group: Group
    number: int
    file: str

    @property
    def specification(self) -> dict[str, object]:
        """What the card holds of it."""
        return self.group.card.figures[self.number - 1]

    @property
    def line(self) -> str:
        """What the finished file's last line says."""
        shown = hashlib.sha256(
            canonical(self.specification) + "".join(s.id for s in self.group.complete).encode()
        ).hexdigest()
        return f"<!-- keras-reprise {DRAWING} {shown} -->"

    def is_finished(self, folder: Path) -> bool:
        """Whether the folder holds this very figure, or why there is none."""
        try:
            with (folder / self.file).open("rb") as file:
                drawn = file.read(5) in (b"<?xml", FAULT[:5])  # what older versions left undrawn has no reason in it
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 200))
                return drawn and self.line.encode() in file.read()
        except OSError:
            return False

    def drawn(self, folder: Path) -> "Drawn":
        """What the folder's finished file holds."""
        content = (folder / self.file).read_bytes()
        if content.startswith(FAULT):
            return Drawn(fault=html.unescape(content[len(FAULT) : content.index(END)].decode("utf-8", "replace")))
        _, found, rest = content.rpartition(NUMBERS)
        try:
            return Drawn(chart=decode_chart(html.unescape(rest.partition(NUMBERS_END)[0].decode())) if found else None)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Drawn()


@dataclass(frozen=True)
class Drawn:
    """What a finished file holds beside the picture: its numbers, or why there is no picture."""

    chart: Chart | None = None
    fault: str | None = None


def drawings(group: Group) -> list[Drawing]:
    """The figures that a group's card asks for."""
    if not group.complete:
        return []
    stem = f"figures/{group.slug}-v{group.version}-{group.key}"
    return [Drawing(group, number, f"{stem}-{number}.svg") for number in range(1, len(group.card.figures) + 1)]


def draw_all(wanted: Sequence[Drawing], store: Store, folder: Path, tell: Callable[[int, int], None]) -> int:
    """Draw what is not finished yet; returns how many were drawn.

    `tell(done, total)` is called after each group.
    """
    by_group: dict[str, list[Drawing]] = {}
    for drawing in wanted:
        if not drawing.is_finished(folder):
            by_group.setdefault(drawing.group.digest, []).append(drawing)
    total, done = sum(map(len, by_group.values())), 0
    jobs = [
        (
            store.root,
            [summary.path for summary in same[0].group.complete],
            [(one.specification, one.line, folder / one.file) for one in same],
        )
        for same in by_group.values()
    ]
    if total > MANY and (os.cpu_count() or 1) > 1:
        workers = min(os.cpu_count() or 1, 8, len(jobs))
        for count in each(_draw_group, jobs, workers):
            tell(done := done + count, total)
    else:
        for job in jobs:
            tell(done := done + _draw_group(job), total)
    return total


Job = tuple[Path, list[str], list[tuple[dict[str, object], str, Path]]]
"""A store, records of it, and the figures of them with the last line and the place of each file."""


def _draw_group(job: Job) -> int:
    """Draw the figures of one group; what cannot be drawn is a file that says why, so that it is not tried again."""
    from keras_reprise import figures

    root, paths, wanted = job
    store = Store(root)
    records = [store.read(root / path) for path in paths]
    for specification, line, path in wanted:
        try:
            svg = _with_numbers(figures.draw(specification, records), figures.chart(specification, records))
        except FigureError as error:  # the report goes on without this figure
            svg = FAULT + html.escape(str(error)).encode() + END + b"\n"
        write_atomically(path, svg + line.encode() + b"\n")
    return len(wanted)


def _with_numbers(svg: bytes, chart: Chart) -> bytes:
    """The drawing with its numbers in it."""
    drawn, end, rest = svg.rpartition(b"</svg>")
    numbers = html.escape(encode_chart(chart).decode(), quote=False).encode()
    return drawn + NUMBERS + numbers + NUMBERS_END + end + rest
