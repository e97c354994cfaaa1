"""Three environments or more: design, one family, change points, what is stored, shown and merged; measured processes are made up."""

import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from versioned import FAST, SLOW, SUITE, commit, in_a_project

from keras_reprise.base.errors import IntegrityError, NothingMeasuredError, UserError
from keras_reprise.gate import environments, installations, measuring
from keras_reprise.gate.change_points import Overview, labels_of
from keras_reprise.gate.comparisons import comparison_files, read_comparison
from keras_reprise.gate.family import judged_together, pairs_of
from keras_reprise.gate.looks import Known, Look
from keras_reprise.gate.processes import CONTROL, plan
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import Software

WORDS = ["VERSION=1", "VERSION=2", "VERSION=3", "VERSION=4"]


@pytest.fixture
def made(monkeypatch, tmp_path):
    return in_a_project(monkeypatch, tmp_path)


@pytest.fixture
def committed(made):
    commit()
    return made


@pytest.fixture
def gate(made, reprise, store_path):
    def call(*arguments, words=WORDS):
        return reprise("gate", "--between", *words, *arguments, "--store", store_path)

    return call


def row(facts, before, now, metric):
    pair = next(one for one in facts["comparisons"] if (one["before"], one["now"]) == (before, now))
    return next(one for one in pair["metrics"] if one["metric"] == metric)


def stored(store_path):
    return read_comparison(comparison_files(store_path)[0])


