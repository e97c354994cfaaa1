"""The gate as a user meets it: baselines, verdicts, exit codes, files; measured processes are made up unless a test says so."""

import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest

from keras_reprise.base.errors import StoreError, UserError
from keras_reprise.gate import (
    assumed,
    baselines,
    gating,
    installations,
    judgement,
    measuring,
    processes,
    quality,
    trial,
)
from keras_reprise.gate.benchmark_files import digests
from keras_reprise.gate.installations import Installation, parse
from keras_reprise.gate.journal import Journal
from keras_reprise.gate.judgement import first_look
from keras_reprise.gate.looks import Known, Look
from keras_reprise.gate.processes import CONTROL, Process, Task, plan, read_benchmarks, seconds_left
from keras_reprise.gate.project import deciding
from keras_reprise.gate.settings import Settings, read_settings
from keras_reprise.gate.stored import Occasion, Quality, finished_gates, write
from keras_reprise.record.schema import ClaimCard, DataRef
from keras_reprise.store.store import Store

pytestmark = pytest.mark.slow

SUITE = "bench_mine.py"
SHA = "0" * 64
CONTROLS = ("test_sort", "test_count", "test_copy", "test_open")


class Machine:
    """Measures as told: seconds by metric and side, what crashes, what the host takes away."""

    def __init__(self):
        self.seconds = {f"{SUITE}::test_fast": 0.01, f"{SUITE}::test_slow": 0.5}
        self.factor, self.error, self.steal, self.calls = {}, None, [], []
        self.interrupt_after, self.memory, self.spread = None, 1e8, 0.01
        self.slowness = lambda: 1.0  # of everything, the loop among it
        self.generator = np.random.default_rng(1)

    def run(self, task, position, side, only):
        self.calls.append((task, tuple(only)))
        if self.interrupt_after is not None and len(self.calls) > self.interrupt_after:
            raise KeyboardInterrupt
        steal = self.steal.pop(0) if self.steal else 0.0

        def noisy(seconds):
            return seconds * float(np.exp(self.spread * self.generator.standard_normal()))

        if task.suite == CONTROL:
            found = {f"control::{what}": noisy(0.003 * self.factor.get("control", 1.0)) for what in CONTROLS}
        else:
            chosen = {m: s for m, s in self.seconds.items() if not only or m in only}
            found = {m: noisy(s * self.factor.get((m, task.side), 1.0)) for m, s in chosen.items()}
            if not only:
                found[f"{SUITE}::peak memory"] = noisy(self.memory)
        error = self.error if task.suite != CONTROL else None
        found = {} if error else found
        slow = self.slowness()
        seconds = {m: v if m.endswith("peak memory") else v * slow for m, v in found.items()}
        return Process(
            suite=task.suite, side=task.side, round=task.round, position=position, started_at=f"2026-01-01T00:{len(self.calls) // 60:02d}:{len(self.calls) % 60:02d}Z",
            duration_s=1.0, fastest=seconds, median=seconds, relative=found, load=0.1, steal_fraction=steal, error=error,
        )  # fmt: skip


@pytest.fixture(scope="module")
def installed():
    """What is installed, by interpreter and path: a process that reads all distributions is asked for it once."""
    return {}


