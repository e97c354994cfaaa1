"""Many files are read by all cores, few by this process."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from keras_reprise.base import checkout
from keras_reprise.base.errors import StoreError

A = TypeVar("A")
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
    for chunk, result in _computed(partial(function, root), chunks):
        done += len(chunk)
        if tell is not None:
            tell(done, len(names))
        yield result


def _computed(
    function: Callable[[Sequence[str]], T], chunks: Sequence[Sequence[str]]
) -> Iterator[tuple[Sequence[str], T]]:
    workers = min(os.cpu_count() or 1, len(chunks))
    if sum(map(len, chunks)) < WORTH_PROCESSES or workers == 1:
        yield from ((chunk, function(chunk)) for chunk in chunks)
        return
    yield from zip(chunks, each(function, chunks, workers), strict=True)


def each(function: Callable[[A], T], arguments: Sequence[A], workers: int) -> Iterator[T]:
    """`function` of each argument, in their order, by `workers` processes that end with it; what one raises is raised.

    They import this package and what the function needs, and nothing else. Those of `multiprocessing` would run the
    program again that this one runs, which may be a script without a guard of `__main__`, and would find modules in
    the current folder, which may have come from a stranger. Ctrl-C is this process's alone.
    """
    idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()

    def computed(argument: A) -> T:
        worker = idle.get()
        try:
            return worker.ask(function, argument)
        finally:
            idle.put(worker)

    with (
        contextlib.ExitStack() as connections,
        ThreadPoolExecutor(workers) as threads,
        contextlib.ExitStack() as processes,  # ended first, so that no thread waits for an answer
    ):
        for _ in range(workers):
            worker = _Worker()
            connections.enter_context(worker.connection)
            processes.callback(worker.end)
            idle.put(worker)
        yield from threads.map(computed, arguments)


class _Worker:
    """A process that computes one thing after the other."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        command = [sys.executable, "-P", "-c", text_that_starts(__name__), str(theirs.fileno())]
        with theirs:  # in a session of its own a terminal interrupts it not even while it starts
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=2, pass_fds=(theirs.fileno(),), start_new_session=True
            )

    def ask(self, function: Callable[[A], T], argument: A) -> T:
        """`function(argument)`; StoreError when the process is gone."""
        try:
            self.connection.send((function, argument))
            answer: T | Exception = self.connection.recv()
        except (EOFError, OSError) as error:
            raise StoreError(
                f"A process that reads files for this one has ended with exit code {self.process.wait()}.\n"
                "Somebody killed it, or the machine was out of memory. Run the command again."
            ) from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self) -> None:
        """End it at once, whatever it does."""
        self.process.kill()
        self.process.wait()


def text_that_starts(module: str) -> str:
    """What `python -P -c` runs to call `main` of a module of this very package, however this process found it.

    Not `-m`: that would put the current folder first on Python's path, and a string.py there in the place of Python's
    own.
    """
    return f"""import sys
sys.path.insert(0, {str(checkout.PACKAGE.parent)!r})
import keras_reprise
del sys.path[0]
from {module} import main
main()
"""


def main() -> None:
    """A `_Worker`'s process: computes what it is asked until nobody asks; its argument is a connection's number."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, ConnectionError), Connection(int(sys.argv[1])) as connection:
        while True:
            function, argument = connection.recv()
            connection.send(_answer(function, argument))


def _answer(function: Callable[[A], T], argument: A) -> T | Exception:
    try:
        return function(argument)
    except Exception as error:
        error.add_note(traceback.format_exc())  # where it was, which this process alone knows
        return error
