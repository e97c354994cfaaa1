"""Real gates of a toy project, many of them: false alarms on identical code, changes found, and what they take.

Run: python benchmarks/gate_trials.py RESULTS.jsonl --machine quiet --gates 100 [--changes 1.05 1.1 1.2 --each 10]
[--threshold 0.1] [--calibrate] [--asv PYTHON] [--alone]. Each gate is a commit of a project of three small benchmarks, of
which one is that much slower, against the first commit; beside each, in turn, the same commits by
`pytest --benchmark-compare-fail=median:10%` (not with --alone), and with --asv, which names an interpreter that has asv, by
`asv run` and `asv compare --factor 1.1`, with the gate's threshold. --machine says what else runs: nothing (quiet), a
process that computes half of the time (busy), or two that take a share which rises and falls within minutes, so that speed
drifts by about a fifth (drifting). Results are added line by line, so that it goes on after an interruption; without
--gates or --changes only the table of what RESULTS holds is printed.
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
ASV_BENCHMARKS = """
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "src"))
import mine


def time_total():
    mine.total(20_000, mine.FACTOR)


def time_words():
    mine.words(3_000)


def time_counted():
    mine.counted(20_000)
"""
ASV_SETTINGS = {
    "version": 1, "project": "mine", "repo": ".", "branches": ["HEAD"], "benchmark_dir": "asv_benchmarks",
    "results_dir": ".asv/results", "html_dir": ".asv/html", "environment_type": "existing",
}  # fmt: skip
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
    environment = os.environ | {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{package}", "HOME": str(folder.parent)}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, time.perf_counter() - start, done.stdout + done.stderr


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    """Commit the files as they are; the commit's name."""
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def project(folder: Path, threshold: float, calibrate: bool, asv: str | None) -> None:
    """The toy project with its first commit accepted, and pytest-benchmark's and asv's numbers of it saved."""
    (folder / "src").mkdir(parents=True)
    write(folder, 1.0)
    (folder / "bench_mine.py").write_text(BENCHMARKS)
    (folder / "gate.toml").write_text(f'benchmarks = ["bench_mine.py"]\n[thresholds]\n"*" = {threshold}\n')
    (folder / ".gitignore").write_text("__pycache__/\n.benchmarks/\nresults/\n.pytest_cache/\n.asv/\n")
    (folder / "asv_benchmarks").mkdir()
    (folder / "asv_benchmarks" / "__init__.py").touch()
    (folder / "asv_benchmarks" / "of_mine.py").write_text(ASV_BENCHMARKS)
    (folder / "asv.conf.json").write_text(json.dumps(ASV_SETTINGS))
    git(folder, "init", "-q")
    first = commit(folder, "first")
    steps = [[*REPRISE, "accept", "--why", "first"], [*PYTEST, "--benchmark-save=first"]]
    steps += [[*REPRISE, "calibrate"]] * 2 if calibrate else []
    steps += [[asv, "-m", "asv", "machine", "--yes"], asv_run(asv, first)] if asv else []
    for command in steps:
        code, _, output = ran(command, folder)
        if code:
            raise SystemExit(output)


REPRISE = [sys.executable, "-m", "keras_reprise"]
PYTEST = [sys.executable, "-m", "pytest", "-q", "bench_mine.py"]


def asv_run(asv: str, name: str) -> list[str]:
    """The command that measures the files as they are, and keeps the numbers as those of a commit."""
    return [asv, "-m", "asv", "run", "--python=same", f"--set-commit-hash={name}"]


def by_asv(asv: str, folder: Path, threshold: float) -> dict[str, object]:
    """What asv says of the files as they are against the first commit: which benchmarks got worse; and its seconds."""
    before, now = git(folder, "rev-parse", "HEAD"), commit(folder, "change")
    _, seconds, output = ran(asv_run(asv, now), folder)
    compared, more_s, said = ran([asv, "-m", "asv", "compare", f"--factor={1 + threshold:g}", before, now], folder)
    git(folder, "reset", "-q", before)
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in said.splitlines() if "of_mine." in line]
    if compared or len(rows) != 3:
        raise SystemExit(output + said)
    return {"asv": [row[-1] for row in rows if row[0] == "+"], "asv_s": seconds + more_s}


