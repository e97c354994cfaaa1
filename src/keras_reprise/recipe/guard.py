"""What a recipe's code may do to the process it runs in: all of it is undone, and none of it ends the process.

A recipe's function runs in a process that measures other arms after it, with `--workers 0` even in the one that
writes the records. It may print, close streams, change folders and variables, exit, or fork, by mistake or in a
library's depths.
"""

import contextlib
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn, TextIO, TypeVar

end_process = os._exit  # whatever a recipe's code finds under that name meanwhile
T = TypeVar("T")


class _Interrupted(BaseException):
    """The user's Ctrl-C while a recipe's code ran."""


def attempt(call: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    """What `call`, a recipe's code, returns, or whatever it raises; the user's Ctrl-C raises KeyboardInterrupt."""
    try:
        with contained():
            return call(), None
    except _Interrupted:
        raise KeyboardInterrupt from None
    except BaseException as error:  # exits and interrupts that the recipe raises by itself are its failures
        return None, error


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """Run a recipe's code within: what it changes of the process is put back, what it prints goes to standard error.

    `os._exit` raises SystemExit. A forked child that leaves ends there. A KeyboardInterrupt that comes out is the
    recipe's own; the user's is another exception.
    """
    owner, pressed = os.getpid(), threading.Event()
    with contextlib.ExitStack() as undone:
        for kept in (_folder, _variables, _paths, _streams, _settings, _signals):
            undone.enter_context(kept())
        undone.enter_context(_noticed(pressed))
        undone.enter_context(_exit_raises(owner))
        try:
            yield
        except BaseException:
            if not pressed.is_set():
                raise
        finally:
            if os.getpid() != owner:
                end_process(0)
    if pressed.is_set():
        raise _Interrupted


@contextlib.contextmanager
def _folder() -> Iterator[None]:
    before = None
    with contextlib.suppress(OSError):
        before = os.getcwd()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if before is not None:
                os.chdir(before)


@contextlib.contextmanager
def _variables() -> Iterator[None]:
    before = dict(os.environ)
    environ = os.environ
    try:
        yield
    finally:
        os.environ = environ  # noqa: B003
        if dict(environ) != before:
            for name in set(environ) - set(before):
                del environ[name]
            for name, value in before.items():
                if environ.get(name) != value:
                    environ[name] = value


@contextlib.contextmanager
def _paths() -> Iterator[None]:
    path, argv = sys.path, sys.argv
    before = list(path), list(argv)
    try:
        yield
    finally:
        sys.path, sys.argv = path, argv
        path[:], argv[:] = before


class _Kept(io.TextIOBase):
    """A stream that a recipe may close: the one behind it stays open."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(ValueError, OSError):  # closed behind our back
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(ValueError, OSError):
            self.stream.flush()

    def close(self) -> None:
        self.flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self.stream.fileno())

    def isatty(self) -> bool:
        return bool(self.stream.isatty())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self.stream, "encoding", None) or "utf-8"

    def __getattr__(self, name: str) -> object:
        return getattr(self.__dict__["stream"], name)


@contextlib.contextmanager
def _streams() -> Iterator[None]:
    """Standard output is standard error meanwhile, also for what prints below Python."""
    before = sys.stdin, sys.stdout, sys.stderr
    descriptors: dict[int, int] = {}
    for number in (0, 1, 2):
        with contextlib.suppress(OSError):
            descriptors[number] = os.dup(number)
    for stream in before[1:]:
        with contextlib.suppress(ValueError, OSError, AttributeError):
            stream.flush()
    if 2 in descriptors:
        with contextlib.suppress(OSError):
            os.dup2(2, 1)
    sys.stdout = sys.stderr = _Kept(before[2])
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stdin, sys.stdout, sys.stderr = before
        for number, copy in descriptors.items():
            with contextlib.suppress(OSError):
                os.dup2(copy, number)
                os.close(copy)


@contextlib.contextmanager
def _settings() -> Iterator[None]:
    """Python's and NumPy's own."""
    import numpy as np

    limit, floats, filters = sys.getrecursionlimit(), np.geterr(), list(warnings.filters)
    hooks = sys.excepthook, threading.excepthook
    threading.excepthook = _thread_ended
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook = hooks
        with contextlib.suppress(RecursionError):
            sys.setrecursionlimit(limit)
        np.seterr(**floats)
        if list(warnings.filters) != filters:
            warnings.resetwarnings()
            warnings.filters.extend(filters)  # type: ignore[attr-defined]


def _thread_ended(found: threading.ExceptHookArgs) -> None:
    if found.exc_type is not SystemExit:
        print(f"reprise: a thread of the recipe ended: {found.exc_type.__name__}: {found.exc_value}", file=sys.stderr)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Handlers and timers; only the main thread has any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    timer = signal.getitimer(signal.ITIMER_REAL)
    try:
        yield
    finally:
        if timer == (0.0, 0.0) != signal.getitimer(signal.ITIMER_REAL):
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is not handler:
                with contextlib.suppress(OSError, ValueError):
                    signal.signal(number, handler)


@contextlib.contextmanager
def _noticed(pressed: threading.Event) -> Iterator[None]:
    """Tell the user's Ctrl-C from a KeyboardInterrupt that the recipe raises."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        pressed.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    yield  # `_signals` puts the handler back


@contextlib.contextmanager
def _exit_raises(owner: int) -> Iterator[None]:
    """`os._exit` ends a forked child as ever; in this process it does what `sys.exit` does."""
    before = os._exit

    def leave(status: int) -> NoReturn:
        if os.getpid() != owner:
            end_process(status)
        raise SystemExit(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = before
