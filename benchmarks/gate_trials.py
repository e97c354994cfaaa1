"""Real gates of a toy project, many of them: false alarms on identical code, changes found, and what they take.

Run: python benchmarks/gate_trials.py RESULTS.jsonl --machine quiet --gates 100 [--changes 1.05 1.1 1.2 --each 10]
[--threshold 0.1] [--calibrate]. Each gate is a commit of a project of three small benchmarks, of which one is that much slower,
against the first commit; beside each, in turn, the same commits by `pytest --benchmark-compare-fail=median:10%`. --machine
says what else runs: nothing (quiet), a process that computes half of the time (busy), or two that take a share which rises
and falls within minutes, so that speed drifts by about a fifth (drifting). Results are added line by line, so that it goes on
after an interruption; without --gates only the table of what RESULTS holds is printed.
"""

import argparse
import json
import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from scipy.stats import beta
from tabulate import tabulate

PROJECT = """
def total(n, factor=1.0):
    return sum(i * i for i in range(int(n * factor)))


def words(n):
    return sorted(str(i) for i in range(n))


def counted(n):
    found = {}
    for i in range(n):
        found[i % 97] = found.get(i % 97, 0) + 1
    return found
"""
BENCHMARKS = """
import os

import mine


def test_total(benchmark):
    benchmark(mine.total, 20_000, mine.FACTOR)


def test_words(benchmark):
    benchmark(mine.words, 3_000)


def test_counted(benchmark):
    benchmark(mine.counted, 20_000)
"""
PERIOD_S, SHARE = 180.0, 0.4  # of the drift


def busy(machine: str, core: int) -> None:
    """Compute as the kind of machine asks, on one core, until killed."""
    os.sched_setaffinity(0, {core})
    while True:
        if machine == "busy":
            until = time.monotonic() + 5
            while time.monotonic() < until:
                pass
            time.sleep(5)
        else:
            share = SHARE * (1 - math.cos(2 * math.pi * time.monotonic() / PERIOD_S)) / 2
            until = time.monotonic() + 0.05 * share
            while time.monotonic() < until:
                pass
            time.sleep(0.05 * (1 - share))


def others(machine: str) -> list[multiprocessing.Process]:
    """The processes that make the machine what it is to be."""
    cores = sorted(os.sched_getaffinity(0))
    count = {"quiet": 0, "busy": 1, "drifting": len(cores)}[machine]
    found = [multiprocessing.Process(target=busy, args=(machine, core), daemon=True) for core in cores[:count]]
    for one in found:
        one.start()
    return found


def write(folder: Path, factor: float) -> None:
    (folder / "src" / "mine.py").write_text(f"FACTOR = {factor}\n{PROJECT}")


