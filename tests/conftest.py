"""Fixtures: small recipes, a store, and the command as a user calls it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from faults import QUICKLY_IMPORTED

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the processors: threads that wait for each other only cost
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
RECIPES = Path(__file__).parent / "data" / "recipes"
SHARES = "PYTEST_XDIST_WORKER" in os.environ and "REPRISE_TEST_HOME" in os.environ
HOME = Path(os.environ["REPRISE_TEST_HOME"] if SHARES else tempfile.mkdtemp(prefix="reprise-tests-"))
"""Where Keras has its settings and the package what it keeps for its user, instead of in the user's home: a folder of
these tests, which pytest's workers share. A KERAS_HOME that the user has set stays, for data sets may lie there."""
if not SHARES:
    mine = str(Path(os.environ.get("REPRISE_TEST_HOME", HOME)) / "keras")  # set by tests that started these
    if os.environ.get("KERAS_HOME") in (None, mine):
        os.environ["KERAS_HOME"] = str(HOME / "keras")
    os.environ["REPRISE_TEST_HOME"], os.environ["XDG_CACHE_HOME"] = str(HOME), str(HOME / "cache")


def pytest_unconfigure() -> None:
    if not SHARES:
        shutil.rmtree(HOME, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs the command in a process of its own is slow, whichever file it is in; the longest tests come first."""
    for item in items:
        if "reprise_process" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)


@pytest.fixture(scope="session", autouse=True)
def _machine_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs of the tests neither wait for a run outside of them nor keep one waiting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("machine")))
        patch.setattr("tempfile.tempdir", None)
        yield


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PLAIN_FAILS", "PLAIN_DIVERGES", "TINY_SLEEP", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")  # of the terminal
    monkeypatch.setattr("keras_reprise.cli.running.MOST_SLIDES", 0)  # hundreds of runs need no slides


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs import Keras once for all tests; those of the executors ask for workers."""
    monkeypatch.setenv("REPRISE_WORKERS", "0")


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def plain_recipe() -> Path:
    return RECIPES / "plain.py"


@pytest.fixture
def tiny_recipe() -> Path:
    return RECIPES / "tiny.py"


@pytest.fixture
def reprise():
    """Call `reprise` in this process; returns click's result."""

    def call(*arguments: object) -> Result:
        from keras_reprise.cli import main

        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return call


@pytest.fixture
def reprise_process():
    """Call `reprise` in a process of its own; returns the finished process. On JAX, which is imported in half the time."""

    def call(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "keras_reprise", *(str(argument) for argument in arguments)]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, **QUICKLY_IMPORTED, **environment},
            check=False,
        )

    return call


@pytest.fixture(scope="session")
def _six_replicates(tmp_path_factory: pytest.TempPathFactory, _machine_of_our_own: None) -> Path:
    """Measured once for all tests; each has a copy of its own."""
    from keras_reprise.cli import main

    path = tmp_path_factory.mktemp("six-replicates") / "store"
    environment = {"REPRISE_WORKERS": "0", "PLAIN_FAILS": None, "PLAIN_DIVERGES": None}
    command = ["run", str(RECIPES / "plain.py"), "--seeds", "6", "--store", str(path)]
    result = CliRunner().invoke(main, command, env=environment)
    assert result.exit_code == 0, result.output
    return path


@pytest.fixture
def filled_store(store_path: Path, _six_replicates: Path) -> Path:
    """A store with six replicates of the plain recipe."""
    return Path(shutil.copytree(_six_replicates, store_path))
