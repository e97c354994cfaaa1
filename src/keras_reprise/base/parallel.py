"""Many files are read by all cores, few by this process."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Tell = Callable[[int, int], None]  # done, total

CHUNK = 500
WORTH_PROCESSES = 4 * CHUNK  # starting some takes as long as reading so many records


def spread(
    function: Callable[[Path, Sequence[str]], T], root: Path, names: Sequence[str], tell: Tell | None = None
) -> Iterator[T]:
    """`function(root, some of names)` for all names, in any order; `tell` is called with how many are done."""
    chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
    done = 0
    for chunk, result in _computed(function, root, chunks):
        done += len(chunk)
        if tell is not None:
            tell(done, len(names))
        yield result


def _computed(
    function: Callable[[Path, Sequence[str]], T], root: Path, chunks: Sequence[Sequence[str]]
) -> Iterator[tuple[Sequence[str], T]]:
    if sum(map(len, chunks)) < WORTH_PROCESSES or (os.cpu_count() or 1) == 1:
        yield from ((chunk, function(root, chunk)) for chunk in chunks)
        return
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        yield from zip(chunks, pool.map(function, [root] * len(chunks), chunks), strict=True)
