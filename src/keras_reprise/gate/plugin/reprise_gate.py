"""A pytest plugin for the processes of a gate.

It stands alone, since it also runs in environments without this package.

The chosen benchmarks are run REPRISE_PASSES times over, so that each is spread over the process: interference by others
comes and goes, and a benchmark whose rounds follow each other meets either all of it or none. Right before and after
each run a fixed loop of Python is timed on the processors in turn. No change of a project touches it, so it tells how
fast the machine is at that moment. The seconds of a loop go to the file REPRISE_SEEN, one for every run, by benchmark,
with the number of modules that were loaded from the folder in which the process runs, the benchmarks themselves aside.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

LOOP, SWEEPS, MOST_PROCESSORS = 25_000, 2, 4
FOLDER = Path.cwd()
SECONDS: dict[str, list[float]] = {}
BENCHMARKS: set[Path] = set()

if os.environ.pop("REPRISE_FOLDER_LAST", None):  # not first, where a string.py of its own would stand in for Python's
    os.environ.pop(
        "PYTHONSAFEPATH", None
    )  # for this process alone: scripts that benchmarks start find what lies beside them
    if getattr(sys.flags, "safe_path", False):  # of Python 3.11
        sys.path.append(str(FOLDER))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    BENCHMARKS.update(item.path for item in items)
    items[:] = items * int(os.environ.get("REPRISE_PASSES", "1"))


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | pytest.Collector | None) -> bool | None:
    """A benchmark that follows itself is taken down in between, as pytest does between different ones."""
    if nextitem is not item or item.parent is None:
        return None
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=item.parent)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    before = loops_s()
    result = yield
    SECONDS.setdefault(item.nodeid, []).append(statistics.fmean([*before, *loops_s()]))
    return result


def loops_s() -> list[float]:
    """Seconds of the loop on each processor in turn, twice, of at most four that the process may use."""
    if not hasattr(os, "sched_setaffinity"):
        return [loop_s() for _ in range(SWEEPS)]
    allowed = os.sched_getaffinity(0)
    found = []
    try:
        for processor in sorted(allowed)[:MOST_PROCESSORS] * SWEEPS:
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
    if "REPRISE_SEEN" in os.environ:
        seen = {"loops": SECONDS, "modules": modules(), "elsewhere": elsewhere()}
        Path(os.environ["REPRISE_SEEN"]).write_text(json.dumps(seen), "utf-8")


def modules() -> int:
    """How many modules were loaded from this folder, beside benchmarks, conftest.py and what is installed in it."""
    files = {Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    return sum(of_the_project(file) and file.name != "conftest.py" for file in files - BENCHMARKS)


def of_the_project(file: Path) -> bool:
    return FOLDER in file.parents and not {"site-packages", "dist-packages"} & set(file.parts)


def elsewhere() -> dict[str, str]:
    """The folders of the packages that were not loaded from this folder, by name."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and "." not in name and not of_the_project(Path(file)):
            found[name] = str(Path(file).parent.parent if Path(file).name == "__init__.py" else Path(file).parent)
    return found