@pytest.fixture
def made(monkeypatch, tmp_path, installed):
    """A project with one benchmark file, on a machine that measures as told."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / SUITE).write_text("def test_fast(benchmark):\n    benchmark(lambda: None)\n")
    (folder / "gate.toml").write_text(f'benchmarks = ["{SUITE}"]\n')
    monkeypatch.chdir(folder)
    monkeypatch.delenv("REPRISE_GATE_INJECT", raising=False)
    monkeypatch.delenv("TOX_ENV_NAME", raising=False)
    found = Machine()
    monkeypatch.setattr(processes, "_run", found.run)
    monkeypatch.setattr(trial, "tried", lambda suite, side: trial.Trial(None, 1))
    ask = measuring.software

    def software(side):
        key = side.python, side.environment.get("PYTHONPATH")  # no project here is installed, or holds what is
        if key not in installed:
            installed[key] = ask(side)
        variables = {name: side.environment[name] for name in measuring.VARIABLES if name in side.environment}
        packages = dict(installed[key].packages)
        return msgspec.structs.replace(installed[key], packages=packages, variables=variables)

    monkeypatch.setattr(measuring, "software", software)
    return found


@pytest.fixture
def gate(made, reprise, store_path):
    def call(*arguments):
        return reprise(*arguments, "--store", store_path)

    return call


@pytest.fixture
def accepted(gate):
    result = gate("accept", "--why", "first")
    assert result.exit_code == 0, result.output
    return gate


@pytest.fixture
def to_the_end(monkeypatch):
    """No look is ended early."""
    monkeypatch.setattr(gating, "settled", lambda *looks: {})


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def metric(result, name):
    return next(row for row in json.loads(result.stdout)["metrics"] if row["metric"].endswith(name))


def test_without_a_baseline_nothing_is_measured_and_the_next_command_is_named(gate, made, monkeypatch):
    result = gate("gate")
    assert result.exit_code == 3
    assert "`reprise accept --why" in result.stderr
    assert made.calls == []
    monkeypatch.setenv("TOX_ENV_NAME", "bench")
    assert "`tox -e bench -- accept --why" in gate("gate").stderr


def test_identical_code_passes(accepted, made):
    result = accepted("gate")
    assert result.exit_code == 0, result.output
    for said in (
        "test_fast",
        "test_slow",
        "peak memory",
        "same",
        "90 % interval",
        "smallest visible",
        "Controls: quiet",
    ):
        assert said in result.stdout
    assert re.search(r"12 processes .* about", result.stderr)
    assert "not calibrated" in result.stdout


def test_an_injected_slowdown_is_named(accepted, monkeypatch, store_path):
    before = contents(store_path)
    monkeypatch.setenv("REPRISE_GATE_INJECT", "*test_slow=1.25")
    result = accepted("gate", "--json")
    assert result.exit_code == 1
    slow = metric(result, "test_slow")
    assert slow["verdict"] == "regressed"
    assert slow["ratio"] == pytest.approx(1.25, rel=0.03)
    assert slow["again"] == pytest.approx(1.25, rel=0.03)
    assert 1.2 < slow["interval"][0] < slow["ratio"] < slow["interval"][1] < 1.3
    assert metric(result, "test_fast")["verdict"] == "same"
    assert contents(store_path) == before
    text = accepted("gate").stdout
    assert text.splitlines()[2].startswith(f"{SUITE}::test_slow")
    assert "INJECTED" in text


def test_a_slowdown_that_is_not_seen_again_is_no_regression(accepted, made):
    name = f"{SUITE}::test_slow"
    real, first = made.run, len(made.calls) + 12

    def run(task, position, side, only):
        made.factor[name, "now"] = 1.5 if len(made.calls) < first else 1.0
        return real(task, position, side, only)

    processes._run = run
    result = accepted("gate", "--json")
    row = metric(result, "test_slow")
    assert (result.exit_code, row["verdict"]) == (0, "inconclusive")
    assert "not seen again" in row["why"]
    assert row["again"] == pytest.approx(1.0, abs=0.02)
    assert {only for task, only in made.calls[first:] if task.suite == SUITE} == {(name,)}


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--strict",), 5)])
def test_what_cannot_be_told_is_inconclusive(gate, made, options, code):
    made.spread = 0.3
    assert gate("accept", "--why", "first").exit_code == 0
    result = gate("gate", "--json", *options)
    found = {row["verdict"] for row in json.loads(result.stdout)["metrics"]}
    assert "inconclusive" in found
    assert found <= {"inconclusive", "same"}
    assert result.exit_code == code


def test_memory_is_gated(accepted, made):
    made.memory *= 1.4
    result = accepted("gate", "--json")
    assert result.exit_code == 1
    row = metric(result, "peak memory")
    assert (row["verdict"], row["kind"]) == ("regressed", "memory")
    assert {only for _, only in made.calls[-12:]} == {()}, "a peak is that of all benchmarks"


def test_a_machine_that_slows_down_as_a_whole_is_no_regression(gate, made):
    def phases():
        return float(np.exp(abs(0.2 * made.generator.standard_normal())))

    Path("median.toml").write_text(f'benchmarks = ["{SUITE}"]\nestimate = "median"\n')
    made.slowness = phases
    assert gate("accept", "--why", "first").exit_code == 0
    made.slowness = lambda: 1.35 * phases()
    result = gate("gate", "--json")
    assert result.exit_code == 0
    assert metric(result, "test_slow")["verdict"] == "same"
    assert metric(result, "test_slow")["ratio"] == pytest.approx(1.0, rel=0.05)
    made.factor = {(f"{SUITE}::test_slow", "now"): 1.25}
    result = gate("gate", "--json")
    assert metric(result, "test_slow")["verdict"] == "regressed"
    assert metric(result, "test_slow")["ratio"] == pytest.approx(1.25, rel=0.06)
    median = gate("gate", "--json", "--config", "median.toml")
    assert metric(median, "test_fast")["ratio"] > 1.2, "in plain seconds the whole machine is slower"


def test_nothing_is_red_when_the_fixed_work_changed_too(accepted, made):
    made.factor = {"control": 1.4, (f"{SUITE}::test_slow", "now"): 1.4}
    result = accepted("gate", "--json")
    assert result.exit_code == 0
    assert metric(result, "test_slow")["verdict"] == "inconclusive"
    assert "fixed work" in json.loads(result.stdout)["control"]["failed"]


def test_a_run_whose_halves_differ_calls_nothing_regressed(accepted, made):
    real = made.run

    def run(task, position, side, only):
        made.factor[f"{SUITE}::test_slow", "now"] = 1.6
        made.factor[f"{SUITE}::test_fast", "now"] = 2.0 if task.round % 2 else 1.0
        return real(task, position, side, only)

    processes._run = run
    result = accepted("gate", "--json")
    assert result.exit_code == 0
    assert "halves of this run" in json.loads(result.stdout)["control"]["failed"]


def test_a_crash_is_neither_green_nor_red(accepted, made, gate, store_path):
    before = contents(store_path)
    made.error = "exit 1: ValueError: broken"
    result = accepted("gate")
    assert result.exit_code == 4
    assert "ValueError: broken" in result.stdout
    result = gate("accept", "--why", "no")
    assert result.exit_code == 4
    assert "Nothing was kept" in result.stderr
    assert {k: v for k, v in contents(store_path).items() if "baselines" in k} == {
        k: v for k, v in before.items() if "baselines" in k
    }


def test_a_crash_in_the_second_look_is_one(accepted, made, monkeypatch):
    monkeypatch.setenv("REPRISE_GATE_INJECT", "*test_slow=1.25")
    real, first = made.run, len(made.calls) + 12

    def run(task, position, side, only):
        made.error = "exit 1: ValueError: broken" if len(made.calls) >= first else None
        return real(task, position, side, only)

    monkeypatch.setattr(processes, "_run", run)
    result = accepted("gate", "--json")
    assert result.exit_code == 4
    failed = [row for row in json.loads(result.stdout)["metrics"] if row["verdict"] == "failed"]
    assert [(row["metric"], row["why"]) for row in failed] == [(f"{SUITE}::test_slow", made.error)]


def test_benchmarks_that_only_one_side_has_are_incomparable(accepted, made):
    made.seconds = {f"{SUITE}::test_renamed": 0.01}
    result = accepted("gate", "--json")
    assert metric(result, "test_renamed")["why"] == "new"
    assert metric(result, "test_fast")["why"] == "no longer measured"
    assert result.exit_code == 0  # the peak memory was compared


def test_interrupted_gates_leave_everything_as_it_was(accepted, made, store_path, to_the_end):
    before = contents(store_path)
    for after in (1, 5, 11):
        made.calls.clear()
        made.interrupt_after = after
        assert accepted("gate").exit_code == 130
        assert accepted("accept", "--why", "x").exit_code == 130
        assert accepted("calibrate").exit_code == 130
    assert contents(store_path) == before


def test_processes_that_the_host_disturbed_are_run_again(accepted, made, to_the_end):
    made.calls.clear()
    made.steal = [0.0, 0.4, 0.3]
    result = accepted("gate")
    assert result.exit_code == 0
    assert len(made.calls) == 14
    assert "2 of 14 processes were left out" in result.stdout
    made.calls.clear()
    made.steal = [0.4] * 1000
    result = accepted("gate")
    assert len(made.calls) == 18
    assert result.exit_code == 3


def test_a_broken_baseline_is_said_to_be_broken(accepted, store_path):
    path = next((store_path / "baselines").rglob("*.json"))
    path.write_bytes(path.read_bytes()[:-200])
    result = accepted("gate")
    assert result.exit_code == 1
    assert "Restore it from git" in result.stderr


def test_check_reads_the_baselines_too(accepted, reprise, store_path):
    assert accepted("calibrate").exit_code == 0
    folder = next((store_path / "baselines").iterdir())
    result = reprise("check", "--store", store_path)
    assert (result.exit_code, "2 files checked, 0 broken" in result.stdout) == (0, True)
    whole = (folder / "main.json").read_bytes()
    for name, content, said in (
        ("main.json", whole[:-100], "no baseline of this version"),
        ("main.calibration.json", b"{}", "no calibration of this version"),
        ("main.json", re.sub(rb'("[a-z_.]+::test_slow": )0.', rb"\g<1>-0.", whole), "no positive number"),
        ("main.json", whole.replace(folder.name.encode(), b"b" * 12), "of another machine"),
    ):
        kept = (folder / name).read_bytes()
        (folder / name).write_bytes(content)
        result = reprise("check", "--store", store_path)
        assert result.exit_code == 1
        assert said in result.stdout
        assert f"{folder.name}/{name}" in result.stdout
        (folder / name).write_bytes(kept)


def test_the_baseline_of_another_machine_is_none(accepted, store_path):
    folder = next((store_path / "baselines").iterdir())
    folder.rename(folder.with_name("a" * 12))
    result = accepted("gate")
    assert result.exit_code == 3
    assert "times of different machines are not compared" in result.stderr
    folder.with_name("a" * 12).rename(folder)
    path = next(folder.glob("*.json"))
    path.write_bytes(path.read_bytes().replace(folder.name.encode(), b"b" * 12))
    assert accepted("gate").exit_code == 2


def test_a_calibration_of_another_machine_says_nothing_of_this_one(accepted, store_path):
    assert accepted("calibrate").exit_code == 0
    path = next((store_path / "baselines").rglob("*.calibration.json"))
    path.write_bytes(path.read_bytes().replace(path.parent.name.encode(), b"b" * 12))
    result = accepted("gate")
    assert (result.exit_code, "b" * 12 in result.stderr) == (2, True)


def test_a_baseline_says_who_when_and_why(gate, store_path):
    result = gate("accept", "--why", "new compiler", "--by", "Ada")
    assert result.exit_code == 0
    assert "Accepted 24 processes" in result.stdout
    assert "main.json" in result.stdout
    document = json.loads(next((store_path / "baselines").rglob("*.json")).read_text())
    assert document["accepted"]["why"] == "new compiler"
    assert document["accepted"]["by"] == "Ada"
    assert document["accepted"]["at"].endswith("Z")
    assert str(Path.cwd()) not in json.dumps(document)


def test_the_last_gate_can_be_accepted(accepted, made, store_path, to_the_end):
    assert accepted("gate", "--rounds", "7").exit_code == 0
    assert accepted("accept", "--last", "--why", "as measured").exit_code == 0
    document = json.loads(next((store_path / "baselines").rglob("*.json")).read_text())
    assert len(document["measured"]["processes"]) == 14
    assert accepted("gate").exit_code == 0


def test_accepting_the_last_gate_needs_one(gate):
    result = gate("accept", "--last", "--why", "x")
    assert result.exit_code == 3
    assert "Run `reprise gate --store" in result.stderr


def test_calibration_adds_occasions_and_widens_what_counts(accepted, made, monkeypatch):
    for speed in (1.0, 1.1, 0.9):
        made.factor = {(f"{SUITE}::test_slow", "now"): speed}
        result = accepted("calibrate", "--json")
        assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["occasions"] == 3
    assert 0.08 < found["noise_of_stored"][f"{SUITE}::test_slow"] < 0.2
    assert found["noise_of_stored"][f"{SUITE}::test_fast"] < 0.02
    assert found["noise"][f"{SUITE}::test_slow"] < 0.02, "in turns, drift is cancelled"
    made.factor = {}
    monkeypatch.setenv("REPRISE_GATE_INJECT", "*::test_*=1.2")
    result = accepted("gate", "--json")
    assert metric(result, "test_fast")["verdict"] == "regressed"
    assert metric(result, "test_slow")["verdict"] != "regressed"


def test_one_occasion_says_nothing_of_another_day(accepted):
    result = accepted("calibrate", "--json")
    facts = json.loads(result.stdout)
    assert (facts["occasions"], facts["noise_of_stored"]) == (1, {})
    assert facts["noise"]


def test_an_occasion_that_came_while_another_was_measured_is_kept(accepted, made, monkeypatch, store_path):
    assert accepted("calibrate").exit_code == 0
    path = next((store_path / "baselines").glob("*/main.calibration.json"))
    one, real = json.loads(path.read_bytes()), made.run

    def run(task, position, side, only):
        path.write_text(json.dumps(one | {"occasions": one["occasions"] * 2}))
        return real(task, position, side, only)

    monkeypatch.setattr(processes, "_run", run)
    assert json.loads(accepted("calibrate", "--json").stdout)["occasions"] == 3


def test_what_was_measured_is_kept_until_it_is_written(gate, committed, monkeypatch):
    real = write

    def full(path, content):
        raise StoreError("The disk is full.\nMake room.")

    monkeypatch.setattr(baselines, "write", full)
    assert gate("accept", "--why", "first").exit_code != 0
    monkeypatch.setattr(baselines, "write", real)
    assert "24 of 24 processes are kept" in gate("accept", "--why", "first").stderr
    assert len(committed.calls) == 24


def test_a_baseline_is_of_the_benchmarks_as_they_were_measured(gate, made, monkeypatch, store_path):
    real, before = made.run, digests([SUITE])

    def run(task, position, side, only):
        Path(SUITE).write_text("def test_fast(benchmark):\n    benchmark(int)\n")
        return real(task, position, side, only)

    monkeypatch.setattr(processes, "_run", run)
    assert gate("accept", "--why", "first").exit_code == 0
    found = json.loads(next((store_path / "baselines").glob("*/main.json")).read_bytes())
    assert found["benchmarks"] == before


@pytest.mark.parametrize("name", ["a/b", "..", "main.calibration", "a\nb", ""])
def test_a_name_is_that_of_a_file(gate, made, name):
    for words in (["accept", "--why", "first"], ["gate"], ["calibrate"]):
        result = gate(*words, "--name", name)
        assert (result.exit_code, made.calls) == (2, [])


def test_files_for_people_and_machines(accepted, monkeypatch, tmp_path):
    monkeypatch.setenv("REPRISE_GATE_INJECT", "*test_slow=1.25")
    result = accepted("gate", "--junit-xml", tmp_path / "gate.xml", "--markdown", tmp_path / "gate.md")
    assert result.exit_code == 1
    suite = ElementTree.parse(tmp_path / "gate.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "0")
    case = next(case for case in suite if case.find("failure") is not None)
    assert (case.get("classname"), case.get("name")) == (SUITE, "test_slow")
    text = (tmp_path / "gate.md").read_text()
    assert text.startswith("### ✗ 1 regressed, 2 same")
    assert "| bench_mine.py::test_slow" in text
    assert "<details>" in text


CPU = {"brand_raw": "Model A", "count": 2, "hz_actual_friendly": "2.20 GHz", "l2_cache_size": 1}
INFO: dict[str, Any] = {
    "node": "host-a",
    "release": "6.1.0",
    "system": "Linux",
    "machine": "x86_64",
    "python_version": "3.11.7",
    "python_implementation": "CPython",
    "cpu": CPU,
}


def benchmark_json(path, seconds, info=None):
    entries = [{"fullname": name, "stats": {"min": value * 0.9, "median": value}} for name, value in seconds.items()]
    path.write_text(json.dumps({"benchmarks": entries} | ({} if info is None else {"machine_info": info})))
    return path


def benchmark_files(folder, side, factor, info=None):
    """Six processes' files of two benchmarks, one `factor` times as slow."""
    generator = np.random.default_rng(2)
    found = []
    for number in range(6):
        noise = np.exp(0.01 * generator.standard_normal(2))
        seconds = {"a::test_x": 0.1 * noise[0], "a::test_y": factor * noise[1]}
        found.append(benchmark_json(folder / f"{side}{number}.json", seconds, info))
    return found


