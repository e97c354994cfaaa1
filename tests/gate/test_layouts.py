"""Each side of a gate measures its own files, however a project is laid out and installed."""

import shutil

import pytest
from toy_projects import LAYOUTS, environment, installed, made

from keras_reprise.gate import processes
from keras_reprise.gate.installations import Installation, of_commit
from keras_reprise.gate.processes import Process, Task
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.trial import loading_its_files

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
