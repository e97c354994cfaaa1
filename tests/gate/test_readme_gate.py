"""README's lines for a project of one's own, from the wheel; `tox -e wheel` walks the whole way with real tox."""

import configparser
import os
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import readme_gate
from packaging.requirements import Requirement

pytest.importorskip("hatchling", reason="hatchling builds the wheel, and is missing here")


def section() -> configparser.SectionProxy:
    read = configparser.ConfigParser(interpolation=None)
    read.read_string(readme_gate.lines_for_tox())
    return read["testenv:bench"]


def test_readme_names_the_package_as_an_index_will_have_it_and_extras_that_there_are():
    import tomllib

    declared = tomllib.loads((readme_gate.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = Requirement(section()["deps"])
    assert asked.name == declared["name"]
    assert asked.extras <= set(declared["optional-dependencies"])
    assert asked.url is None
    assert "PIP_FIND_LINKS" in readme_gate.README.read_text("utf-8")


@pytest.mark.slow
def test_readmes_lines_work_from_the_wheel(tmp_path):
    """Baseline, gate, acceptance, with the wheel's files on the path in place of a new environment."""
    with zipfile.ZipFile(readme_gate.wheel(tmp_path / "wheels")) as archive:
        archive.extractall(tmp_path / "installed")
    entry_points = configparser.ConfigParser()
    entry_points.read(next((tmp_path / "installed").glob("*.dist-info/entry_points.txt")))
    module, function = entry_points["console_scripts"]["reprise"].split(":")
    folder = tmp_path / "toy"
    readme_gate.project(folder, **{"gate.toml": "rounds = 2\nbaseline_rounds = 2\n"})

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        usual = section()["commands"].partition("{posargs:")[2].rstrip("}")
        start = f"import sys; from {module} import {function}; sys.argv[0] = 'reprise'; {function}()"
        path = os.pathsep.join([str(tmp_path / "installed"), str(folder / "src")])  # where tox installs both
        return subprocess.run(
            [sys.executable, "-P", "-c", start, *(words or shlex.split(usual))], cwd=folder,
            env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip

    first = run(*readme_gate.words_after_tox())
    assert first.returncode == 0, first.stderr
    baseline = next(Path(folder / "results" / "baselines").rglob("main.json"))
    assert '"why": "first baseline"' in baseline.read_text()
    readme_gate.edited(folder, readme_gate.FASTER)
    gated = run()
    assert gated.returncode == 0, gated.stderr
    assert "the accepted code and that of now in turns" in gated.stderr
    ratio = next(line for line in gated.stdout.splitlines() if "test_words" in line)
    assert "x 0." in ratio, "half the words"
    last = run("accept", "--last", "--why", "counts half as much")
    assert last.returncode == 0, last.stderr
    assert "Not committed" not in first.stderr + last.stderr