def test_existing_benchmark_files_are_compared(gate, tmp_path):
    old, new = benchmark_files(tmp_path, "old", 1.0), benchmark_files(tmp_path, "new", 1.3)
    words = [word for path in new for word in ("--import-benchmarks", path)] + [
        word for path in old for word in ("--against", path)
    ]
    result = gate("gate", "--json", *words)
    assert result.exit_code == 1
    assert metric(result, "test_y")["verdict"] == "regressed"
    assert metric(result, "test_x")["verdict"] == "same"
    assert "do not name their machine" in json.loads(result.stdout)["notes"][-1]
    as_a_shell_gives_them = gate("gate", "--import-benchmarks", *new, "--json", "--against", *old)
    assert as_a_shell_gives_them.stdout == result.stdout
    assert gate("gate", "--import-benchmarks", new[0]).exit_code == 3


def test_a_benchmark_that_later_files_lack_is_said_to_be_gone(gate, tmp_path):
    old, new = benchmark_files(tmp_path, "old", 1.0, INFO), benchmark_files(tmp_path, "new", 1.0, INFO)
    for path in new:
        benchmark_json(path, {"a::test_x": 0.1}, INFO)
    result = gate("gate", "--import-benchmarks", *new, "--against", *old, "--json")
    assert (metric(result, "test_y")["verdict"], metric(result, "test_y")["why"]) == (
        "incomparable",
        "no longer measured",
    )


def test_files_whose_halves_differ_show_no_regression(gate, tmp_path):
    old = benchmark_files(tmp_path, "old", 1.0, INFO)
    new = [
        benchmark_json(
            tmp_path / f"new{number}.json",
            {"a::test_x": (0.2 if number % 2 else 0.4) + number / 1000, "a::test_y": 1.0},
            INFO,
        )
        for number in range(6)
    ]
    result = gate("gate", "--import-benchmarks", *new, "--against", *old, "--json")
    assert (result.exit_code, metric(result, "test_x")["verdict"]) == (0, "inconclusive")
    assert "halves of this run differ" in metric(result, "test_x")["why"]


def test_a_benchmark_file_that_is_given_twice_counts_once(gate, tmp_path):
    old, new = benchmark_files(tmp_path, "old", 1.0, INFO), benchmark_files(tmp_path, "new", 1.3, INFO)
    (tmp_path / "copy.json").write_bytes(Path(new[0]).read_bytes())
    once = json.loads(gate("gate", "--import-benchmarks", *new, "--against", *old, "--json").stdout)
    twice = gate("gate", "--import-benchmarks", *new, new[0], tmp_path / "copy.json", "--against", *old, "--json")
    found = json.loads(twice.stdout)
    assert found["metrics"] == once["metrics"]
    assert [note for note in found["notes"] if note not in once["notes"]] == [
        f"{path} holds the measurement of {new[0]} again, which counts once."
        for path in (new[0], tmp_path / "copy.json")
    ]
    itself = gate("gate", "--import-benchmarks", *new, "--against", *new, "--json")
    assert f"Both sides have {len(new)} of the measurements" in json.loads(itself.stdout)["notes"][0]


def test_imported_benchmarks_of_one_name_with_other_parameters_are_not_compared(gate, tmp_path):
    old, new = benchmark_files(tmp_path, "old", 1.0, INFO), benchmark_files(tmp_path, "new", 1.3, INFO)

    def parametrised(paths, n):
        for path in paths:
            content = json.loads(Path(path).read_text())
            content["benchmarks"][1]["params"] = {"n": n}
            Path(path).write_text(json.dumps(content))

    parametrised(old, 1)
    parametrised(new, 2)
    words = ["gate", "--import-benchmarks", *new, "--against", *old, "--json"]
    result = gate(*words)
    assert (result.exit_code, metric(result, "test_y")["verdict"]) == (0, "incomparable")
    assert '{"n": 1} before, {"n": 2} now' in metric(result, "test_y")["why"]
    parametrised(new[:1], 3)
    assert gate(*words).exit_code == 2


@pytest.mark.parametrize(
    "other",
    [
        {"cpu": {"brand_raw": "Model B", "count": 2}},
        {"cpu": {"brand_raw": "Model A", "count": 64}},
        {"machine": "aarch64"},
        {"system": "Darwin"},
        {"python_version": "3.12.1"},
        {"python_implementation": "PyPy"},
    ],
)
def test_benchmark_files_of_another_machine_or_python_are_compared_only_when_asked(gate, tmp_path, other):
    old, new = benchmark_files(tmp_path, "old", 1.0, INFO), benchmark_files(tmp_path, "new", 1.3, INFO | other)
    words = ["gate", "--import-benchmarks", *new, "--against", *old]
    refused = gate(*words)
    (name,) = other
    values = [one["cpu"] if name == "cpu" else {name: one[name]} for one in (INFO, INFO | other)]
    differ = [
        (str(was), str(now)) for was, now in zip(values[0].values(), values[1].values(), strict=False) if was != now
    ]
    assert refused.exit_code == 3
    assert f"{differ[0][0]} before, " in refused.output
    assert f"{differ[0][1]} now" in refused.output
    assert "--across-machines" in refused.output
    assert json.loads(gate(*words, "--json").stdout)["verdict"] == "incomparable"
    compared = gate(*words, "--across-machines", "--json")
    assert (compared.exit_code, metric(compared, "test_y")["verdict"]) == (1, "regressed")
    assert f"{differ[0][1]} now" in json.loads(compared.stdout)["notes"][0]


