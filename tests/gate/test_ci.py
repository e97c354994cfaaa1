"""What a gate tells GitHub and GitLab, and whether the files in docs/ci do what they say."""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from toy_projects import bench, committed, git

from keras_reprise.gate import ci
from keras_reprise.gate.gating import Outcome
from keras_reprise.gate.judgement import Judgement, without
from keras_reprise.gate.rule import FAILED, INCONCLUSIVE, REGRESSED, SAME, Row

ROOT = Path(__file__).parents[2]
BENCH = "import pytest\n\nclass TestIt:\n    def test_x(self, benchmark):\n        pass\n"


def outcome(*rows: Row) -> Outcome:
    return Outcome(Judgement(list(rows)), "before", "now", [])


@pytest.fixture
def project(tmp_path, monkeypatch):
    committed(tmp_path / "top", {"inner/bench, odd.py": BENCH})
    monkeypatch.chdir(tmp_path / "top" / "inner")
    return tmp_path


def test_github_is_told_the_line_of_what_regressed(project):
    rows = [
        without("bench, odd.py::TestIt::test_x[50%\n:a]", REGRESSED, "100% slower\r\nreally"),
        without("bench, odd.py::peak memory", FAILED, "exit 1"),
        without("mine/arm/test_error", REGRESSED, ""),
        without("bench, odd.py::test_same", SAME, ""),
    ]
    first, second, third = sorted(ci.annotations(outcome(*rows)))
    place = "file=inner/bench%2C odd.py,line={},title=reprise gate%3A {}::"
    assert first.startswith("::error " + place.format(1, FAILED))
    assert second.startswith("::error " + place.format(4, REGRESSED))
    assert "100%25 slower" in second
    assert "[50%25" in second
    assert not {"\n", "\r"} & set(second)
    assert third.startswith("::error title=reprise gate%3A regressed::mine/arm/test_error: regressed")


def test_github_shows_ten_of_a_kind_so_the_last_says_how_many_more(project):
    found = ci.annotations(outcome(*(without(f"x::test_{n}", REGRESSED, "") for n in range(12))))
    assert len(found) == 10
    assert found[-1].endswith("::and 3 more, in the summary of this step")


def test_what_looked_changed_is_a_warning_and_what_did_not_is_nothing(project):
    looked = Row("x::test_a", True, verdict=INCONCLUSIVE, change=0.1, again=0.0)
    quiet = Row("x::test_b", True, verdict=INCONCLUSIVE, change=0.1)
    assert [line.split(" ")[0] for line in ci.annotations(outcome(looked, quiet))] == ["::warning"]


def test_summary_and_outputs_are_appended_where_github_runs_it_and_nowhere_else(project):
    summary, outputs = project / "summary", project / "outputs"
    summary.write_text("before\n")
    found = outcome(without("x::test_a", REGRESSED, "slow"))
    variables = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(outputs)}
    assert ci.on_github(found, variables) == []
    assert not outputs.exists()
    assert len(ci.on_github(found, variables | {"GITHUB_ACTIONS": "true"})) == 1
    assert summary.read_text().startswith("before\n### ✗ 1 regressed")
    assert outputs.read_text() == "verdict=regressed\nregressed=1\nfailed=0\n"


def test_metrics_are_openmetrics_text():
    rows = [
        Row('b.py::test_x["a\\b"]', True, now=0.25, before=0.2, change=0.2, verdict=REGRESSED, p_adjusted=0.01),
        Row("b.py::peak memory", True, now=1e8, before=1e8, change=0.0, verdict=SAME, p_adjusted=1.0),
        Row("mine/arm/test_error", False, now=0.3, before=0.3, change=0.0, verdict=SAME, p_adjusted=1.0),
        without("b.py::test_gone", "incomparable", "no longer measured"),
    ]
    lines = ci.openmetrics(outcome(*rows)).splitlines()
    assert lines[-1] == "# EOF"
    sample = re.compile(r'[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"\})? -?[\d.e+-]+')
    assert all(sample.fullmatch(line) for line in lines if not line.startswith("#"))
    assert 'reprise_gate_time_seconds{metric="b.py::test_x[\\"a\\\\b\\"]"} 0.25' in lines
    assert 'reprise_gate_peak_bytes{metric="b.py::peak memory"} 1e+08' in lines
    assert 'reprise_gate_quality{metric="mine/arm/test_error"} 0.3' in lines
    assert 'reprise_gate_metrics{verdict="regressed"} 1' in lines
    for family in {line.split()[2] for line in lines if line.startswith("# TYPE")}:
        assert [line.split()[1] for line in lines if line.startswith("# ") and line.split()[2:3] == [family]][
            0
        ] == "TYPE"


