"""Progress on standard error: a bar on a terminal, a plain line every few seconds elsewhere. The unit is one arm."""

import sys
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TextIO

from tqdm import tqdm

PLAIN_EVERY_S = 15.0


class Progress:
    """What is being measured (recipe, seed, arm, epoch, loss), by how many workers, and how long the rest will take.

    `arms` is how many there are to measure; it may grow.
    """

    def __init__(self, arms: int, stream: TextIO | None = None, quiet: bool = False) -> None:
        self.stream, self.arms, self.quiet = stream or sys.stderr, arms, quiet
        self.done, self.skipped = 0, 0.0
        self.labels: dict[Hashable, str] = {}
        self.within: dict[Hashable, float] = {}
        self.started, self.last_line = time.monotonic(), 0.0
        self.bar: Any = None

    def __enter__(self) -> Self:
        self.started = time.monotonic()
        if not self.quiet and self.stream.isatty():
            layout = "{desc} {percentage:3.0f}%|{bar}|"
            self.bar = tqdm(total=1.0, file=self.stream, bar_format=layout, dynamic_ncols=True, leave=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def arm(self, worker: Hashable, label: str) -> None:
        """A worker begins an arm."""
        self.labels[worker], self.within[worker] = label, 0.0
        self._show(worker, "")

    def epoch(self, worker: Hashable, done: float, total: float, detail: str) -> None:
        """`done` of `total` epochs or trials of the worker's arm have ended.

        What the first report of a resumed arm has done already does not count as time spent.
        """
        if self.within.get(worker) == 0.0 and done > 1:
            self.skipped += (done - 1) / total
        self.within[worker] = done / total
        self._show(worker, f"{detail}, ")

    def arm_done(self, worker: Hashable) -> None:
        """The worker's arm has ended."""
        self.arm_given_up(worker)
        self.done += 1

    def arm_given_up(self, worker: Hashable) -> None:
        """The worker does not go on with its arm."""
        self.within.pop(worker, None)
        self.labels.pop(worker, None)

    def say(self, text: str) -> None:
        """A line that stays."""
        if self.bar is not None:
            self.bar.clear()
        if not self.quiet:
            print(text, file=self.stream, flush=True)

    def time_left(self) -> str:
        """The time that the rest takes at the pace so far, or nothing before the first fraction of an arm is done."""
        finished = self.done + sum(self.within.values())
        paced = finished - self.skipped
        if paced <= 0.01:
            return "time left unknown"
        seconds = (time.monotonic() - self.started) / paced * max(0.0, self.arms - finished)
        return f"{format_seconds(seconds)} left"

    def _show(self, worker: Hashable, detail: str) -> None:
        now = time.monotonic()
        others = f" and {len(self.labels) - 1} more" if len(self.labels) > 1 else ""
        if self.bar is not None:
            self.bar.total = max(1.0, float(self.arms))
            self.bar.n = self.done + sum(self.within.values())
            self.bar.set_description_str(f"{self.labels.get(worker)}{others}: {detail}{self.time_left()}", refresh=True)
        elif not self.quiet and now - self.last_line >= PLAIN_EVERY_S:
            self.last_line = now
            print(
                f"{self.labels.get(worker)}{others}: {detail}{self.time_left()} ({self.done} of {self.arms} arms done)",
                file=self.stream,
                flush=True,
            )


@contextmanager
def counter(unit: str, stream: TextIO | None = None) -> Iterator[Callable[[int, int], None]]:
    """`tell(done, total)` with the time left: a bar on a terminal, a line every few seconds elsewhere."""
    stream = stream or sys.stderr
    started = last = time.monotonic()
    bar = tqdm(file=stream, unit=f" {unit}", leave=False, dynamic_ncols=True) if stream.isatty() else None

    def tell(done: int, total: int) -> None:
        nonlocal last
        if bar is not None:
            bar.total = total
            bar.update(done - bar.n)
        elif (now := time.monotonic()) - last >= PLAIN_EVERY_S:
            last = now
            left = (now - started) / max(done, 1) * (total - done)
            print(f"{done} of {total} {unit}, {format_seconds(left)} left", file=stream, flush=True)

    try:
        yield tell
    finally:
        if bar is not None:
            bar.close()


def format_seconds(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