def test_what_changes_from_run_to_run_makes_no_other_machine(gate, tmp_path):
    cpu = CPU | {"hz_actual_friendly": "3.10 GHz", "l2_cache_size": 2, "brand_raw": "Model  A "}
    later = INFO | {"node": "host-b", "release": "6.2.0", "cpu": cpu}
    old, new = benchmark_files(tmp_path, "old", 1.0, INFO), benchmark_files(tmp_path, "new", 1.3, later)
    result = gate("gate", "--import-benchmarks", *new, "--against", *old, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["changed"] == []
    assert len(json.loads(result.stdout)["notes"]) == 1


@pytest.mark.parametrize("option", [(), ("--across-machines",)])
def test_files_of_several_machines_are_no_side(gate, tmp_path, option):
    new = benchmark_files(tmp_path, "new", 1.0, INFO)
    benchmark_json(new[3], {"a::test_x": 0.1}, INFO | {"cpu": {"brand_raw": "Model B", "count": 2}})
    result = gate(
        "gate", "--import-benchmarks", *new, "--against", *benchmark_files(tmp_path, "old", 1.0, INFO), *option
    )
    assert result.exit_code == 2
    assert "Model A" in result.output
    assert "Model B" in result.output
    assert "new3.json" in result.output


@pytest.mark.parametrize("info", [1, "x", [], {"cpu": 3}, {"cpu": {"brand_raw": {}}}, {"system": None}])
def test_machines_that_files_describe_oddly_are_not_known(gate, tmp_path, info):
    old, new = benchmark_files(tmp_path, "old", 1.0, INFO), benchmark_files(tmp_path, "new", 1.0, info)
    result = gate("gate", "--import-benchmarks", *new, "--against", *old)
    assert result.exit_code == 0
    assert "do not name their machine" in result.output


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"benchmarks": 3}',
        '{"benchmarks": [{"fullname": "x", "stats": {"min": 0, "median": 0}}]}',
        "[" * 100000,
        '{"benchmarks": [{"fullname": "x", "stats": {"min": NaN, "median": 1}}]}',
    ],
)
def test_files_that_are_no_benchmarks_are_refused(tmp_path, content):
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(UserError, match="broken.json"):
        read_benchmarks(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("benchmarks = 3", "benchmarks"),
        ("rounds = 1\nbenchmarks = []", "rounds"),
        ("[thresholds]\n'*' = -1", "thresholds"),
        ("threshold = 3", "threshold"),
        ("benchmarks = ['nowhere.py']", "nowhere.py"),
        ("", "nothing to gate"),
        ("not toml", "gate.toml"),
    ],
)
def test_settings_that_cannot_be(tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gate.toml").write_text(content)
    with pytest.raises(UserError, match=said):
        read_settings(None)


def test_the_last_pattern_that_fits_counts():
    settings = Settings(
        thresholds={"*": 0.1, "*test_x[a]*": 0.2}, margins={"*/test_error": 0.01}, seeds={"*": 4, "slow-one": 2}
    )
    assert settings.threshold("f.py::test_x[a]") == 0.2
    assert settings.threshold("f.py::test_xa") == 0.1
    assert settings.margin("recipe/arm/test_error") == 0.01
    assert settings.margin("recipe/arm/test_loss") is None
    assert (settings.seeds_of("slow-one"), settings.seeds_of("other")) == (2, 4)
    assert Settings().seeds_of("other") is None


def test_blocks_are_abba_and_the_order_is_drawn():
    tasks = plan(["x", "y"], 4, 7, ("a", "b"))
    assert len(tasks) == 16
    for start in range(0, 16, 4):
        block = [task.side for task in tasks[start : start + 4]]
        assert block in (list("abba"), list("baab"))
        assert len({task.suite for task in tasks[start : start + 4]}) == 1
    assert tasks == plan(["x", "y"], 4, 7, ("a", "b"))
    assert tasks != plan(["x", "y"], 4, 8, ("a", "b"))
    single = plan(["x", "y", "z"], 5, 1)
    assert [task.round for task in single] == [n for n in range(5) for _ in range(3)]


def test_the_time_left_is_by_what_each_file_takes_and_unknown_before():
    seconds = {"x": 10.0, CONTROL: 1.0}
    to_come = [Task("x", "now", 1), Task(CONTROL, "now", 1)]
    done = [Process(file, "now", 0, 0, "", took, {}, {}, {}, 0.0, 0.0) for file, took in seconds.items()]
    assert seconds_left(to_come, done) == 11.0
    assert seconds_left(to_come, done[1:]) is None


# Quality


def replicates(seeds, values, *, version=1, failed=0, fingerprint=SHA, statistics=None):
    claim = ClaimCard(id="it-learns", says="", where="", statistic="", unit="", interval=(0.5, None), exact=False)
    return Quality(
        recipe="mine", version=version, scale="quick", source_sha256=SHA,
        data=DataRef("digits", fingerprint, 10, 10, True), seeds=list(seeds), metrics={"a/test_error": list(values)},
        margins={"a/test_error": 0.01}, claims=[claim], statistics={"it-learns": list(statistics or [0.9 + seed / 1000 for seed in range(len(values))])},
        failed=failed, seconds=1.0,
    )  # fmt: skip


def test_quality_holds_what_the_claims_of_now_give_on_the_arms_not_what_was_stored_at_the_time():
    store = Store(Path(__file__).parents[2] / "results")
    records = [
        store.read(store.root / one.path)
        for one in store.summaries()[0]
        if (one.recipe.slug, one.recipe.scale) == ("abort-on-3x", "quick")
    ]
    found = quality.quality_of(records, store, Settings())
    for claim in found.claims:
        assert all(value is None or value != "nan" for value in found.statistics[claim.id])
    assert any(None in values for values in found.statistics.values())  # good runs that had no run to be stopped
    assert any(set(found.statistics) - set(record.claims) for record in records)


@pytest.fixture
def trained(made, monkeypatch):
    """What the recipe gives, by seed."""
    (Path.cwd() / "gate.toml").write_text('recipes = ["./mine.py"]\n[seeds]\n"*" = 6\n')
    (Path.cwd() / "mine.py").write_text("")
    told: dict[str, Any] = {"shift": 0.0, "options": {}, "asked": [], "lost": []}

    def measure(names, seeds, side, settings, store):
        told["asked"].append(list(seeds))
        values: list[Any] = [float(0.3 + 0.005 * np.sin(seed) + told["shift"]) for seed in seeds]
        values = ["nan" if seed in told["lost"] else value for seed, value in zip(seeds, values, strict=True)]
        return [replicates(seeds, values, **told["options"])]

    monkeypatch.setattr(quality, "measure", measure)
    return told


def test_quality_is_gated_and_confirmed_with_other_seeds(gate, trained):
    result = gate("accept", "--why", "first", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["needed"] == {"mine/a/test_error": 2}
    result = gate("gate", "--json")
    assert result.exit_code == 0
    assert metric(result, "test_error")["why"] == "the same number for every seed"
    trained["shift"], trained["asked"] = 0.03, []
    result = gate("gate", "--json")
    assert result.exit_code == 1
    row = metric(result, "test_error")
    assert row["difference"] == pytest.approx(0.03, abs=0.005)
    assert trained["asked"] == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]
    trained["shift"] = 0.005
    assert gate("gate").exit_code == 0


@pytest.mark.parametrize(
    ("options", "why"), [({"version": 2}, "version 1 before, 2 now"), ({"fingerprint": "1" * 64}, "other data")]
)
def test_other_versions_and_data_are_incomparable(gate, trained, options, why):
    assert gate("accept", "--why", "first").exit_code == 0
    trained["options"] = options
    result = gate("gate", "--json")
    assert result.exit_code == 3
    assert any(why in row["why"] for row in json.loads(result.stdout)["metrics"])


def test_failed_replicates_fail_the_gate(gate, trained):
    assert gate("accept", "--why", "first").exit_code == 0
    trained["options"] = {"failed": 1}
    assert gate("gate").exit_code == 4


@pytest.mark.parametrize("lost", [[2], [1, 2, 3, 4, 5, 6]])
def test_an_error_that_is_no_number_any_more_fails_the_gate(gate, trained, lost):
    assert gate("accept", "--why", "first").exit_code == 0
    trained["lost"] = lost
    result = gate("gate", "--json")
    assert result.exit_code == 4, result.output
    row = metric(result, "test_error")
    assert (row["verdict"], row["why"]) == ("failed", f"no finite number in {len(lost)} of 6 replicates")
    assert gate("accept", "--why", "it diverges").exit_code == 0
    assert gate("gate").exit_code in (0, 3), "what had no number before is no news"


def test_quality_that_only_one_side_gates_is_incomparable():
    old, new = replicates([1, 2], [0.3, 0.3]), replicates([1, 2], [0.3, 0.3])
    more = msgspec.structs.replace(
        new, metrics={**new.metrics, "a/test_loss": [1.0, 1.0]}, margins={**new.margins, "a/test_loss": 0.1}
    )
    for before, now, why in ((old, more, "new"), (more, new, "no longer measured")):
        found = first_look(Look({}, quality=[before]), Look({}, quality=[now]), Settings(), Known())
        rows = {row.metric: (row.verdict, row.why) for row in found.rows}
        assert rows["mine/a/test_loss"] == ("incomparable", why)
        assert rows["mine/a/test_error"][0] == "same"


def test_the_control_of_one_side_is_no_metric():
    times = np.array([0.1, 0.1, 0.1])
    before = Look({f"{SUITE}::test_fast": times, "control::test_sort": times})
    found = first_look(before, Look({f"{SUITE}::test_fast": times}), Settings(), Known())
    assert [row.metric for row in found.rows] == [f"{SUITE}::test_fast"]


def test_a_claim_that_turns_is_a_regression(gate, trained):
    assert gate("accept", "--why", "first").exit_code == 0
    trained["options"] = {"statistics": [0.1, 0.11, 0.12, 0.1, 0.11, 0.12]}
    result = gate("gate", "--json")
    assert result.exit_code == 1
    assert metric(result, "it-learns")["why"] == "the claim was reproduced, is contradicted"


def test_a_real_recipe_is_measured_into_a_store_of_its_own(plain_recipe, tmp_path):
    settings = Settings(recipes=[str(plain_recipe)], margins={"*": 0.5})
    with Journal().store("now") as store:
        found = quality.measure([str(plain_recipe)], [1, 2], Installation(sys.executable, tmp_path), settings, store)
    assert not store.root.exists()
    assert len(found) == 1
    assert found[0].seeds == [1, 2]
    assert found[0].metrics
    assert (len(found[0].measurement or ""), found[0].backend in ("tensorflow", "jax")) == (64, True)
    assert found[0].failed == 0
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_a_recipe_that_cannot_be_imported_is_a_crash(gate, made):
    Path("broken.py").write_text("raise ValueError('no')\n")
    Path("gate.toml").write_text('recipes = ["./broken.py"]\n')
    result = gate("accept", "--why", "first")
    assert result.exit_code == 4
    assert "broken.py" in result.stderr


# Between environments


def test_words_of_an_environment(tmp_path):
    spec = parse("keras==3.14.0 backend:jax TF_X=1 commit:HEAD~1")
    assert spec.requirements == ["keras==3.14.0"]
    assert spec.variables == {"KERAS_BACKEND": "jax", "TF_X": "1"}
    assert spec.commit == "HEAD~1"
    assert parse(".").interpreter is None
    assert parse(sys.executable).interpreter == sys.executable
    for words in ("", "   ", str(tmp_path / "nowhere" / "python")):
        with pytest.raises(UserError):
            parse(words)


def test_two_environments_are_compared_side_by_side(gate, made, store_path):
    made.factor = {(f"{SUITE}::test_slow", "b"): 1.5, (f"{SUITE}::test_fast", "b"): 0.7}
    result = gate("gate", "--between", ".", ". SOME_VARIABLE=1", "--json")
    assert result.exit_code == 1, result.output
    assert metric(result, "test_slow")["verdict"] == "regressed"
    assert metric(result, "test_fast")["verdict"] == "improved"
    assert {task.side for task, _ in made.calls} == {"a", "b"}
    assert not (store_path / "baselines").exists()


def test_two_environments_that_are_alike_end_early(gate, made):
    result = gate("gate", "--between", ".", ". SOME_VARIABLE=1", "--json")
    assert result.exit_code == 0, result.output
    assert max(task.round for task, _ in made.calls) < Settings().rounds - 1
    assert CONTROL not in {task.suite for task, _ in made.calls}, "the control waits for a second look"


@pytest.mark.parametrize("side", ["a", "b"])
def test_a_side_that_crashes_is_a_crash(gate, made, monkeypatch, side):
    real = made.run

    def run(task, position, where, only):
        made.error = "exit 1: ImportError: old" if task.side == side else None
        return real(task, position, where, only)

    monkeypatch.setattr(processes, "_run", run)
    result = gate("gate", "--between", ".", ".")
    assert result.exit_code == 4
    assert "ImportError: old" in result.stdout


def test_an_environment_that_cannot_be_installed_measured_nothing(gate, made, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    result = gate("gate", "--between", ".", "no-such-package-of-ours==9.9")
    assert result.exit_code == 3
    assert "cannot be installed" in result.stderr
    assert made.calls == []


def test_an_environment_has_what_is_here_and_the_requirement_in_its_place(tmp_path):
    """A wheel made by hand takes the place of an installed package, without a network; all else is inherited."""
    import zipfile

    wheel = tmp_path / "tabulate-99.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tabulate.py", "__version__ = '99.0'\n")
        archive.writestr("tabulate-99.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tabulate\nVersion: 99.0\n")
        archive.writestr(
            "tabulate-99.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tabulate-99.0.dist-info/RECORD", "")
    python = installations._overlay(sys.executable, [str(wheel)], tmp_path / "environment")
    code = "import pytest, pytest_benchmark, numpy, tabulate; print(tabulate.__version__)"
    assert subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "99.0"
    found = measuring.software(Installation(python, tmp_path))
    assert found.packages["tabulate"] == "99.0", "the first that Python finds, not the one that it hides"
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'Tabulate'\n")
    assert "tabulate" not in measuring.software(Installation(python, tmp_path)).packages, (
        "the project's own version is not installed software"
    )
    assert found.packages["numpy"] == np.__version__


def test_an_interpreter_without_pytest_measured_nothing(gate, made, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    result = gate("gate", "--between", ".", str(tmp_path / "bare"))
    assert result.exit_code == 3
    assert "pip install pytest-benchmark" in result.stderr


def git(*words):
    done = subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@x", *words], check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def committed(made):
    """The project in git, with sources that say OLD."""
    Path("src").mkdir()
    Path("src/thing.py").write_text("OLD = 1\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "old")
    return made


@pytest.fixture
def sources(committed, monkeypatch):
    """What src/thing.py says where each side's processes would find it."""
    seen = {}
    real = committed.run

    def run(task, position, side, only):
        path = side.variables.get("PYTHONPATH", "src").split(os.pathsep)[0]
        seen[task.side] = (side.folder / path / "thing.py").read_text()
        return real(task, position, side, only)

    monkeypatch.setattr(processes, "_run", run)
    return seen


def test_a_commit_is_measured_from_its_own_files(gate, sources):
    Path("src/thing.py").write_text("NEW = 1\n")
    git("commit", "-qam", "new")
    assert gate("gate", "--between", "commit:HEAD~1", ".").exit_code == 0
    assert sources == {"a": "OLD = 1\n", "b": "NEW = 1\n"}
    assert gate("gate", "--between", "commit:nonsense", ".").exit_code == 2


def tasks_of(machine, since=0):
    return [(task.suite, task.side, task.round) for task, _ in machine.calls[since:]]


@pytest.mark.parametrize("command", ["accept", "calibrate"])
def test_a_baseline_or_calibration_that_was_interrupted_goes_on(gate, committed, store_path, command):
    words = [command, "--why", "first"] if command == "accept" else [command]
    committed.interrupt_after = 9
    assert gate(*words).exit_code == 130
    committed.interrupt_after = None
    result = gate(*words)
    assert result.exit_code == 0, result.output
    assert "9 of 24 processes are kept" in result.stderr
    assert len(committed.calls) == 10 + 15
    assert len(set(tasks_of(committed))) == 24
    assert not list((store_path / ".cache" / "gates-begun").glob("*"))


@pytest.fixture
def in_turns(gate, committed, sources):
    """A committed project with a baseline, whose gate measures the accepted commit beside the code of now."""
    assert gate("accept", "--why", "first").exit_code == 0
    return committed


@pytest.mark.parametrize("after", [1, 6, 11])
def test_a_gate_in_turns_goes_on_with_whole_blocks(gate, in_turns, to_the_end, after):
    """12 processes: 3 blocks of four."""
    before = len(in_turns.calls)
    in_turns.interrupt_after = before + after
    assert gate("gate").exit_code == 130
    in_turns.interrupt_after, resumed = None, len(in_turns.calls)
    result = gate("gate", "--json")
    assert result.exit_code == 0, result.output
    kept = after // 4 * 4
    assert (f"{kept} of 12 processes are kept" in result.stderr) == (kept > 0)
    again = tasks_of(in_turns, resumed)
    assert len(again) == 12 - kept
    assert again[0] == tasks_of(in_turns, before)[kept], "the order is the one it was begun with"


def test_a_second_look_that_was_interrupted_goes_on(gate, in_turns, to_the_end):
    in_turns.factor[f"{SUITE}::test_slow", "now"] = 1.5
    before = len(in_turns.calls)
    in_turns.interrupt_after = before + 12 + 10
    assert gate("gate").exit_code == 130
    in_turns.interrupt_after, resumed = None, len(in_turns.calls)
    result = gate("gate", "--json")
    assert (result.exit_code, metric(result, "test_slow")["verdict"]) == (1, "regressed")
    assert "12 of 12 processes are kept" in result.stderr
    assert "8 of 48 processes are kept" in result.stderr
    assert len(in_turns.calls) - resumed == 48 - 8 + 48, "and a third look, since nothing is calibrated"


@pytest.mark.parametrize("change", ["commit", "edit", "staged edit", "new file", "staged file", "settings"])
def test_nothing_is_kept_of_a_gate_of_other_code(gate, in_turns, to_the_end, change):
    in_turns.interrupt_after = len(in_turns.calls) + 10
    assert gate("gate").exit_code == 130
    in_turns.interrupt_after = None
    if change == "settings":
        Path("gate.toml").write_text(f'benchmarks = ["{SUITE}"]\nrounds = 4\n')
    else:
        Path("new.py" if "file" in change else SUITE).write_text("# changed\n")
    if change.startswith("staged"):
        git("add", "-A")
    if change == "commit":
        git("commit", "-qam", "changed")
    result = gate("gate")
    assert result.exit_code == 0, result.output
    assert "are kept" not in result.stderr


def test_a_damaged_journal_is_as_none(gate, committed, store_path):
    committed.interrupt_after = 9
    assert gate("accept", "--why", "first").exit_code == 130
    for path in (store_path / ".cache" / "gates-begun").rglob("*"):
        if path.is_file():
            path.write_bytes(b"{")
    committed.interrupt_after = None
    result = gate("accept", "--why", "first")
    assert (result.exit_code, "are kept" in result.stderr) == (0, False)


def test_files_of_a_commit_are_written_without_a_trace(committed, tmp_path, monkeypatch):
    Path("inside").mkdir()
    Path("inside/bench_x.py").write_text("OLD")
    Path("inside/other.py").write_text("OLD")
    git("add", ".")
    git("commit", "-qm", "more")
    for name in ("bench_x.py", "other.py"):
        Path("inside", name).write_text("NEW")
    status = git("status", "--porcelain"), git("worktree", "list")
    kept = {name: content for name, content in contents(".git").items() if "objects" not in name}
    monkeypatch.chdir("inside")
    settings = Settings(benchmarks=["bench_x.py"])
    side = installations.of_commit("HEAD", sys.executable, tmp_path / "out", settings)
    assert side is not None
    assert side.folder == tmp_path / "out" / "inside"
    assert (side.folder / "bench_x.py").read_text() == "NEW", "benchmarks are those of here"
    assert (side.folder / "other.py").read_text() == "OLD"
    assert installations.of_commit("nonsense", sys.executable, tmp_path / "none", settings) is None
    monkeypatch.chdir("..")
    assert (git("status", "--porcelain"), git("worktree", "list")) == status
    assert {name: content for name, content in contents(".git").items() if "objects" not in name} == kept


# Beside the accepted code


@pytest.fixture
def median_of(committed):
    """Plain seconds, so that a slower machine shows."""
    Path("gate.toml").write_text(f'benchmarks = ["{SUITE}"]\nestimate = "median"\n')
    git("commit", "-qam", "median")
    return committed


def test_the_accepted_code_is_measured_beside_that_of_now(gate, median_of, sources, store_path):
    assert gate("accept", "--why", "first").exit_code == 0
    Path("src/thing.py").write_text("NEW = 1\n")
    median_of.slowness = lambda: 1.35
    median_of.calls.clear()
    result = gate("gate")
    assert result.exit_code == 0, result.output
    assert sources == {"now": "NEW = 1\n", "before": "OLD = 1\n"}
    assert "12 processes (6 rounds" in result.stderr
    assert "in turns" in result.stderr
    turns = [task.side for task, _ in median_of.calls if task.suite == SUITE]
    assert sorted(turns[:4]) == ["before", "before", "now", "now"]
    assert "The accepted code itself is 3" in result.stdout
    assert "slower now than when it was accepted" in result.stdout
    assert "3 same" in result.stdout
    machine = measuring.this_machine()
    kept = [
        gate
        for folder in (store_path / ".cache" / "gates" / machine).iterdir()
        for gate in finished_gates(Store(store_path), machine, folder.name)
    ]
    assert [{process.side for process in one.measured.processes} for one in kept] == [{"now"}]
    median_of.factor = {(f"{SUITE}::test_slow", "now"): 1.2}
    result = gate("gate", "--json")
    assert result.exit_code == 1
    assert metric(result, "test_slow")["ratio"] == pytest.approx(1.2, rel=0.03)
    assert (metric(result, "test_slow")["n_before"], metric(result, "test_slow")["n_now"]) == (30, 30)
    assert metric(result, "test_fast")["verdict"] == "same"


def test_replicates_of_the_baseline_count_once(gate, trained, committed, to_the_end):
    Path("gate.toml").write_text(f'benchmarks = ["{SUITE}"]\nrecipes = ["./mine.py"]\n[seeds]\n"*" = 6\n')
    git("add", ".")
    git("commit", "-qm", "recipe")
    assert gate("accept", "--why", "first").exit_code == 0
    trained["shift"], trained["asked"] = 0.03, []
    result = gate("gate", "--json")
    assert result.exit_code == 1
    assert metric(result, "test_slow")["n_before"] == 6, "not suspect, not measured again"
    row = metric(result, "test_error")
    assert (row["verdict"], row["n_before"], row["n_now"]) == ("regressed", 6, 12)
    assert trained["asked"] == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]], "only the code of now is trained"


def test_without_the_accepted_code_its_numbers_count(gate, committed, sources, monkeypatch):
    def why():
        result = gate("gate")
        assert result.exit_code == 0, result.output
        assert "before" not in {task.side for task, _ in committed.calls[-12:]}
        return next(line for line in result.stdout.splitlines() if "stored in the baseline" in line)

    Path("dirt.py").write_text("")
    assert "Commit, then accept again" in gate("accept", "--why", "first").stdout
    assert "was not committed" in why()
    Path("dirt.py").unlink()
    assert "accept again" not in gate("accept", "--why", "first").stdout
    Path("alone.toml").write_text(f'benchmarks = ["{SUITE}"]\nside_by_side = false\n')
    assert "the settings say so" in gate("gate", "--config", "alone.toml").stdout
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    assert "what is installed has changed" in why()
    monkeypatch.undo()


def test_an_accepted_commit_that_is_gone_is_said_to_be(gate, committed, sources, store_path):
    assert gate("accept", "--why", "first").exit_code == 0
    path = next((store_path / "baselines").rglob("*.json"))
    head = git("rev-parse", "HEAD").strip()
    path.write_text(path.read_text().replace(head, "0123456789" * 4))
    result = gate("gate")
    assert result.exit_code == 0
    assert "this clone does not have the accepted commit 012345678901" in result.stdout


def test_accepted_code_that_cannot_run_the_benchmarks_of_now_gives_way_to_its_numbers(gate, committed, monkeypatch):
    assert gate("accept", "--why", "first").exit_code == 0
    real = committed.run

    def run(task, position, side, only):
        committed.error = "exit 1: ImportError: new" if task.side == "before" else None
        return real(task, position, side, only)

    monkeypatch.setattr(processes, "_run", run)
    committed.calls.clear()
    result = gate("gate")
    assert result.exit_code == 0, result.output
    assert "its code could not be measured now (exit 1: ImportError: new)" in result.stdout
    assert "3 same" in result.stdout
    assert len([task for task, _ in committed.calls if (task.suite, task.side) == (SUITE, "before")]) == 1


# A first look ends early


def test_a_first_look_ends_once_nothing_that_could_be_seen_is_left(gate, in_turns):
    before = len(in_turns.calls)
    result = gate("gate", "--json")
    assert result.exit_code == 0, result.output
    assert len(in_turns.calls) - before == 4, "one block"
    assert {task.suite for task, _ in in_turns.calls[before:]} == {SUITE}, "the control waits for a suspect"
    for name in ("test_fast", "test_slow", "peak memory"):
        row = metric(result, name)
        assert (row["verdict"], row["n_before"], row["n_now"]) == ("same", 2, 2)
        assert 1 / row["smallest_visible"] < row["interval"][0] < 1 < row["interval"][1] < row["smallest_visible"]


def test_what_is_settled_is_not_measured_on(gate, in_turns):
    in_turns.factor = {(f"{SUITE}::test_slow", "now"): 1.3}
    before = len(in_turns.calls)
    result = gate("gate", "--json")
    assert result.exit_code == 1, result.output
    blocks = in_turns.calls[before : before + 12]
    assert [set(only) for _, only in blocks] == [set()] * 4 + [{f"{SUITE}::test_slow"}] * 8
    assert metric(result, "test_slow")["verdict"] == "regressed"
    assert (metric(result, "test_fast")["verdict"], metric(result, "test_fast")["n_now"]) == ("same", 2)


def test_a_look_that_was_interrupted_leaves_out_the_same(gate, in_turns):
    in_turns.factor = {(f"{SUITE}::test_slow", "now"): 1.3}
    in_turns.interrupt_after = len(in_turns.calls) + 9
    assert gate("gate").exit_code == 130
    in_turns.interrupt_after, resumed = None, len(in_turns.calls)
    assert gate("gate").exit_code == 1
    assert [set(only) for _, only in in_turns.calls[resumed : resumed + 4]] == [{f"{SUITE}::test_slow"}] * 4


def test_what_is_noisy_is_measured_to_the_end(gate, in_turns):
    in_turns.spread = 0.2
    before = len(in_turns.calls)
    assert gate("gate").exit_code == 0
    assert len(in_turns.calls) - before >= 12


def test_the_last_gate_becomes_a_whole_baseline(gate, in_turns, store_path):
    assert gate("gate").exit_code == 0
    before = len(in_turns.calls)
    result = gate("accept", "--last", "--why", "as measured")
    assert result.exit_code == 0, result.output
    assert "settled early; 12 more processes" in result.stderr
    assert len(in_turns.calls) - before == 12
    document = json.loads(next((store_path / "baselines").rglob("*.json")).read_text())
    counts = Counter(process["suite"] for process in document["measured"]["processes"])
    assert counts == {SUITE: 8, CONTROL: 6}
    assert gate("gate").exit_code == 0


# What stops a gate is said before


def test_what_is_not_committed_is_named_before_anything_is_measured(gate, committed):
    Path("src/thing.py").write_text("NEW = 1\n")
    committed.interrupt_after = 0
    result = gate("accept", "--why", "first")
    assert result.exit_code == 130
    assert "Not committed: src/thing.py" in result.stderr
    assert "`git add src/thing.py && git commit`" in result.stderr
    committed.interrupt_after = None
    assert gate("accept", "--why", "first").exit_code == 0
    plan = json.loads(gate("gate", "--plan", "--json").stdout)
    assert (plan["in_turns"], plan["sides"]) == (False, ["now"])
    assert "src/thing.py" in plan["why_not_in_turns"]
    assert "reprise accept" in plan["why_not_in_turns"]


@pytest.mark.parametrize(
    "name", ["__pycache__/x.pyc", "src/x.pyc", ".pytest_cache/x", ".benchmarks/x", "results/x", SUITE]
)
def test_what_measuring_writes_and_what_both_sides_share_does_not_stop_it(gate, committed, name):
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("# other\n")
    assert "not committed" not in gate("accept", "--why", "first").output.lower()
    assert json.loads(gate("gate", "--plan", "--json").stdout)["in_turns"]


def test_what_is_not_committed_elsewhere_in_the_repository_counts_too(gate, made, tmp_path, store_path):
    for name in ("lib/thing.py", "other/results/baselines/x.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("OLD = 1\n")
    for words in (["init", "-q", str(tmp_path)], ["-C", str(tmp_path), "add", "-A"], ["commit", "-qm", "all"]):
        git(*words)
    assert deciding(Settings(benchmarks=[SUITE])) == []
    (tmp_path / "lib/thing.py").write_text("NEW = 1\n")
    (tmp_path / "other/results/baselines/x.json").write_text("{}")
    assert deciding(Settings(benchmarks=[SUITE])) == ["../lib/thing.py"]
    assert "Not committed: ../lib/thing.py" in gate("accept", "--why", "first").stderr
    git("add", "../lib/thing.py")
    assert deciding(Settings(benchmarks=[SUITE]), store_path) == ["../lib/thing.py"], (
        "nor what is staged, nor the store"
    )


def test_a_plan_measures_each_file_once_and_keeps_it(gate, committed):
    plan = json.loads(gate("accept", "--plan", "--json").stdout)
    assert (plan["processes"], plan["files"][SUITE], plan["seconds"]) == (24, 1.0, 24.0)
    assert len(committed.calls) == 2
    assert "about" in gate("accept", "--why", "first").stderr
    assert len(committed.calls) == 24, "none is lost"
    plan = json.loads(gate("gate", "--plan", "--json").stdout)
    assert (plan["in_turns"], plan["processes"], plan["seconds"], plan["seconds_at_least"]) == (True, 12, 12.0, 4.0)
    assert plan["seconds_at_most"] > plan["seconds"]
    assert gate("calibrate", "--plan").exit_code == 0
    assert len(committed.calls) == 24
    assert gate("accept").exit_code == 2


def test_a_file_that_is_named_twice_is_measured_once(gate, committed):
    result = gate("accept", "--benchmarks", SUITE, "--benchmarks", f"./{SUITE}", "--plan", "--json")
    assert "named twice" in result.stderr
    assert json.loads(result.stdout)["processes"] == 24


def test_a_benchmark_that_another_of_its_name_hides_is_named(gate, committed):
    Path(SUITE).write_text("def test_a(): pass\n\ndef test_a(): pass\n")
    assert "test_a 2 times (lines 1, 3)" in gate("accept", "--plan").stdout


def test_a_benchmark_that_was_edited_is_not_compared_with_stored_numbers(gate, made):
    source = (
        "WORK = {}\n\ndef test_fast(benchmark):\n    benchmark(list, range(WORK))\n\ndef test_slow(benchmark): pass\n"
    )
    Path(SUITE).write_text(source.format(1))
    assert gate("accept", "--why", "first").exit_code == 0
    Path(SUITE).write_text(source.format(1).replace("range(WORK)", "range(2 * WORK)"))
    result = gate("gate", "--json")
    assert "reprise accept" in result.stderr
    assert (metric(result, "test_fast")["verdict"], metric(result, "test_slow")["verdict"]) == ("incomparable", "same")
    Path(SUITE).write_text("# a comment\n" + source.format(1))
    assert metric(gate("gate", "--json"), "test_fast")["verdict"] == "same"


def project_in(folder, root, imports):
    (folder / root / "toy").mkdir(parents=True)
    (folder / root / "toy" / "__init__.py").write_text("def work():\n    return 1\n")
    (folder / SUITE).write_text(
        f"{imports}\n\ndef test_work(benchmark):\n    benchmark({'work' if imports else 'int'})\n"
    )
    return Installation(sys.executable, folder, commit="abc")


def test_packages_that_lie_elsewhere_are_put_on_the_path_of_the_accepted_code(tmp_path, monkeypatch):
    project_in(tmp_path / "here", "lib", "from toy import work")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "here" / "lib"))  # as an editable install has it
    side = project_in(tmp_path / "then", "lib", "from toy import work")
    found, wrong = trial.loading_its_files(SUITE, side)
    assert (wrong, found.variables["PYTHONPATH"].split(os.pathsep)[0]) == ("", str(tmp_path / "then" / "lib"))