# The files in docs/ci


def workflow(name: str) -> Any:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((ROOT / "docs" / "ci" / name).read_text("utf-8"))


def github_steps(job: str) -> dict[str, dict[str, Any]]:
    return {step.get("name", step.get("uses")): step for step in workflow("github.yml")["jobs"][job]["steps"]}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A project with two commits, and `reprise` on the path."""
    folder = tmp_path / "toy"
    settings = 'benchmarks = ["benchmarks/bench_mine.py"]\nrounds = 2\nbaseline_rounds = 2\n'
    files = {"gate.toml": settings, "src/toy/__init__.py": "VALUE = 1\n\ndef work():\n    sum(range(9999))\n"}
    committed(folder, files | {"benchmarks/bench_mine.py": bench(), "pytest.ini": "[pytest]\npythonpath = src\n"})
    (folder / "src/toy/__init__.py").write_text("VALUE = 2\n\ndef work():\n    sum(range(9998))\n")
    git(folder, "commit", "-qam", "second")
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "reprise"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m keras_reprise "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(script.parent), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("SAW", str(tmp_path / "saw"))
    return folder


def shell(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """As runners run a step."""
    words = [shutil.which("bash") or "sh", "-e", "-o", "pipefail", "-c", command]
    return subprocess.run(
        words, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.mark.slow
def test_the_gate_of_the_github_workflow_runs_in_a_project(toy, tmp_path):
    steps = github_steps("gate")
    assert steps["actions/checkout@v4"]["with"]["fetch-depth"] == 0
    assert list(steps["Gate"]["env"]) == ["BASE"]
    files = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "GITHUB_OUTPUT": str(tmp_path / "outputs")}
    base = git(toy, "rev-parse", "HEAD~1").strip()
    done = shell(steps["Gate"]["run"], toy, BASE=base, GITHUB_ACTIONS="true", **files)
    assert done.returncode == 0, done.stderr
    assert set((tmp_path / "saw").read_text().split()) == {"1", "2"}, "both commits ran"
    assert "test_work" in (tmp_path / "summary").read_text()
    assert "regressed=0" in (tmp_path / "outputs").read_text()
    assert ElementTree.parse(toy / "gate.xml").getroot().tag == "testsuites"


@pytest.mark.slow
def test_the_machine_of_ones_own_accepts_on_main_and_gates_elsewhere(toy):
    steps = github_steps("own-machine")
    assert shell(steps["Gate"]["run"], toy).returncode == 0, "there is no baseline yet"
    assert shell(steps["Accept"]["run"], toy, GITHUB_SHA="abc").returncode == 0
    assert list((toy / "results" / "baselines").rglob("main.json"))
    assert all(step["with"]["path"] == "results/baselines" for name, step in steps.items() if "cache" in name)
    (script,) = [
        line for line in workflow("gitlab.yml")["gate-own-machine"]["script"] if "reprise" in line and "if" in line
    ]
    done = shell(script, toy, CI_COMMIT_BRANCH="", CI_DEFAULT_BRANCH="main", CI_COMMIT_SHA="abc")
    assert done.returncode == 0, done.stderr
    assert (toy / "gate.xml").exists()


@pytest.mark.slow
def test_the_gate_of_the_gitlab_file_runs_in_a_project(toy):
    job = workflow("gitlab.yml")["gate"]
    (command,) = [line for line in job["script"] if line.startswith("reprise")]
    done = shell(command, toy, CI_MERGE_REQUEST_DIFF_BASE_SHA=git(toy, "rev-parse", "HEAD~1").strip())
    assert done.returncode == 0, done.stderr
    for name in (*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()):
        assert (toy / name).stat().st_size, name
    assert (toy / "metrics.txt").read_text().endswith("# EOF\n")


def test_installing_is_the_same_in_both_and_names_no_index():
    github = github_steps("gate")["Install"]["run"]
    (gitlab,) = [line for line in workflow("gitlab.yml")["gate"]["script"] if "pip" in line]
    assert github == gitlab == 'python -m pip install "keras-reprise[bench,tensorflow-cpu]" .'
    for name in ("github.yml", "gitlab.yml"):
        assert "http" not in (ROOT / "docs" / "ci" / name).read_text()
