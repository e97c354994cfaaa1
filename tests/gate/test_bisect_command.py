"""`reprise bisect` as a user meets it: over environments, releases and commits; measured processes are made up."""

import itertools
import json
import math
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from versioned import PEAK, SLOW, SUITE, commit, in_a_project

from keras_reprise.base.errors import UserError
from keras_reprise.gate import installations, measuring, ranges
from keras_reprise.gate.stored import Quality, Software
from keras_reprise.record.fields import Number

WORDS = [f"VERSION={number}" for number in range(1, 10)]


@pytest.fixture
def made(monkeypatch, tmp_path):
    return in_a_project(monkeypatch, tmp_path)


@pytest.fixture
def bisect(made, reprise, store_path):
    def call(*arguments, words=WORDS, metric=SLOW):
        return reprise("bisect", metric, *words, *arguments, "--store", store_path)

    return call


def test_the_first_changed_environment_is_named(bisect, made):
    made.factor = {(SLOW, str(version)): 1.3 for version in range(6, 10)}
    result = bisect("--json")
    assert result.exit_code == 1, result.output
    facts = json.loads(result.stdout)
    assert (facts["outcome"], facts["good"], facts["bad"]) == ("found", 4, 5)
    assert [step["middle"] for step in facts["steps"]] == [4, 6, 5]
    assert facts["compared"]["neighbours"]["ratio"] == pytest.approx(1.3, rel=0.02)
    assert {only for task, only in made.calls if task.suite == SUITE} == {(SLOW,)}
    text = " ".join(bisect().stdout.split())
    assert re.search(r"6 is the first that changed bench_mine.py::test_slow: x 1\.(29|30|3 )", text)
    assert "from 5, 90 % interval" in text


def test_a_faster_one_and_a_peak_are_found_too(bisect, made):
    made.factor = {(PEAK, str(version)): 0.7 for version in range(3, 10)}
    result = bisect("--json", metric=PEAK)
    assert (result.exit_code, json.loads(result.stdout)["bad"]) == (1, 2)
    assert {only for _, only in made.calls} == {()}, "a peak is that of all benchmarks"


def test_ends_that_do_not_differ_are_said_to_and_what_could_have_been_seen(bisect, made):
    result = bisect()
    assert result.exit_code == 3
    text = " ".join(result.stdout.split())
    assert "1 and 9 do not differ in bench_mine.py::test_slow" in text
    assert "would have been seen in 80 % of cases" in text
    assert {task.side for task, _ in made.calls} == {"a", "b"}