def test_what_mends_a_benchmark_that_imports_nothing_of_the_project_is_said(tmp_path):
    side = project_in(tmp_path, "src", "")
    assert "`import toy` (src/toy)" in trial.loading_its_files(SUITE, side)[1]
    installed = trial.Trial(None, 0, {"toy": ("site-packages", ["toy"])})
    assert "PYTHONPATH=src" in trial.mend(SUITE, installed, tmp_path)


def test_json_and_junit_say_that_nothing_is_calibrated(accepted, tmp_path):
    result = accepted("gate", "--json", "--junit-xml", tmp_path / "gate.xml")
    found = json.loads(result.stdout)
    assert (found["calibrated"], f"{SUITE}::test_slow" in found["assumed_noise"]) == (False, True)
    (said,) = [note for note in found["notes"] if "not calibrated" in note]
    for part in ("is assumed", "the smallest change that could be seen is x 1.", "`reprise calibrate`"):
        assert part in said
    assert said in (ElementTree.parse(tmp_path / "gate.xml").getroot().findtext("testsuite/system-out") or "")


# Measured for real


BENCHMARKS = """
import os
from made_clock import sleep

def test_wait(benchmark):
    benchmark.pedantic(sleep, args=(0.01 * float(os.environ.get("SLOWER", "1")),), rounds=3)

def test_crash(benchmark):
    if "CRASH" in os.environ:
        raise ValueError("crashed as told")
    benchmark.pedantic(sleep, args=(0.005,), rounds=3)
"""
CLOCK = """
import random
seconds = 0.0

def now():
    global seconds
    seconds += 1e-9
    return seconds

def sleep(length):
    global seconds
    seconds += length * random.uniform(0.995, 1.005)
"""


