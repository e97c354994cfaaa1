"""A machine that measures as told, by the variable VERSION of a process, in a project with one benchmark file."""

import math
import subprocess

import numpy as np

from keras_reprise.gate import measuring, processes, trial
from keras_reprise.gate.processes import CONTROL, Process
from keras_reprise.gate.stored import Software

SUITE = "bench_mine.py"
FAST, SLOW, PEAK = (f"{SUITE}::{name}" for name in ("test_fast", "test_slow", "peak memory"))
CONTROLS = ("test_sort", "test_count", "test_copy", "test_open")


class Machine:
    """Measures as told, by the variable VERSION of a process: factors by metric and version, and what crashes."""

    def __init__(self):
        self.factor, self.crash, self.calls, self.interrupt_after = {}, {}, [], None
        self.generator, self.clock = np.random.default_rng(1), 0

    def run(self, task, position, side, only):
        self.calls.append((task, tuple(only)))
        if self.interrupt_after is not None and len(self.calls) > self.interrupt_after:
            raise KeyboardInterrupt
        version = side.variables.get("VERSION", "0")

        def noisy(metric, seconds):
            factor = self.factor.get((metric, version), 1.0)
            return seconds * factor * math.exp(0.01 * self.generator.standard_normal())

        if task.suite == CONTROL:
            found = {f"control::{what}": noisy("control", 0.003) for what in CONTROLS}
        else:
            found = {m: noisy(m, s) for m, s in ((FAST, 0.01), (SLOW, 0.5)) if not only or m in only}
            found |= {} if only else {PEAK: noisy(PEAK, 1e8)}
        error = self.crash.get(version) if task.suite != CONTROL else None
        found = {} if error else found
        self.clock += 1
        return Process(
            suite=task.suite, side=task.side, round=task.round, position=position, duration_s=1.0,
            started_at=f"2026-01-01T{self.clock // 3600:02d}:{self.clock // 60 % 60:02d}:{self.clock % 60:02d}Z",
            fastest=found, median=found, relative=found, load=0.1, steal_fraction=0.0, error=error,
        )  # fmt: skip


def in_a_project(monkeypatch, tmp_path):
    """A project with one benchmark file, in which the machine measures."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / SUITE).write_text("def test_fast(benchmark):\n    benchmark(lambda: None)\n")
    (folder / "gate.toml").write_text(f'benchmarks = ["{SUITE}"]\n')
    monkeypatch.chdir(folder)
    for name in ("REPRISE_GATE_INJECT", "TOX_ENV_NAME"):
        monkeypatch.delenv(name, raising=False)
    found = Machine()
    monkeypatch.setattr(processes, "_run", found.run)
    monkeypatch.setattr(measuring, "software", lambda side: Software(python="3.11.1", packages={}, variables={}))
    monkeypatch.setattr(trial, "tried", lambda suite, side: trial.Trial(None, 1))
    return found


def commit(message="first"):
    """Put the project into git, without which nothing is kept of what was interrupted."""
    user = ("-c", "user.name=x", "-c", "user.email=x@x")
    for words in (["init", "-q"], ["add", "-A"], [*user, "commit", "-qm", message]):
        subprocess.run(["git", *words], check=True)