def by_pytest_benchmark(folder: Path, threshold: float) -> dict[str, object]:
    """The exit code of pytest-benchmark's comparison of the files as they are with the first commit, and its seconds."""
    fail = f"--benchmark-compare-fail=median:{100 * threshold:g}%"
    code, seconds, _ = ran([*PYTEST, "--benchmark-compare", fail], folder)
    return {"pytest_benchmark": code, "pytest_benchmark_s": seconds}


def measured(folder: Path, factor: float, threshold: float, asv: str | None, alone: bool) -> dict[str, object]:
    """One gate, and one comparison of pytest-benchmark and asv, of code that is so much slower."""
    write(folder, factor)
    code, seconds, output = ran([*REPRISE, "gate", "--json"], folder)
    if code not in (0, 1):
        raise SystemExit(output)
    said = json.loads(output[output.index("{\n") : output.rindex("}") + 1])
    regressed = [row["metric"] for row in said["metrics"] if row["verdict"] == "regressed"]
    names = ("verdict", "why", "estimate", "ratio", "again", "counts_from", "p_adjusted")
    slowed = next({name: row[name] for name in names} for row in said["metrics"] if "test_total" in row["metric"])
    found = {"factor": factor, "exit": code, "regressed": regressed, "seconds": seconds, "slowed": slowed}
    found |= {} if alone else by_pytest_benchmark(folder, threshold)
    found |= by_asv(asv, folder, threshold) if asv else {}
    write(folder, 1.0)
    return found


def rate(happened: list[bool]) -> str:
    """How often it happened, with the exact 95 % interval of a binomial rate."""
    count, n = sum(happened), len(happened)
    if not n:
        return "-"
    low = float(beta.ppf(0.025, count, n - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
    return f"{count} of {n} ({100 * low:.1f} to {100 * high:.1f} %)"


def taken(seconds: list[float]) -> str:
    """The median and the ends."""
    values = sorted(seconds)
    return f"{values[len(values) // 2]:.0f} s ({values[0]:.0f} to {values[-1]:.0f})" if values else "-"


def table(path: Path) -> str:
    """What was measured so far."""
    by_kind = defaultdict(list)
    for line in path.read_text().splitlines():
        one = json.loads(line)
        by_kind[one["machine"], one["threshold"], one["calibrated"], one["factor"]].append(one)
    rows = []
    for (machine, threshold, calibrated, factor), found in sorted(by_kind.items()):
        if factor == 1:
            ours = [one["exit"] == 1 for one in found]
        else:
            ours = [any("test_total" in name for name in one["regressed"]) for one in found]
        by_pytest, by_asv = ([one for one in found if name in one] for name in ("pytest_benchmark", "asv"))
        rows.append([
            machine, "yes" if calibrated else "no", f"{threshold:.0%}", "none" if factor == 1 else f"x {factor:g}",
            rate(ours), taken([one["seconds"] for one in found]),
            rate([one["pytest_benchmark"] != 0 for one in by_pytest]),
            taken([one["pytest_benchmark_s"] for one in by_pytest]),
            rate([bool(one["asv"]) for one in by_asv]), taken([one["asv_s"] for one in by_asv]),
        ])  # fmt: skip
    headers = ["machine", "calibrated", "threshold", "change"]
    headers += [part for name in ("gate: exit 1", "pytest-benchmark fails", "asv: slower") for part in (name, "takes")]
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
    parser.add_argument("--asv", metavar="PYTHON", help="an interpreter that has asv")
    parser.add_argument("--alone", action="store_true", help="nothing beside the gates")
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
                project(folder, chosen.threshold, chosen.calibrate, chosen.asv)
                for _ in range(20):
                    factor = max(counts, key=lambda one: counts[one])
                    if counts[factor] <= 0:
                        break
                    line = json.dumps(kind | measured(folder, factor, chosen.threshold, chosen.asv, chosen.alone))
                    counts[factor] -= 1
                    with chosen.results.open("a") as file:
                        file.write(line + "\n")
    finally:
        for other in running:
            other.kill()
    print(table(chosen.results))


if __name__ == "__main__":
    main()