@pytest.fixture
def clocked(tmp_path, monkeypatch):
    """Benchmarks on a made clock, so that nothing that the machine does meanwhile changes what they measure."""
    folder = tmp_path / "clocked"
    (folder / "library").mkdir(parents=True)
    (folder / SUITE).write_text(BENCHMARKS)
    (folder / "library" / "made_clock.py").write_text(CLOCK)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --benchmark-timer=made_clock.now\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder / "library"), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.longest
def test_a_gate_measured_for_real(clocked, monkeypatch, reprise, store_path):
    """Everything but the benchmarks' clock is real; the control reads the real one, so it is told to find nothing."""
    monkeypatch.setattr(processes, "PASSES", 2)
    monkeypatch.setattr(processes, "MOST_STEAL", 1.0)
    monkeypatch.setattr(judgement, "CONTROL_LEVEL", 0.0)
    monkeypatch.setattr(assumed, "_control", lambda old, new: {})  # nor does it widen what is assumed
    Path("gate.toml").write_text(f'benchmarks = ["{SUITE}"]\nestimate = "median"\nrounds = 5\nbaseline_rounds = 6\n')
    words = ("--store", store_path)
    result = reprise("accept", "--why", "first", *words)
    assert result.exit_code == 0, result.output
    monkeypatch.setenv("SLOWER", "3")
    result = reprise("gate", "--json", *words)
    assert result.exit_code == 1, result.output
    assert metric(result, "test_wait")["ratio"] == pytest.approx(3, rel=0.01)
    assert metric(result, "test_crash")["verdict"] == "same"
    assert metric(result, "peak memory")["now"] > 10 * 2**20
    monkeypatch.setenv("CRASH", "1")
    result = reprise("gate", "--rounds", "2", *words)
    assert result.exit_code == 4
    assert "crashed as told" in result.stdout


