"""Progress on standard error: a bar on a terminal, a plain line every few seconds elsewhere. The unit is one arm."""

import math
import sys
import time
from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn, Protocol, Self, TextIO

from tqdm import tqdm

PLAIN_EVERY_S, BAR_EVERY_S = 15.0, 0.1


@dataclass
class _Kind:
    """Arms that take about equally long: how many are left, what one took before this run, and what they took in it."""

    left: int = 0
    before_s: float | None = None
    spent_s: float = 0.0
    done: float = 0.0


@dataclass
class _Arm:
    """What a worker is at: how much of it is done, and how much of that an earlier run did."""

    label: str
    kind: str
    began: float
    reported: float
    within: float = 0.0
    skipped: float = 0.0


class Progress:
    """What is being measured (recipe, seed, arm, epoch, loss), by how many workers, and how long the rest will take."""

    def __init__(self, stream: TextIO | None = None, quiet: bool = False) -> None:
        self.stream, self.quiet = stream or sys.stderr, quiet
        self.kinds: defaultdict[str, _Kind] = defaultdict(_Kind)
        self.running: dict[Hashable, _Arm] = {}
        self.arms, self.done = 0, 0
        self.last_line = -PLAIN_EVERY_S
        self.bar: tqdm[NoReturn] | None = None
        self._said: set[str] = set()

    def plan(self, kind: str, arms: int, before_s: float | None = None) -> None:
        """That many arms more will be measured, each of which took `before_s` in earlier runs, if that is known."""
        self.arms += arms
        self.kinds[kind].left += arms
        self.kinds[kind].before_s = before_s

    def __enter__(self) -> Self:
        if not self.quiet and self.stream.isatty():
            layout = "{desc} {percentage:3.0f}%|{bar}|"
            self.bar = tqdm(total=1.0, file=self.stream, bar_format=layout, dynamic_ncols=True, leave=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def arm(self, worker: Hashable, label: str, kind: str) -> None:
        """A worker begins an arm."""
        now = time.monotonic()
        self.running[worker] = _Arm(label, kind, now, now)
        self._show(worker, "")

    def epoch(self, worker: Hashable, done: float, total: float, detail: str) -> None:
        """`done` of `total` epochs or trials of the worker's arm have ended.

        What the first report of a resumed arm has done already does not count as time spent.
        """
        if (arm := self.running.get(worker)) is None:
            return
        if arm.within == 0.0 and done > 1:
            arm.skipped = (done - 1) / total
        arm.within, arm.reported = done / total, time.monotonic()
        self._show(worker, f"{detail}, ")

    def arm_done(self, worker: Hashable) -> None:
        """The worker's arm has ended."""
        self.done += 1
        if arm := self.running.pop(worker, None):
            kind = self.kinds[arm.kind]
            kind.left -= 1
            kind.spent_s += time.monotonic() - arm.began
            kind.done += 1.0 - arm.skipped

    def arm_given_up(self, worker: Hashable) -> None:
        """The worker does not go on with its arm."""
        self.running.pop(worker, None)

    def say(self, text: str, once: str = "") -> None:
        """A line that stays; of several with the same `once` the first."""
        if once:
            if once in self._said:
                return
            self._said.add(once)
        if self.bar is not None:
            self.bar.clear()
        if not self.quiet:
            print(text, file=self.stream, flush=True)

    def time_left(self) -> str:
        """The time that the rest takes at the pace of the arms seen, in this run or before it."""
        slower = self._slower()
        seconds = {name: self._seconds(name, slower) for name in self.kinds}
        known = [found for found in seconds.values() if found is not None]
        if not known:
            return "time left unknown"
        each = {name: sum(known) / len(known) if found is None else found for name, found in seconds.items()}
        left = sum(each[name] * kind.left for name, kind in self.kinds.items())
        left -= sum(each[arm.kind] * arm.within for arm in self.running.values())
        if not math.isfinite(left):
            return "time left unknown"
        return f"{format_seconds(max(0.0, left) / max(1, len(self.running)))} left"

    def _measured(self, name: str) -> tuple[float, float]:
        """The seconds spent on arms of a kind, and how many arms' worth was done in them."""
        kind = self.kinds[name]
        running = [arm for arm in self.running.values() if arm.kind == name]
        spent = kind.spent_s + sum(arm.reported - arm.began for arm in running)
        return spent, kind.done + sum(arm.within - arm.skipped for arm in running)

    def _seconds(self, name: str, slower: float) -> float | None:
        """What an arm of a kind takes: as seen, else as before on a machine that is `slower` by as much as seen."""
        spent, done = self._measured(name)
        if done > 0.01:
            return spent / done
        before = self.kinds[name].before_s
        return None if before is None else before * slower

    def _slower(self) -> float:
        """How many times as long as before the arms took that were seen."""
        both = [(*self._measured(name), kind.before_s) for name, kind in self.kinds.items() if kind.before_s]
        expected = sum(done * before_s for _, done, before_s in both)
        return sum(spent for spent, done, _ in both if done) / expected if expected else 1.0

    def _show(self, worker: Hashable, detail: str) -> None:
        """Say where a worker is, unless something was said a moment ago: short arms report by the hundred."""
        now, arm = time.monotonic(), self.running[worker]
        if self.quiet or now - self.last_line < (PLAIN_EVERY_S if self.bar is None else BAR_EVERY_S):
            return
        self.last_line = now
        others = f" and {len(self.running) - 1} more" if len(self.running) > 1 else ""
        text = f"{arm.label}{others}: {detail}{self.time_left()}"
        if self.bar is None:
            print(f"{text} ({self.done} of {self.arms} arms done)", file=self.stream, flush=True)
        else:
            self.bar.total = max(1.0, float(self.arms))
            self.bar.n = self.done + sum(arm.within for arm in self.running.values())
            self.bar.set_description_str(text, refresh=True)


class Tell(Protocol):
    """Says how far something is, and `left`, how long the rest takes, where somebody knows better than by the pace."""

    def __call__(self, done: int, total: int, left: str = "") -> None: ...


@contextmanager
def counter(unit: str, stream: TextIO | None = None) -> Iterator[Tell]:
    """Tells how many are done and the time left: a bar on a terminal, a line every few seconds elsewhere."""
    stream = stream or sys.stderr
    started = last = time.monotonic()
    layout = "{percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} {desc}"
    bar = None
    if stream.isatty():
        bar = tqdm(file=stream, bar_format=layout, leave=False, dynamic_ncols=True, mininterval=BAR_EVERY_S)

    def tell(done: int, total: int, left: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        words = f"{unit}, {left or f'{format_seconds((now - started) / max(done, 1) * (total - done))} left'}"
        if bar is not None:
            bar.total = total
            bar.set_description_str(words, refresh=False)
            bar.update(done - bar.n)
        elif now - last >= PLAIN_EVERY_S:
            last = now
            print(f"{done} of {total} {words}", file=stream, flush=True)

    try:
        yield tell
    finally:
        if bar is not None:
            bar.close()


def format_seconds(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 5 min; of what is not finite that it is unknown."""
    if not math.isfinite(seconds):
        return "an unknown time"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
