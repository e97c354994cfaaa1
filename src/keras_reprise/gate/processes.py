"""Fresh processes that run pytest-benchmark files: an estimate per benchmark and process, and its peak memory."""

import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from keras_reprise.base import clock
from keras_reprise.base.errors import UserError
from keras_reprise.base.failures import without_paths
from keras_reprise.gate.design import MOST_STEAL, PASSES
from keras_reprise.gate.installations import Installation, library_first_variables
from keras_reprise.judge.comparable import together

PLUGIN = Path(__file__).with_name("plugin")
CONTROL = "control"
PEAK_MEMORY = "peak memory"
ESTIMATES = ("relative", "median", "fastest")
PLUGIN_NAME = "reprise_gate"
TIME_LIMIT_S = 900.0
SAYS_NOTHING = re.compile(
    r"!+ .* !+$|ERROR \S+$|=*\s*\d+ (failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?)\b.* in [\d.]+s"
)
Told = TypeVar("Told")
OF_PYTEST = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
NOT_ITS_FILES = "it loaded nothing from the files of its commit, so it would measure what is installed"


class Process(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one fresh process measured of the benchmark file `suite`, or of the gate's own `control`.

    `side` is "now", "a" or "b" where two environments are compared, or that of an environment among many.

    By metric, `fastest` and `median` are those of the benchmark's rounds in seconds; `relative` is the median over the
    benchmark's runs of their medians divided by what a fixed loop took at that moment. All hold the process's peak
    memory in bytes. `modules` counts those that it loaded from its own folder, the benchmarks aside; None in old files.
    `remarks` say by benchmark why it was not run, or not as often as planned.
    """

    suite: str
    side: str
    round: int
    position: int
    started_at: str
    duration_s: float
    fastest: dict[str, float]
    median: dict[str, float]
    relative: dict[str, float]
    load: float
    steal_fraction: float
    error: str | None = None
    modules: int | None = None
    remarks: dict[str, str] = {}

    @property
    def disturbed(self) -> bool:
        """Whether the host took so much processor time that the estimates are not used."""
        return self.steal_fraction > MOST_STEAL


def durations(processes: Sequence[Process]) -> dict[str, float]:
    """The mean seconds of a process of each file."""
    by_suite = together(processes, lambda process: process.suite)
    return {suite: statistics.fmean(process.duration_s for process in found) for suite, found in by_suite.items()}


@dataclass(frozen=True)
class Task:
    """One process to come: which benchmark file, on which side, in which round."""

    suite: str
    side: str
    round: int


def seconds_left(tasks: Sequence[Task], processes: Sequence[Process]) -> float | None:
    """What tasks to come take, if as long as the `processes` of their files; None where a file has had none yet."""
    each = durations(processes)
    return sum(each[task.suite] for task in tasks) if all(task.suite in each for task in tasks) else None


def plan(suites: Sequence[str], rounds: int, order_seed: int, sides: Sequence[str] = ("now",)) -> list[Task]:
    """The processes in the order they are run: every round in a new random order.

    With several sides a block of two rounds is all of them in a random order and then in its reverse (A B B A or
    B A A B), suite by suite, so that steady drift of the machine cancels for any two of them.
    """
    drawn = random.Random(order_seed)
    if len(sides) == 1:
        return [Task(suite, sides[0], n) for n in range(rounds) for suite in drawn.sample(list(suites), len(suites))]
    tasks = []
    for block in range(-(-rounds // 2)):
        for suite in drawn.sample(list(suites), len(suites)):
            order = drawn.sample(list(sides), len(sides))
            both = [*((side, 0) for side in order), *((side, 1) for side in reversed(order))]
            tasks += [Task(suite, side, 2 * block + half) for side, half in both if 2 * block + half < rounds]
    return tasks


def measure(
    tasks: Sequence[Task],
    sides: Mapping[str, Installation],
    *,
    only: Sequence[str] = (),
    kept: Sequence[Process] = (),
    keep: Callable[[Sequence[Process]], None] = lambda processes: None,
    done: Callable[[Sequence[Process], Sequence[Task]], None] = lambda found, waiting: None,
) -> list[Process]:
    """Run each task in a process of its own, one after the other; `only` limits the benchmarks.

    Tasks of which `kept` has a process are not run again; `keep` is given all processes so far after each. A process
    during which the host took the processors away is run again at once, at most half as many as there are tasks; what
    crashed, also among `kept`, is not run again. `done(processes, tasks to come)` is called after each.
    """
    measured = {(process.suite, process.side, process.round) for process in kept}
    crashed = {(process.suite, process.side) for process in kept if process.error}
    waiting = [task for task in tasks if (task.suite, task.side, task.round) not in measured]
    waiting = [task for task in waiting if (task.suite, task.side) not in crashed]
    spare, found = len(tasks) // 2, list(kept)
    while waiting:
        task = waiting.pop(0)
        process = _run(task, len(found), sides[task.side], only)
        found.append(process)
        keep(found)
        if process.error:
            waiting = [other for other in waiting if (other.suite, other.side) != (task.suite, task.side)]
        elif process.disturbed and spare:
            waiting.insert(0, task)
            spare -= 1
        done(found, waiting)
    return found


def _run(task: Task, position: int, side: Installation, only: Sequence[str]) -> Process:
    before, started_at = clock.load(), clock.now()
    begun = time.perf_counter()
    chosen = [name for name in only if name.startswith(f"{task.suite}::")]
    with tempfile.TemporaryDirectory(prefix="reprise-gate-") as scratch:
        report, seen = Path(scratch) / "benchmarks.json", Path(scratch) / "seen.json"
        words = [f"--benchmark-json={report}", "--benchmark-max-time=0.05", "--benchmark-min-rounds=2"]
        command = pytest_command(side, _selected(task.suite, chosen), Path(scratch), words)
        variables = pytest_variables(side, task.suite, PASSES, seen)
        code, output, peak = finished(command, side.folder, variables, TIME_LIMIT_S)
        found = read_benchmarks(report) if report.is_file() and report.stat().st_size else {}
        told = json.loads(seen.read_bytes()) if seen.is_file() else {"loops": {}, "modules": None}
    after = clock.load()

    estimates = {kind: _asked(task.suite, one) for kind, one in _estimates(found, told["loops"]).items()}
    if code == 0 and not chosen and task.suite != CONTROL:
        for one in estimates.values():
            one[f"{task.suite}::{PEAK_MEMORY}"] = float(peak)
    error = None if code == 0 else fault(code, output)
    if side.commit and task.suite != CONTROL and told["modules"] == 0:
        error = error or NOT_ITS_FILES
    return Process(
        suite=task.suite, side=task.side, round=task.round, position=position,
        started_at=started_at, duration_s=time.perf_counter() - begun,
        **estimates, load=before.mean_1m,
        steal_fraction=after.stolen_since(before),
        error=error, modules=told["modules"], remarks=_asked(task.suite, told.get("remarks", {})),
    )  # fmt: skip


def pytest_command(side: Installation, selected: Sequence[str], scratch: Path, words: Sequence[str]) -> list[str]:
    """How pytest runs benchmarks in a process of a gate; what it keeps goes to `scratch`.

    pytest-benchmark is named, since some turn off that pytest finds plugins by itself.
    """
    return [
        side.python, "-m", "pytest", *selected, "-q", "-o", f"cache_dir={scratch / 'cache'}", "-p", "benchmark",
        "-p", PLUGIN_NAME, "--benchmark-only", "--benchmark-columns=min,median", *words,
    ]  # fmt: skip


def pytest_variables(side: Installation, suite: str, passes: int, seen: Path) -> dict[str, str]:
    """The variables of such a process. Words for pytest are of the project's benchmarks, not of the control."""
    inherited = side.environment
    if suite == CONTROL:
        inherited = {name: value for name, value in inherited.items() if name not in OF_PYTEST}
    path = os.pathsep.join(filter(None, [str(PLUGIN), inherited.get("PYTHONPATH")]))
    own = {"PYTHONPATH": path, "REPRISE_PASSES": str(passes), "REPRISE_SEEN": str(seen)}
    return inherited | library_first_variables() | own


def _asked(suite: str, by_name: Mapping[str, Told]) -> dict[str, Told]:
    """By the names that were asked for: pytest's go from its own root folder."""
    return {f"{suite}::{name.partition('::')[2]}": value for name, value in by_name.items()}


def _selected(suite: str, chosen: Sequence[str]) -> list[str]:
    """pytest's words for a benchmark file, for some of its benchmarks, or for the control, which no settings touch."""
    if suite == CONTROL:
        return [str(PLUGIN / "bench_control.py"), "-c", os.devnull, "--rootdir", str(PLUGIN)]
    return list(chosen) or [suite]


def _estimates(
    found: "Mapping[str, Sequence[BenchmarkRun]]", loop_s: Mapping[str, Sequence[float]]
) -> dict[str, dict[str, float]]:
    """One number for each benchmark from its runs in one process, in each of the three ways."""
    return {
        "fastest": {name: min(run.fastest for run in runs) for name, runs in found.items()},
        "median": {name: statistics.median(run.median for run in runs) for name, runs in found.items()},
        "relative": {
            name: statistics.median(run.median / loop for run, loop in zip(runs, loop_s[name], strict=True))
            for name, runs in found.items()
            if len(loop_s.get(name, [])) == len(runs)
        },
    }


def finished(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], limit_s: float
) -> tuple[int, str, int]:
    """Exit code, output and peak memory in bytes of a process, which is killed with its children after `limit_s`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        killed = threading.Event()

        def kill() -> None:
            killed.set()
            _kill_group(process.pid)

        timer = threading.Timer(limit_s, kill)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            _kill_group(process.pid)
            os.wait4(process.pid, 0)
            process.returncode = -9
            raise
        finally:
            timer.cancel()
        process.returncode = code = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    unit = 1 if sys.platform == "darwin" else 1024
    if killed.is_set():
        return 124, f"no end after {limit_s:.0f} s", usage.ru_maxrss * unit
    return code, text, usage.ru_maxrss * unit


def _kill_group(pid: int) -> None:
    import contextlib
    import signal

    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def fault(code: int, output: str) -> str:
    """In one line why a process failed: the last error line of its output."""
    if code == 5:
        return "pytest found no benchmarks there that its settings do not leave out"
    if code < 0:
        return f"killed by signal {-code}"
    lines = [line.strip() for line in output.splitlines() if re.match(r"(E  |.*(Error|error|ERROR|FAILED))", line)]
    lines = [line for line in lines if not SAYS_NOTHING.match(line)]
    last = lines[-1] if lines else (output.strip().splitlines() or ["no output"])[-1]
    return f"exit {code}: {without_paths(last)[:300]}"


@dataclass(frozen=True)
class BenchmarkRun:
    """One run of a benchmark: its fastest round and its median, in seconds."""

    fastest: float
    median: float


def read_benchmarks(path: Path) -> dict[str, list[BenchmarkRun]]:
    """The runs of every benchmark in pytest-benchmark's JSON, by full name; UserError when the file is no such."""
    found: dict[str, list[BenchmarkRun]] = {}
    try:
        for entry in json.loads(path.read_bytes())["benchmarks"]:
            run = BenchmarkRun(float(entry["stats"]["min"]), float(entry["stats"]["median"]))
            found.setdefault(str(entry["fullname"]), []).append(run)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path} is not the JSON of pytest-benchmark ({type(error).__name__}).\n"
            "Make one with `pytest --benchmark-json=FILE`."
        ) from error
    for name, runs in found.items():
        if not all(0 < seconds < float("inf") for run in runs for seconds in (run.fastest, run.median)):
            raise UserError(f"{path}: {name} has times that are no positive number of seconds.\nMeasure it again.")
    return found
