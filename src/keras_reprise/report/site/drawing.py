"""Drawing a report's figures into its folder: only those that changed, on several cores where there are many.

A finished file carries in its last line what it shows: the specification, the records and the version of the drawing code. A file that
carries the right line is not drawn again.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from keras_reprise.base.errors import IntegrityError
from keras_reprise.base.files import write_atomically
from keras_reprise.judge.groups import Group
from keras_reprise.record.schema import canonical
from keras_reprise.store.store import Store

MANY = 8  # figures from which on a second process pays for its start
DRAWING = 1  # raised when the same records could be drawn otherwise


@dataclass(frozen=True)
class Drawing:
    """One figure of a group: its number in the card (from 1), and the file it goes to, relative to the report."""

    group: Group
    number: int
    file: str

    @property
    def line(self) -> str:
        """What the finished file's last line says."""
        specification = canonical(self.group.card.figures[self.number - 1])
        shown = hashlib.sha256(specification + "".join(s.id for s in self.group.complete).encode()).hexdigest()
        return f"<!-- keras-reprise {DRAWING} {shown} -->"

    def is_finished(self, folder: Path) -> bool:
        """Whether the folder holds this very figure."""
        try:
            with (folder / self.file).open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 200))
                return self.line.encode() in file.read()
        except OSError:
            return False


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
    jobs = [(store.root, [s.path for s in same[0].group.complete], same[0].group.first.recipe.card,
             [(d.number, d.line, folder / d.file) for d in same]) for same in by_group.values()]  # fmt: skip
    if total > MANY and (os.cpu_count() or 1) > 1:
        workers = min(os.cpu_count() or 1, 8, len(jobs))
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for count in pool.map(_draw_group, jobs, chunksize=1):
                tell(done := done + count, total)
    else:
        for job in jobs:
            tell(done := done + _draw_group(job), total)
    return total


Job = tuple[Path, list[str], str, list[tuple[int, str, Path]]]


def _draw_group(job: Job) -> int:
    """Draw the figures of one group; what the records hold nothing of is an empty file, so that it is not tried again."""
    from keras_reprise.report import figures

    root, paths, card, wanted = job
    store = Store(root)
    records = [store.read(root / path) for path in paths]
    specifications = store.card(card).figures
    for number, line, path in wanted:
        try:
            svg = figures.draw(specifications[number - 1], records) or b""
        except IntegrityError:
            raise
        except Exception as error:  # a card from elsewhere may ask for anything: the report goes on without this figure
            svg = f"<!-- not drawn: {type(error).__name__} -->\n".encode()
        write_atomically(path, svg + line.encode() + b"\n")
    return len(wanted)


def is_empty(drawing: Drawing, folder: Path) -> bool:
    """Whether the records held nothing to draw."""
    path = folder / drawing.file
    return not path.is_file() or path.stat().st_size < 200
