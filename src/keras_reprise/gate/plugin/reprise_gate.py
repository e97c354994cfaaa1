"""A pytest plugin for the processes of a gate. It stands alone, since it also runs in environments without this package.

The chosen benchmarks are run REPRISE_PASSES times over, so that each is spread over the process: interference by others
comes and goes, and a benchmark whose rounds follow each other meets either all of it or none. Right before and after each
run a fixed loop of Python is timed on the processors in turn. No change of a project touches it, so it tells how fast the
machine is at that moment. The seconds of a loop go to the file REPRISE_LOOPS, one for every run, by benchmark.
"""

import json
import os
import statistics
import time
from collections.abc import Generator
from pathlib import Path

import pytest

LOOP, MOST_PROCESSORS = 25_000, 4
SECONDS: dict[str, list[float]] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = items * int(os.environ.get("REPRISE_PASSES", "1"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    before = loops_s()
    result = yield
    SECONDS.setdefault(item.nodeid, []).append(statistics.fmean([*before, *loops_s()]))
    return result


def loops_s() -> list[float]:
    """Seconds of the loop on each processor that the process may use, of at most four."""
    if not hasattr(os, "sched_setaffinity"):
        return [loop_s()]
    allowed = os.sched_getaffinity(0)
    found = []
    try:
        for processor in sorted(allowed)[:MOST_PROCESSORS]:
            os.sched_setaffinity(0, {processor})
            found.append(loop_s())
    finally:
        os.sched_setaffinity(0, allowed)
    return found


def loop_s() -> float:
    """Seconds of a fixed loop."""
    start, total = time.perf_counter(), 0
    for number in range(LOOP):
        total += number & 7
    return time.perf_counter() - start


def pytest_sessionfinish() -> None:
    if "REPRISE_LOOPS" in os.environ:
        Path(os.environ["REPRISE_LOOPS"]).write_text(json.dumps(SECONDS), "utf-8")
