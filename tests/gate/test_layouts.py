"""Each side of a gate measures its own files, however a project is laid out and installed."""

import shutil

import pytest
from toy_projects import LAYOUTS, environment, installed, made

from keras_reprise.gate import processes
from keras_reprise.gate.installations import Installation, of_commit
from keras_reprise.gate.installed import copies_of_another_state
from keras_reprise.gate.processes import Process, Task
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.trial import as_installed, loading_its_files, tried

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory):
    return environment(tmp_path_factory.mktemp("environment") / "venv")


@pytest.fixture
def saw(tmp_path, monkeypatch):
    """What the benchmarks of the last process noted: a function that gives it and forgets it."""
    file = tmp_path / "saw.txt"
    monkeypatch.setenv("SAW", str(file))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(processes, "PASSES", 1)

    def told() -> str:
        found = file.read_text().split() if file.exists() else [""]
        file.unlink(missing_ok=True)
        return found[-1]

    return told


def run(suite: str, side: Installation, only: tuple[str, ...] = ()) -> Process:
    return processes._run(Task(suite, "now", 0), 0, side, only)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_accepted_side_measures_the_files_of_its_commit(name, interpreter, saw, tmp_path, monkeypatch):
    layout, (python, packages) = LAYOUTS[name], interpreter
    before = set(packages.iterdir())
    top = tmp_path / "project"
    folder = made(layout, top)
    installed(layout, top, packages)
    monkeypatch.chdir(folder)
    try:
        now = run(layout.bench, Installation(python, folder))
        assert (now.error, saw()) == (None, "new")
        side = of_commit("HEAD", python, tmp_path / "then", Settings(benchmarks=[layout.bench]))
        assert side is not None
        assert loading_its_files(layout.bench, side)[1] == ""
        assert saw() == "old"
    finally:
        for path in set(packages.iterdir()) - before:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_an_installed_copy_of_other_code_than_here_is_said_to_be_measured(interpreter, saw, tmp_path):
    python, packages = interpreter
    layout = LAYOUTS["src, a wheel"]
    folder = made(layout, tmp_path / "project")
    installed(layout, folder, packages)
    side = Installation(python, folder)
    try:
        assert copies_of_another_state(side) == [], "it was built of what is here"
        (folder / "src/toy/__init__.py").write_text("VALUE = 3\n")
        (said,) = copies_of_another_state(side)
        assert said.startswith(f"toy is imported from {packages}, where __init__.py is not what it is here")
        assert "`pip install .`" in said
    finally:
        shutil.rmtree(packages / "toy")
        shutil.rmtree(packages / "toy-1.dist-info")


def test_a_wheels_copy_of_the_project_needs_no_mending(interpreter, saw, tmp_path, monkeypatch):
    python, packages = interpreter
    layout = LAYOUTS["src, a wheel"]
    folder = made(layout, tmp_path / "project")
    installed(layout, folder, packages)
    monkeypatch.chdir(folder)
    try:
        side = Installation(python, folder)
        trial = tried(layout.bench, side)
        assert (trial.modules, as_installed(trial, side)) == (0, True)
    finally:
        shutil.rmtree(packages / "toy")
        shutil.rmtree(packages / "toy-1.dist-info")