def test_a_block_has_every_environment_once_each_way_in_an_order_that_is_drawn():
    sides = ["e01", "e02", "e03"]
    tasks = plan(["a.py", CONTROL], 6, 5, sides)
    assert Counter((task.suite, task.side) for task in tasks) == Counter(
        {(suite, side): 6 for suite in ("a.py", CONTROL) for side in sides}
    )
    orders = []
    for block in range(3):
        mine = [task.side for task in tasks if task.suite == "a.py" and task.round // 2 == block]
        assert mine[:3] == mine[:2:-1], "the second half is the first one reversed"
        orders.append(tuple(mine[:3]))
    drawn = {tuple(t.side for t in plan(["a.py"], 2, seed, sides))[:3] for seed in range(60)}
    assert len(drawn) == 6
    rounds = [[position for position, task in enumerate(tasks) if task.side == side] for side in sides]
    assert len({sum(found) for found in rounds}) == 1, "steady drift weighs on all alike"


def test_two_environments_are_measured_in_the_order_that_they_always_were():
    tasks = plan(["x.py", "y.py"], 4, 3, ["a", "b"])
    assert " ".join(f"{task.suite[0]}{task.side}{task.round}" for task in tasks) == (
        "xb0 xa0 xa1 xb1 ya0 yb0 yb1 ya1 ya2 yb2 yb3 ya3 xb2 xa2 xa3 xb3"
    )


def test_pairs_are_all_against_the_reference_and_every_step():
    order = ["e01", "e02", "e03", "e04"]
    pairs = pairs_of(order, "e01", {"a.py": order})
    assert [(p.before, p.now) for p in pairs] == [
        ("e01", "e02"), ("e01", "e03"), ("e01", "e04"), ("e02", "e03"), ("e03", "e04"),
    ]  # fmt: skip
    broken = pairs_of(order, "e01", {"a.py": order, "b.py": ["e01", "e02", "e04"]})
    over = next(p for p in broken if (p.before, p.now) == ("e02", "e04"))
    assert over.sources == {"b.py"}, "what failed is stepped over"
    assert pairs_of(order, "e01", {"a.py": ["e02", "e03"]})[0].before == "e02", "steps go on without the reference"


def test_a_change_point_is_named_and_kept(gate, made, store_path):
    made.factor = {(SLOW, version): 1.3 for version in "34"} | {(FAST, "2"): 0.7}
    result = gate("--json")
    assert result.exit_code == 1, result.output
    facts = json.loads(result.stdout)
    assert row(facts, 1, 2, SLOW)["verdict"] == "regressed"
    assert row(facts, 0, 3, SLOW)["ratio"] == pytest.approx(1.3, rel=0.02)
    assert row(facts, 2, 3, SLOW)["verdict"] == "same"
    points = [(p["from"], p["to"], p["metric"], p["verdict"]) for p in facts["change_points"]]
    assert points == [(0, 1, FAST, "improved"), (1, 2, FAST, "regressed"), (1, 2, SLOW, "regressed")]
    assert [one["label"] for one in facts["environments"]] == ["1", "2", "3", "4"]
    found = stored(store_path)
    assert (found.name, found.words, found.reference, len(found.occasions)) == ("main", WORDS, 0, 1)
    assert [look.step for look in found.newest.looks] == ["first", "again", "further"]
    assert Overview(found).change_points[2].row.change == pytest.approx(math.log(1.3), abs=0.02)


def test_github_is_told_of_each_change_point_and_of_what_failed(gate, made, monkeypatch, tmp_path):
    made.factor = {(SLOW, version): 1.3 for version in "34"} | {(FAST, "2"): 0.7}
    assert "::error" not in gate().stderr
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = gate()  # as it is stored
    lines = [line for line in result.stderr.splitlines() if line.startswith("::")]
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::notice"]
    assert all(f"file={SUITE},line=" in line for line in lines)
    assert "test_slow%3A" not in lines[1]
    assert "test_slow: x 1." in lines[1] + lines[0]
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text().startswith("### Of 4 environments")
    assert (tmp_path / "GITHUB_OUTPUT").read_text().startswith("verdict=regressed\nregressed=4\n")
    made.crash = {"3": "exit 1: ImportError: no"}
    lines = [line for line in gate("--name", "other").stderr.splitlines() if line.startswith("::error")]
    assert "ImportError: no" in lines[0]


def test_only_what_is_suspect_is_measured_again_and_only_where(gate, made):
    made.factor = {(SLOW, "4"): 1.3}
    assert gate().exit_code == 1
    first = 4 * 6 * 2
    again = [(task.side, only) for task, only in made.calls[first:] if task.suite == SUITE]
    assert {side for side, _ in again} == {"e01", "e03", "e04"}
    assert {only for _, only in again} == {(SLOW,)}
    assert Counter(side for side, _ in again) == dict.fromkeys(("e01", "e03", "e04"), 24), "12, and 12 in a third look"


def test_identical_environments_change_nothing(gate, made, store_path):
    result = gate()
    assert result.exit_code == 0, result.output
    assert "Of 4 environments none is seen to change any of 3 metrics" in result.stdout
    assert "would have been seen" in " ".join(result.stdout.split())
    assert stored(store_path).newest.pairs


def test_an_environment_that_crashes_is_named_and_the_others_go_on(gate, made, store_path):
    made.crash = {"3": "exit 1: ImportError: old"}
    made.factor = {(SLOW, "4"): 1.4}
    result = gate("--json")
    facts = json.loads(result.stdout)
    assert facts["environments"][2]["failed"] == {SUITE: "exit 1: ImportError: old"}
    assert [(p["from"], p["to"]) for p in facts["change_points"]] == [(1, 3)], "the step goes over what failed"
    assert sum(task.side == "e03" and task.suite == SUITE for task, _ in made.calls) == 1
    text = gate().stdout
    assert "failed" in text
    assert "Failed: 3 in bench_mine.py: exit 1: ImportError: old" in text


def test_an_environment_that_cannot_be_made_is_named_and_the_others_go_on(gate, made, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    words = ["VERSION=1", str(tmp_path / "bare"), "VERSION=3"]
    result = gate("--json", words=words)
    assert result.exit_code == 4
    facts = json.loads(result.stdout)
    assert "cannot import pytest" in facts["environments"][1]["failed"][""]
    assert [(p["before"], p["now"]) for p in facts["comparisons"]] == [(0, 2)]
    made.calls.clear()
    result = gate("--reference", str(tmp_path / "bare"), "--name", "other", words=words)
    assert (result.exit_code, made.calls) == (3, [])
    assert "--reference" in result.stderr


def test_the_reference_can_be_another_one(gate, made):
    made.factor = {(SLOW, "4"): 1.4}
    facts = json.loads(gate("--reference", "VERSION=4", "--json").stdout)
    assert facts["reference"] == 3
    assert row(facts, 3, 0, SLOW)["verdict"] == "improved"
    assert [(p["from"], p["to"], p["verdict"]) for p in facts["change_points"]] == [(2, 3, "regressed")]
    assert gate("--reference", "VERSION=9", "--name", "other").exit_code == 2


@pytest.mark.parametrize("after", [1, 30, 60])
def test_one_that_was_interrupted_goes_on_with_whole_blocks(gate, committed, store_path, after):
    made = committed
    made.factor, made.crash = {(SLOW, "4"): 1.3}, {"2": "exit 1: old"}
    made.interrupt_after = after
    assert gate().exit_code == 130
    assert not comparison_files(store_path)
    made.interrupt_after = None
    before = len(made.calls)
    assert gate().exit_code == 1
    measured = [task for look in stored(store_path).newest.looks for task in look.processes]
    kept = len(measured) - (len(made.calls) - before)
    assert kept <= after
    assert after - kept <= 9, "at most a block is lost"
    for look in stored(store_path).newest.looks:
        assert len({(one.suite, one.side, one.round) for one in look.processes}) == len(look.processes)
    assert not list((store_path / ".cache" / "gates-begun").iterdir())
    assert not list((store_path / ".cache" / "environments-begun").iterdir())


def test_what_is_stored_is_shown_again_without_measuring_and_an_occasion_is_added(gate, made, store_path):
    made.factor = {(SLOW, "4"): 1.3}
    assert gate().exit_code == 1
    text = gate().stdout
    made.calls.clear()
    result = gate()
    assert (result.exit_code, made.calls, result.stdout) == (1, [], text)
    assert "--occasion measures it once more" in result.stderr
    made.clock += 10_000
    result = gate("--occasion")
    assert result.exit_code == 1
    assert "verified on 2 occasions" in " ".join(result.stdout.split())
    assert len(stored(store_path).occasions) == 2
    made.factor = {}
    made.clock += 10_000
    said = " ".join(gate("--occasion").stdout.split())
    assert "seen on 2 of 3 occasions" in said
    assert "none is seen to change any of 3 metrics on every occasion; 1 change was not seen on every occasion." in said


def test_an_occasion_and_an_edit_that_came_meanwhile(gate, made, monkeypatch, store_path):
    assert gate().exit_code == 0
    path, real = comparison_files(store_path)[0], made.run
    one, before = json.loads(path.read_bytes()), Path(SUITE).read_text()
    other = one["occasions"][0] | {"started_at": "2025-12-31T00:00:00Z"}

    def run(task, position, side, only):
        path.write_text(json.dumps(one | {"occasions": [other, *one["occasions"]]}))
        Path(SUITE).write_text("def test_fast(benchmark):\n    benchmark(int)\n")
        return real(task, position, side, only)

    made.clock += 10_000
    monkeypatch.setattr("keras_reprise.gate.processes._run", run)
    assert gate("--occasion").exit_code == 0
    assert len(stored(store_path).occasions) == 3
    assert stored(store_path).benchmarks == one["benchmarks"]
    Path(SUITE).write_text(before)
    assert gate().exit_code == 0


def test_what_not_every_occasion_saw_does_not_lead_the_answer(gate, made):
    made.factor = {(SLOW, "4"): 1.3}
    assert gate().exit_code == 1
    made.factor |= {(FAST, version): 3.0 for version in "234"}
    made.clock += 10_000
    result = gate("--occasion")
    said = " ".join(result.stdout.split())
    assert result.exit_code == 1
    assert f"one changed 1 of 3 metrics: {SLOW} x" in said.split(" metric ")[0]
    assert "1 change was not seen on every occasion" in said.split(" metric ")[0]
    rarer = said.split("Not seen on every occasion:")[1]
    assert FAST in rarer
    assert SLOW not in rarer


@pytest.mark.parametrize("change", ["words", "reference", "benchmark", "settings"])
def test_a_name_is_of_one_comparison(gate, made, change):
    assert gate().exit_code == 0
    made.calls.clear()
    words, options = WORDS, []
    if change == "words":
        words = [*WORDS, "VERSION=5"]
    elif change == "reference":
        options = ["--reference", "VERSION=2"]
    elif change == "benchmark":
        Path(SUITE).write_text("def test_fast(benchmark):\n    benchmark(int)\n")
    else:
        Path("other.py").write_text("")
        options = ["--benchmarks", SUITE, "--benchmarks", "other.py"]
    result = gate("--occasion", *options, words=words)
    assert (result.exit_code, made.calls) == (2, [])
    assert "Nothing was measured. Give this one a name of its own with --name" in result.stderr


def test_a_plan_says_processes_minutes_and_disk(gate, made, store_path):
    result = gate("--plan", "--json")
    facts = json.loads(result.stdout)
    assert facts["processes"] == 4 * 6 * 2
    assert facts["seconds"] == pytest.approx(48.0)
    assert [task.suite for task, _ in made.calls] == [SUITE, CONTROL], "one process of each file, to know how long"
    assert "Disk" not in gate("--plan").stdout, "nothing is made for variables"
    text = gate("--plan", words=["tabulate==0.8", "tabulate==0.9", "no-such-package-of-ours==1 VERSION=2"]).stdout
    assert "3 environments to be made" in text
    assert "no-such-package-of-ours==1 and what these bring along" in text
    assert not comparison_files(store_path)


def test_files_for_people_and_machines(gate, made, tmp_path):
    made.factor = {(SLOW, version): 1.3 for version in "34"}
    made.crash = {"2": "exit 1: a < b | c"}
    files = {name: tmp_path / f"gate.{name}" for name in ("xml", "md", "svg")}
    result = gate("--junit-xml", files["xml"], "--markdown", files["md"], "--figure", files["svg"])
    assert result.exit_code == 1, result.output
    suites = ElementTree.parse(files["xml"]).getroot()
    assert [suite.get("name") for suite in suites] == ["1 to 3", "1 to 4", "3 to 4"]
    assert [suite.get("failures") for suite in suites] == ["1", "1", "0"]
    text = files["md"].read_text()
    assert text.startswith("### Of 4 environments one changed 1 of 3 metrics: bench\\_mine.py::test\\_slow x 1.")
    assert "a &lt; b \\| c" in text
    drawn = files["svg"].read_text()
    assert "test_slow" in drawn
    assert "ratio to 1, 90 % interval" in drawn
    assert gate("--figure", tmp_path / "other.svg").exit_code == 1
    assert (tmp_path / "other.svg").read_text() == drawn, "the same bytes for the same comparison"
    assert all(len(line) <= 100 for line in result.stdout.splitlines())


def test_as_many_environments_stand_beside_each_other_as_fit(gate, made):
    words = [f"VERSION={number}.11.{number}" for number in range(14)]
    lines = gate(words=words).stdout.splitlines()
    assert all(len(line) <= 100 for line in lines)
    assert sum(line.startswith("metric") for line in lines) == 2
    assert all(any(f"{n}.11.{n}" in line for line in lines if line.startswith("metric")) for n in range(14))


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (["keras==3.5.0", "keras==3.6.0"], ["3.5.0", "3.6.0"]),
        (["keras==3.5.0 backend:jax", "keras==3.6.0 backend:jax"], ["3.5.0", "3.6.0"]),
        (["commit:abc", "."], ["abc", "."]),
        (["keras==3.5.0", "torch==2.1"], ["keras==3.5.0", "torch==2.1"]),
        ([".", ".", "X=1"], [". (1)", ". (2)", "1"]),
        (["backend:jax", "backend:torch"], ["jax", "torch"]),
    ],
)  # fmt: skip
def test_environments_are_called_by_what_they_differ_in(words, labels):
    assert labels_of(words) == labels


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--between", "."], "two environments or more"),
        (["--between", ".", ".", "--occasion"], "--occasion goes with --between and three"),
        (["--between", ".", ".", "--plan"], "--plan is of a gate"),
        (["--figure", "x.svg"], "--figure goes with"),
        (["--between", ".", ".", ".", "--figure", "x.jpg"], "no SVG, PDF or PNG"),
        (["--between", ".", ".", "commit:nowhere"], "no commit nowhere"),
        (["--between", ".", ".", "/nowhere/python"], "no interpreter"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused_before_anything_is_measured(made, reprise, store_path, options, said):
    result = reprise("gate", *options, "--store", store_path)
    assert (result.exit_code, made.calls) == (2, [])
    assert said in result.stderr


def test_environments_are_kept_until_the_comparison_has_ended(gate, made, monkeypatch, store_path):
    installed = []

    def overlay(python, requirements, folder):
        installed.append(requirements)
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(sys.executable)
        return str(folder / "bin" / "python")

    monkeypatch.setattr(installations, "_overlay", overlay)
    words = ["tabulate==1", "tabulate==2", "VERSION=3"]
    made.interrupt_after = 5
    assert gate(words=words).exit_code == 130
    assert installed == [["tabulate==1"], ["tabulate==2"]]
    made.interrupt_after = None
    assert gate(words=words).exit_code == 0
    assert len(installed) == 2, "what was made is used again"
    assert not list((store_path / ".cache" / "environments-begun").iterdir())


def test_what_could_not_be_made_when_measuring_began_stays_so_until_the_end(gate, committed, monkeypatch, store_path):
    tried = []

    def overlay(python, requirements, folder):
        tried.append(requirements)
        if requirements == ["tabulate==2"]:
            raise NothingMeasuredError("tabulate==2 cannot be installed: no network.\nNothing was measured.")
        return sys.executable

    monkeypatch.setattr(installations, "_overlay", overlay)
    words = ["tabulate==1", "tabulate==2", "VERSION=3"]
    committed.interrupt_after = 9
    assert gate(words=words).exit_code == 130
    committed.interrupt_after = None
    before = len(committed.calls)
    assert gate(words=words).exit_code == 4
    assert len(tried) == 2
    measured = sum(len(look.processes) for look in stored(store_path).newest.looks)
    assert len(committed.calls) - before < measured, "what was measured is used"
    assert stored(store_path).newest.environments[1].failed == {"": "tabulate==2 cannot be installed: no network."}


def test_an_environment_that_came_with_a_store_is_not_run(tmp_path, monkeypatch):
    made = []

    def overlay(*words):
        made.append(words)
        return sys.executable

    monkeypatch.setattr(installations, "_overlay", overlay)
    place = tmp_path / "e01"
    place.mkdir()
    (place / "made").write_bytes(b"\0" * 32 + b"/tmp/evil/python")
    spec = installations.parse("tabulate==1")
    found = installations.installation(spec, place, Settings(), lambda text: None)
    assert (found.python, len(made)) == (sys.executable, 1)


def test_check_reads_comparisons(gate, reprise, store_path):
    assert gate().exit_code == 0
    path = comparison_files(store_path)[0]
    assert "1 files checked, 0 broken" in reprise("check", "--store", store_path).stdout
    whole = path.read_bytes()
    for content, said in (
        (whole[:-100], "no comparison of this version"),
        (whole.replace(b'"name": "main"', b'"name": "other"'), "not of its place"),
        (whole.replace(b'"reference": 0', b'"reference": 9'), "no environments to compare"),
        (whole.replace(b'"verdict": "same"', b'"verdict": "splendid"', 1), "verdicts that there are not"),
        (re.sub(rb'"change": [-0-9.e]+', b'"change": 800.0', whole, count=1), "no ratio of two times"),
        (whole.replace(b'"schema": 1,', b'"schema": 1,\n  "schema": 1,'), "twice"),
    ):
        assert content != whole
        path.write_bytes(content)
        result = reprise("check", "--store", store_path)
        assert result.exit_code == 1
        assert said in result.stdout
    path.write_bytes(whole)
    assert reprise("check", "--store", store_path).exit_code == 0


def test_comparisons_are_merged_with_their_occasions(gate, made, reprise, store_path, tmp_path):
    import shutil

    assert gate().exit_code == 0
    other = tmp_path / "other"
    shutil.copytree(store_path, other)
    made.clock += 10_000
    assert gate("--occasion").exit_code == 0
    both = stored(store_path)
    here = tmp_path / "here"
    result = reprise("merge", other, "--store", here)
    assert result.exit_code == 0, result.output
    assert "1 comparisons of environments merged" in result.stdout
    assert reprise("merge", store_path, "--store", here).exit_code == 0
    assert stored(here) == both
    facts = json.loads(reprise("merge", other, "--store", here, "--json").stdout)
    assert (facts["comparisons"], facts["comparisons_present"]) == (0, 1), "older ones take nothing away"
    path = comparison_files(other)[0]
    path.write_bytes(path.read_bytes().replace(b'"VERSION=4"', b'"VERSION=9"'))
    result = reprise("merge", other, "--store", here)
    assert result.exit_code == 2
    assert "Nothing was merged" in result.stderr
    assert stored(here) == both


def test_a_comparison_that_was_edited_in_one_store_is_not_merged(gate, reprise, store_path, tmp_path):
    import shutil

    assert gate().exit_code == 0
    shutil.copytree(store_path, tmp_path / "other")
    path = comparison_files(tmp_path / "other")[0]
    path.write_bytes(path.read_bytes().replace(b'"load": 0.1', b'"load": 0.2', 1))
    result = reprise("merge", tmp_path / "other", "--store", store_path)
    assert result.exit_code == 2
    assert "differs between the two stores" in result.stderr


def looks_of(generator, factors, rounds, scatter=0.03, metrics=8):
    """Sides of identical code but for a factor on the first metric, drifting from block to block."""
    drift = np.repeat(np.exp(0.1 * generator.standard_normal(rounds // 2)), 2)
    found = {}
    for side, factor in factors.items():
        costs = {
            f"a.py::test_{n}": (factor if n == 0 else 1.0) * drift * np.exp(scatter * generator.standard_normal(rounds))
            for n in range(metrics)
        }
        found[side] = Look(costs, {}, dict.fromkeys(costs, np.arange(rounds) // 2))
    return found


@pytest.mark.parametrize("noise", [0.0, 0.017])
def test_a_family_of_many_comparisons_alarms_seldom_and_finds_the_step(noise):
    """Seven environments of identical code, 60 times; then with a step of a quarter in the fifth."""
    generator, order = np.random.default_rng(3), [f"e{n}" for n in range(7)]
    pairs = pairs_of(order, "e0", {"a.py": order})
    known = Known({f"a.py::test_{n}": noise for n in range(8)} if noise else {}, beside=True)

    def judged(factors):
        def again(metrics, sides, step):
            more = looks_of(generator, {side: factors[side] for side in sides}, 12)
            return {
                side: Look({m: v for m, v in look.costs.items() if m in metrics}, {}, look.blocks)
                for side, look in more.items()
            }

        return judged_together(looks_of(generator, factors, 6), pairs, again, Settings(), known, lambda text: None)

    alarms = sum(bool(judged(dict.fromkeys(order, 1.0)).suspects) for _ in range(60))
    assert alarms <= 3
    steps = 0
    for _ in range(8):
        found = judged({side: 1.25 if side >= "e4" else 1.0 for side in order})
        called = {(p.before, p.now): {row.metric for row in one.suspects} for p, one in found.pairs.items()}
        assert not any(names - {"a.py::test_0"} for names in called.values())
        assert not any(names for (a, b), names in called.items() if (a >= "e4") == (b >= "e4"))
        steps += called["e3", "e4"] == {"a.py::test_0"}
    assert steps >= 7


def test_requirements_name_their_package():
    assert environments.required_package("Keras_Hub==1.0") == "keras-hub"
    assert environments.required_package("keras<3.15") == "keras"
    assert environments.required_package("./thing.whl") is None
    assert environments.required_package("git+https://example.org/x") is None


def test_what_the_words_mean_now_must_be_what_they_meant(gate, made, monkeypatch):
    version = ["1.0"]
    monkeypatch.setattr(installations, "_overlay", lambda *words: sys.executable)
    monkeypatch.setattr(
        measuring, "software", lambda side: Software(python="3.11", packages={"tabulate": version[0]}, variables={})
    )
    words = ["tabulate<2", "VERSION=2", "VERSION=3"]
    assert gate(words=words).exit_code == 0
    version[0] = "1.1"
    made.calls.clear()
    result = gate("--occasion", words=words)
    assert (result.exit_code, made.calls) == (2, [])
    assert "was tabulate 1.0 on the last occasion, and is 1.1 now" in result.stderr


def test_a_broken_comparison_is_not_written_over(gate, made, store_path):
    assert gate().exit_code == 0
    path = comparison_files(store_path)[0]
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(IntegrityError):
        read_comparison(path)
    made.calls.clear()
    assert (gate("--occasion").exit_code, made.calls) == (1, [])


def test_words_that_cannot_be_are_refused():
    with pytest.raises(UserError):
        environments.specs_of(["", "."])