def has_ended(pid):
    """Whether a process is no more; nor is one that nobody has waited for."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_process_that_does_not_end_is_killed_with_its_children(tmp_path):
    code = (
        "import pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "pathlib.Path('child').write_text(str(child.pid))\n"
        "time.sleep(60)"
    )
    found = processes.finished([sys.executable, "-c", code], tmp_path, dict(os.environ), 3.0)
    assert found[0] == 124
    assert "no end after 3 s" in found[1]
    child, latest = int((tmp_path / "child").read_text()), time.monotonic() + 10
    while not has_ended(child) and time.monotonic() < latest:
        time.sleep(0.05)
    assert has_ended(child)


@pytest.fixture
def disturbed(committed, monkeypatch):
    """A machine half of whose processes have slow rounds, all but their fastest, and half of whose loops are slow."""
    generator, run = np.random.default_rng(3), committed.run

    def slow(values):
        factor = 1.7 if generator.random() < 0.5 else 1.0
        return {m: v if m.endswith("peak memory") else v * factor for m, v in values.items()}

    def disturbed_run(*words):
        found = run(*words)
        median = slow(found.median)
        loop = slow(dict.fromkeys(median, 1.0))
        return msgspec.structs.replace(found, median=median, relative={m: v / loop[m] for m, v in median.items()})

    committed.spread = 0.003
    monkeypatch.setattr(processes, "_run", disturbed_run)
    return committed


@pytest.mark.parametrize("commands", [["accept"], ["accept", "calibrate"]], ids=["not calibrated", "calibrated"])
def test_the_fastest_rounds_tell_a_metric_where_they_are_steadier(disturbed, gate, commands):
    for command in commands:
        result = gate(command, *(["--why", "first"] if command == "accept" else []))
        assert result.exit_code == 0, result.output
    disturbed.factor[f"{SUITE}::test_fast", "now"] = 1.1
    result = gate("gate", "--json")
    found = metric(result, "test_fast")
    assert (found["verdict"], found["estimate"], result.exit_code) == ("regressed", "fastest", 1)
    assert found["ratio"] == pytest.approx(1.1, abs=0.01)
    assert metric(result, "peak memory")["estimate"] is None
    assert "times are those of each process's fastest round" in gate("gate").stdout
    Path("gate.toml").write_text(f'benchmarks = ["{SUITE}"]\nestimate = "adjusted"\n')
    result = gate("gate", "--json")
    assert (metric(result, "test_fast")["estimate"], result.exit_code) == ("adjusted", 0)


def test_where_both_are_as_steady_medians_are_kept(gate, in_turns):
    result = gate("gate", "--json")
    assert {one["estimate"] for one in json.loads(result.stdout)["metrics"]} == {"adjusted", None}
    assert "fastest round" not in gate("gate").stdout


def test_the_loop_is_timed_around_each_run(clocked, monkeypatch):
    monkeypatch.setattr(processes, "PASSES", 3)
    found = processes._run(Task(SUITE, "now", 0), 0, Installation(sys.executable, clocked), ())
    assert found.error is None
    assert set(found.relative) == {f"{SUITE}::test_wait", f"{SUITE}::test_crash", f"{SUITE}::peak memory"}
    assert found.median[f"{SUITE}::test_wait"] == pytest.approx(0.01, rel=0.006)
    assert found.fastest[f"{SUITE}::test_wait"] <= found.median[f"{SUITE}::test_wait"]
    assert found.modules == 1, "the clock"
    alone = processes._run(Task(SUITE, "now", 0), 0, Installation(sys.executable, clocked), (f"{SUITE}::test_wait",))
    assert (alone.error, set(alone.relative)) == (None, {f"{SUITE}::test_wait"})
    (clocked / "library").rename(clocked.parent / "library")
    monkeypatch.setenv("PYTHONPATH", str(clocked.parent / "library"))
    old = processes._run(Task(SUITE, "before", 0), 0, Installation(sys.executable, clocked, commit="abc"), ())
    assert old.error == processes.NOT_ITS_FILES, "what is installed would be measured twice"
    (clocked / "thing.py").write_text("")
    (clocked / SUITE).write_text("import thing\n" + BENCHMARKS)
    old = processes._run(Task(SUITE, "before", 0), 0, Installation(sys.executable, clocked, commit="abc"), ())
    assert (old.error, old.modules) == (None, 1)
    (clocked / "thing.py").rename(clocked / "conftest.py")
    (clocked / SUITE).write_text(BENCHMARKS)
    (clocked / "inside").mkdir()
    (clocked / SUITE).rename(clocked / "inside" / SUITE)
    inside = processes._run(Task(SUITE, "now", 0), 0, Installation(sys.executable, clocked / "inside"), ())
    assert set(inside.relative) == set(found.relative), "pytest's root folder is no part of a name"
    control = processes._run(Task(CONTROL, "now", 0), 0, Installation(sys.executable, clocked), ())
    assert control.error is None
    assert all(name.startswith("control::") for name in control.relative)
    assert len(control.relative) == 4


def test_measured_sides_round_trip(made):
    found = measuring.measured(measuring.here(), Settings(benchmarks=[SUITE]), 2, {}, Journal())
    assert msgspec.json.decode(msgspec.json.encode(found), type=Occasion) == found
    assert "keras-reprise" not in found.software.packages


def test_a_calibration_without_benchmarks_is_refused_before_anything_is_measured(tmp_path, store_path, reprise):
    (tmp_path / "gate.toml").write_text('recipes = ["l1-l2-toy"]\n')
    result = reprise("calibrate", "--config", tmp_path / "gate.toml", "--store", store_path)
    assert (result.exit_code, "--benchmarks" in result.stderr) == (2, True)