def test_what_crashes_or_cannot_be_made_is_skipped(bisect, made, tmp_path):
    made.factor = {(SLOW, str(version)): 1.3 for version in range(6, 10)}
    made.crash = {"5": "exit 1: ImportError: no"}
    subprocess.run(["python3", "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    words = [*WORDS[:5], str(tmp_path / "bare"), *WORDS[5:]]
    result = bisect("--json", words=words)
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["good"], facts["bad"], facts["skipped"]) == (1, 3, 6, [4, 5])
    assert "unless it was one that could not be measured" in facts["answer"]
    why = {step["middle"]: step["why"] for step in facts["steps"] if step["outcome"] == "skipped"}
    assert why[4] == "exit 1: ImportError: no"
    assert "cannot import pytest" in why[5]


def test_an_end_that_crashes_ends_it(bisect, made):
    made.crash = {"9": "exit 1: ImportError: no"}
    result = bisect()
    assert result.exit_code == 4
    assert "VERSION=9: exit 1: ImportError: no" in result.stderr


def test_an_end_that_crashed_is_tried_again_by_the_same_command(bisect, made):
    commit()
    made.factor = {(SLOW, str(version)): 1.3 for version in range(6, 10)}
    made.crash = {"9": "exit 137: killed"}
    assert bisect().exit_code == 4
    made.crash = {}
    result = bisect("--json")
    assert (result.exit_code, json.loads(result.stdout)["bad"]) == (1, 5), result.output


def test_a_middle_that_skips_the_benchmark_is_skipped(bisect, made, monkeypatch):
    made.factor = {(SLOW, str(version)): 1.3 for version in range(6, 10)}
    real = made.run

    def run(task, position, side, only):
        found = real(task, position, side, only)
        if side.variables["VERSION"] != "5" or task.suite != SUITE:
            return found
        return msgspec.structs.replace(found, median={}, fastest={}, relative={}, remarks={SLOW: "skipped: not there"})

    monkeypatch.setattr("keras_reprise.gate.processes._run", run)
    facts = json.loads(bisect("--json").stdout)
    assert (facts["good"], facts["bad"], facts["skipped"]) == (3, 5, [4])
    assert [step["why"] for step in facts["steps"] if step["outcome"] == "skipped"] == ["skipped: not there"]
    assert len([task for task, _ in made.calls if task.side == "middle"]) < 60


def test_nothing_is_kept_of_a_search_with_other_packages(bisect, made, monkeypatch):
    commit()
    made.interrupt_after = 30
    assert bisect().exit_code == 130
    made.interrupt_after = None
    other = Software(python="3.11.1", packages={"numpy": "9"}, variables={})
    monkeypatch.setattr(measuring, "software", lambda side: other)
    assert "are kept" not in bisect().stderr


def test_a_middle_that_scatters_too_much_is_inconclusive(bisect, made, monkeypatch):
    plain = {(SLOW, str(version)): 1.3 for version in range(6, 10)}
    real, swing = made.run, itertools.cycle((3, -3, -3, 3))  # no draws, of which some would look like a change

    def run(task, position, side, only):
        scattered = {(SLOW, side.variables["VERSION"]): math.exp(0.13 + (next(swing) if task.side == "middle" else 0))}
        made.factor = plain | (scattered if task.side == "middle" else {})
        return real(task, position, side, only)

    monkeypatch.setattr("keras_reprise.gate.processes._run", run)
    result = bisect()
    assert result.exit_code == 5
    assert "Inconclusive between 1 and 9" in result.stdout


@pytest.mark.parametrize("after", [3, 60, 130])
def test_an_interrupted_search_goes_on(bisect, made, after, store_path):
    commit()
    made.factor = {(SLOW, str(version)): 1.3 for version in range(6, 10)}
    made.interrupt_after = after
    assert bisect("--rounds", "3").exit_code == 130
    made.interrupt_after = None
    before = len(made.calls)
    result = bisect("--rounds", "3", "--json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["bad"]) == (1, 5)
    kept = facts["processes"] - (len(made.calls) - before)
    assert 0 <= after - kept <= 6, "at most a block is lost"
    assert not list((store_path / ".cache" / "gates-begun").iterdir())


@pytest.mark.parametrize(
    ("words", "options", "said"),
    [
        (["."], [], "two environments or more"),
        ([], [], "Give one of the three"),
        ([".", "."], ["--commits", "HEAD", "HEAD"], "Give one of the three"),
        ([".", "commit:nowhere"], [], "no commit nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused(bisect, made, words, options, said):
    result = bisect(*options, words=words)
    assert (result.exit_code, made.calls) == (2, [])
    assert said in result.stderr


@pytest.mark.parametrize("metric", ["test_slow", "other.py::test_slow", "lr-nan/arm/loss", "mine/loss"])
def test_a_metric_is_one_of_a_benchmark_file_or_a_recipe(bisect, made, metric):
    result = bisect(metric=metric)
    assert (result.exit_code, made.calls) == (2, [])
    assert "is of none of the benchmark files and recipes of the settings (bench_mine.py)" in result.stderr


def test_a_benchmark_that_is_not_there_is_named_with_those_that_are(bisect):
    result = bisect(metric=f"{SUITE}::test_nothing")
    assert result.exit_code == 4
    assert "test_nothing was not measured" in result.stderr


@pytest.fixture
def replicates(monkeypatch):
    """Replicates of `mine/with/error`, scattered by 0.01, as the environments' VERSION says; `asked` tells which."""
    asked: list[tuple[str, tuple[int, ...]]] = []
    levels: dict[str, float] = {}
    failing: set[str] = set()

    def run_recipes(side, settings, seeds, journal, step):
        chosen, version = next(iter(seeds.values())), side.variables["VERSION"]
        asked.append((version, tuple(chosen)))
        level = levels.get(version, 0.4)
        values: list[Number] = [level + 0.01 * float(np.random.default_rng(seed).standard_normal()) for seed in chosen]
        failed = len(chosen) if version in failing else 0
        return [
            Quality(
                recipe="mine", version=1, scale="quick", source_sha256="a" * 64, data=None, seeds=list(chosen),
                metrics={"with/error": values}, margins={"with/error": 0.01}, claims=[], statistics={},
                failed=failed, seconds=1.0,
            )
        ]  # fmt: skip

    monkeypatch.setattr(measuring, "run_recipes", run_recipes)
    Path("mine.py").write_text("recipe = None\n")
    return SimpleNamespace(asked=asked, levels=levels, failing=failing)


QUALITY = ("--recipe", "./mine.py", "--json")


def test_a_recipes_error_is_searched_too(bisect, replicates):
    replicates.levels.update({str(version): 0.45 for version in range(4, 10)})
    result = bisect(*QUALITY, metric="mine/with/error")
    assert result.exit_code == 1, result.output
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["outcome"], facts["good"], facts["bad"]) == (1, "found", 2, 3)
    assert facts["compared"]["neighbours"]["difference"] == pytest.approx(0.05, abs=0.005)
    assert facts["replicates"] == sum(len(seeds) for _, seeds in replicates.asked)
    assert facts["processes"] == 0
    by_version: dict[str, list[int]] = {}
    for version, seeds in replicates.asked:
        by_version.setdefault(version, []).extend(seeds)
    assert all(len(set(seeds)) == len(seeds) for seeds in by_version.values()), "no seed counts twice"


def test_an_error_that_did_not_change_ends_the_search(bisect, replicates):
    result = bisect(*QUALITY, metric="mine/with/error")
    assert (result.exit_code, {version for version, _ in replicates.asked}) == (3, {"1", "9"})
    assert "do not differ in mine/with/error" in json.loads(result.stdout)["answer"]


def test_a_recipe_that_fails_in_the_middle_is_skipped_and_at_an_end_is_an_error(bisect, replicates):
    replicates.levels.update({str(version): 0.45 for version in range(5, 10)})
    replicates.failing.add("5")
    facts = json.loads(bisect(*QUALITY, metric="mine/with/error").stdout)
    assert (facts["good"], facts["bad"], facts["skipped"]) == (3, 5, [4])
    replicates.failing.add("9")
    result = bisect(*QUALITY, metric="mine/with/error")
    assert result.exit_code == 4
    assert "replicates failed" in result.stderr


def test_a_metric_without_a_margin_is_refused_after_one_replicate(bisect, replicates):
    result = bisect(*QUALITY, metric="mine/with/loss")
    assert (result.exit_code, replicates.asked) == (4, [("1", (1,))])
    assert "mine/with/loss has no margin" in result.stderr


def test_commits_are_those_of_the_first_parents(bisect, made, monkeypatch):
    for number in range(1, 7):
        Path("version.txt").write_text(str(number))
        commit(f"version {number}")
    real = made.run

    def run(task, position, side, only):
        version = (side.folder / "version.txt").read_text()
        return real(task, position, installations.Installation(side.python, side.folder, {"VERSION": version}), only)

    monkeypatch.setattr("keras_reprise.gate.processes._run", run)
    made.factor = {(SLOW, str(version)): 1.4 for version in (4, 5, 6)}
    result = bisect("--commits", "HEAD~5", "HEAD", words=[])
    assert result.exit_code == 1, result.output
    assert '"version 4" is the first that changed' in " ".join(result.stdout.split())
    assert bisect("--commits", "HEAD", "HEAD~5", words=[]).exit_code == 2
    assert len(ranges.commits("HEAD~5", "HEAD")) == 6


def test_releases_are_what_pip_finds_in_between(monkeypatch):
    listed = ["3.10.0", "3.9.2", "3.5.0", "3.6.0", "3.4.1"]
    monkeypatch.setattr(ranges, "_listed", lambda package: listed)
    assert ranges.releases("keras", "3.5.0", "3.10.0") == [
        "keras==3.5.0", "keras==3.6.0", "keras==3.9.2", "keras==3.10.0",
    ]  # fmt: skip
    for ends in (("3.5.0", "3.5.1"), ("3.10.0", "3.5.0"), ("x", "3.5.0")):
        with pytest.raises(UserError):
            ranges.releases("keras", *ends)


@pytest.mark.parametrize("with_json", [True, False])
def test_what_pip_says_of_releases_is_read_of_old_and_new_ones(monkeypatch, with_json):
    def run(command, **others):
        if "--json" in command:
            code, said = (0, json.dumps({"versions": ["2.0", "1.0"]})) if with_json else (2, "")
        else:
            code, said = 0, "keras (2.0)\nAvailable versions: 2.0, 1.0\n  INSTALLED: 1.0\n"
        return subprocess.CompletedProcess(command, code, said, "")

    monkeypatch.setattr(subprocess, "run", run)
    assert ranges._listed("keras") == ["2.0", "1.0"]