def ran(command: list[str], folder: Path) -> tuple[int, float, str]:
    """Exit code, seconds and output of a command in the project."""
    package = Path(__file__).parents[1] / "src"
    environment = os.environ | {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{package}"}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, time.perf_counter() - start, done.stdout + done.stderr


def project(folder: Path, threshold: float, calibrate: bool) -> None:
    """The toy project with its first commit accepted, and pytest-benchmark's numbers of it saved."""
    (folder / "src").mkdir(parents=True)
    write(folder, 1.0)
    (folder / "bench_mine.py").write_text(BENCHMARKS)
    (folder / "gate.toml").write_text(f'benchmarks = ["bench_mine.py"]\n[thresholds]\n"*" = {threshold}\n')
    (folder / ".gitignore").write_text("__pycache__/\n.benchmarks/\nresults/\n.pytest_cache/\n")
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    steps = [[*REPRISE, "accept", "--why", "first"], [*PYTEST, "--benchmark-save=first"]]
    steps += [[*REPRISE, "calibrate"]] * 2 if calibrate else []
    for command in steps:
        code, _, output = ran(command, folder)
        if code:
            raise SystemExit(output)


REPRISE = [sys.executable, "-m", "keras_reprise"]
PYTEST = [sys.executable, "-m", "pytest", "-q", "bench_mine.py"]
COMPARE = [*PYTEST, "--benchmark-compare", "--benchmark-compare-fail=median:10%"]


def measured(folder: Path, factor: float) -> dict[str, object]:
    """One gate, and one comparison of pytest-benchmark, of code that is so much slower."""
    write(folder, factor)
    code, seconds, output = ran([*REPRISE, "gate", "--json"], folder)
    if code not in (0, 1):
        raise SystemExit(output)
    said = json.loads(output[output.index("{\n") : output.rindex("}") + 1])
    regressed = [row["metric"] for row in said["metrics"] if row["verdict"] == "regressed"]
    theirs, their_s, _ = ran(COMPARE, folder)
    write(folder, 1.0)
    return {
        "factor": factor, "exit": code, "regressed": regressed, "seconds": seconds,
        "pytest_benchmark": theirs, "pytest_benchmark_s": their_s,
    }  # fmt: skip


def interval(count: int, n: int) -> str:
    """The exact 95 % interval of a binomial rate."""
    low = float(beta.ppf(0.025, count, n - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
    return f"{count} of {n} ({100 * low:.1f} to {100 * high:.1f} %)"


def table(path: Path) -> str:
    """What was measured so far."""
    by_kind = defaultdict(list)
    for line in path.read_text().splitlines():
        one = json.loads(line)
        by_kind[one["machine"], one["threshold"], one["calibrated"], one["factor"]].append(one)
    rows = []
    for (machine, threshold, calibrated, factor), found in sorted(by_kind.items()):
        n, changed = len(found), "test_total"
        if factor == 1:
            ours, theirs = sum(one["exit"] == 1 for one in found), sum(one["pytest_benchmark"] != 0 for one in found)
        else:
            ours = sum(any(changed in name for name in one["regressed"]) for one in found)
            theirs = sum(one["pytest_benchmark"] != 0 for one in found)
        seconds = [sorted(one[name] for one in found) for name in ("seconds", "pytest_benchmark_s")]
        medians = [f"{values[len(values) // 2]:.0f} s ({values[0]:.0f} to {values[-1]:.0f})" for values in seconds]
        rows.append([
            machine, "yes" if calibrated else "no", f"{threshold:.0%}", "none" if factor == 1 else f"x {factor:g}",
            interval(ours, n), medians[0], interval(theirs, n), medians[1],
        ])  # fmt: skip
    headers = [
        "machine",
        "calibrated",
        "threshold",
        "change",
        "gate: exit 1",
        "takes",
        "pytest-benchmark fails",
        "takes",
    ]
    return tabulate(rows, headers=headers, tablefmt="github")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--machine", choices=("quiet", "busy", "drifting"), default="quiet")
    parser.add_argument("--gates", type=int, default=0, help="gates of identical code")
    parser.add_argument("--changes", type=float, nargs="*", default=[], help="factors of one benchmark's seconds")
    parser.add_argument("--each", type=int, default=10, help="gates of each change")
    parser.add_argument("--threshold", type=float, default=0.1)
    parser.add_argument("--calibrate", action="store_true")
    chosen = parser.parse_args()
    kind = {"machine": chosen.machine, "threshold": chosen.threshold, "calibrated": chosen.calibrate}
    chosen.results.touch()
    done = [json.loads(line) for line in chosen.results.read_text().splitlines()]
    counts = {1.0: chosen.gates} | dict.fromkeys(chosen.changes, chosen.each)
    for one in done:
        if kind.items() <= one.items() and one["factor"] in counts:
            counts[one["factor"]] -= 1
    running = others(chosen.machine)
    try:
        while any(left > 0 for left in counts.values()):
            # A new project, baseline and all, every 20 gates, so that one lucky baseline is not all there is.
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch) / "toy"
                project(folder, chosen.threshold, chosen.calibrate)
                for _ in range(20):
                    factor = max(counts, key=lambda one: counts[one])
                    if counts[factor] <= 0:
                        break
                    line = json.dumps(kind | measured(folder, factor))
                    counts[factor] -= 1
                    with chosen.results.open("a") as file:
                        file.write(line + "\n")
    finally:
        for other in running:
            other.kill()
    print(table(chosen.results))


if __name__ == "__main__":
    main()
