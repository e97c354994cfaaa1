"""A pytest plugin for the processes of a gate.

It stands alone, since it also runs in environments without this package. PYTEST_DONT_REWRITE

The chosen benchmarks, and nothing else of their file, are run REPRISE_PASSES times over, so that each is spread over
the process: interference by others comes and goes, and a benchmark whose rounds follow each other meets either all of
it or none. Right before and after each run a fixed loop of Python is timed on the processors in turn. No change of a
project touches it, so it tells how fast the machine is at that moment. The seconds of a loop go to the file
REPRISE_SEEN, one for every run, by benchmark, with what is to be said of benchmarks that were not run as planned, and
with the number of modules that were loaded from the side's folder, the benchmarks themselves aside.
"""

import importlib.metadata
import json
import os
import statistics
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest
import reprise_files
import reprise_turns

pytest_plugins = ["reprise_options"]

LOOP, SWEEPS, MOST_PROCESSORS = 25_000, 2, 4
FOLDER = Path(reprise_files.TOP or Path.cwd())
SECONDS: dict[str, list[float]] = {}
REMARKS: dict[str, str] = {}
BENCHMARKS: set[Path] = set()

if os.environ.pop("REPRISE_FOLDER_LAST", None):  # not first, where a string.py of its own would stand in for Python's
    os.environ.pop(
        "PYTHONSAFEPATH", None
    )  # for this process alone: scripts that benchmarks start find what lies beside them
    if getattr(sys.flags, "safe_path", False):  # of Python 3.11
        sys.path.append(str(Path.cwd()))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Ordinary tests of the file are left out: they say nothing, and what they take would count."""
    chosen = [item for item in items if "benchmark" in getattr(item, "fixturenames", ())]
    if others := [item for item in items if item not in chosen]:
        config.hook.pytest_deselected(items=others)
    items[:] = chosen
    BENCHMARKS.update(item.path for item in items)


def pytest_runtestloop(session: pytest.Session) -> bool:
    """The benchmarks in turns; one that cannot run again in one process keeps the runs that it had."""
    if session.testsfailed and not session.config.option.continue_on_collection_errors:
        raise session.Interrupted(f"{session.testsfailed} errors during collection")
    if session.config.option.collectonly:
        return True
    turns = reprise_turns.Turns(session.items, int(os.environ.get("REPRISE_PASSES", "1")), REMARKS)
    for item, following in turns:
        # Where a benchmark follows itself, it is taken down in between, as pytest does between different ones.
        following = item.parent if following is item else following
        begun = time.perf_counter()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        turns.took(item, time.perf_counter() - begun)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
    measured = getattr(session.config, "_benchmarksession", None)
    if measured is not None:
        measured.benchmarks[:] = reprise_turns.of_whole_runs(measured.benchmarks, SECONDS)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    before = loops_s()
    result = yield
    SECONDS.setdefault(item.nodeid, []).append(statistics.fmean([*before, *loops_s()]))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A benchmark that ran and now fails has used up what it needs; what was skipped is remembered with its reason."""
    report = yield
    runs, told = len(SECONDS.get(item.nodeid, ())), item.nodeid in REMARKS
    if report.failed and runs and (told or call.when != "teardown"):
        error = str(call.excinfo.value if call.excinfo else "").strip().splitlines() or [""]
        often = "once" if runs == 1 else f"{runs} times"
        said = f"ran {often} in a process and then failed, so that counts ({error[0][:120]})"
        REMARKS.setdefault(item.nodeid, said)
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, "it cannot run again in one process")
    elif report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else getattr(report, "wasxfail", "")
        kind = "expected to fail" if hasattr(report, "wasxfail") else "skipped"
        REMARKS[item.nodeid] = f"{kind}: {why.removeprefix('Skipped: ')}" if why else kind
    return report


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
        seen = {"loops": SECONDS, "remarks": REMARKS, "modules": modules(), "elsewhere": elsewhere()}
        Path(os.environ["REPRISE_SEEN"]).write_text(json.dumps(seen), "utf-8")


def modules() -> int:
    """How many modules were loaded from this folder, beside benchmarks, conftest.py and what is installed in it."""
    files = {Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    return sum(of_the_project(file) and file.name != "conftest.py" for file in files - BENCHMARKS)


def of_the_project(file: Path) -> bool:
    return FOLDER in file.parents and not {"site-packages", "dist-packages"} & set(file.parts)


def elsewhere() -> dict[str, tuple[str, list[str]]]:
    """The packages that were not loaded from this folder: theirs, and the names of the distributions they are of."""
    found = {}
    distributions = importlib.metadata.packages_distributions() if os.environ.get("REPRISE_PASSES") == "1" else {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and "." not in name and not of_the_project(Path(file)):
            folder = Path(file).parent.parent if Path(file).name == "__init__.py" else Path(file).parent
            found[name] = (str(folder), list(distributions.get(name, ())))
    return found
