"""Users whom the system does not know: a container's `--user` has a number, but neither a name nor a home."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_reprise.base.files import own_cache, own_temporary_folder

UNKNOWN = """
import pwd

def getpwuid(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")

pwd.getpwuid = getpwuid
"""
HOMES = ("HOME", "XDG_CACHE_HOME", "USER", "LOGNAME", "USERNAME", "LNAME", "KERAS_HOME")


@pytest.fixture
def unknown(tmp_path):
    """The environment of processes whose user has no entry in passwd, and no home."""
    (tmp_path / "sitecustomize.py").write_text(UNKNOWN)
    environment = {name: value for name, value in os.environ.items() if name not in HOMES}
    paths = [str(tmp_path), str(Path(__file__).parents[2] / "src"), environment.get("PYTHONPATH", "")]
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "TMPDIR": str(tmp_path)}


@pytest.mark.slow
def test_a_user_without_a_name_runs_judges_and_reports(unknown, tmp_path):
    for words in (
        ["run", "l1-l2-toy", "--seeds", "2", "--store", "results"],
        ["verdict", "--store", "results"],
        ["report", "--store", "results"],
        ["merge", "results", "--store", "other"],
        ["check", "--store", "other"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "keras_reprise", *words],
            env=unknown,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (words, done.stdout, done.stderr)
    assert len(list((tmp_path / "other" / "records").rglob("*.json"))) == 2
    folder = tmp_path / f"keras-reprise-{os.getuid()}"
    assert (folder / "key").is_file()


def test_without_a_home_that_can_be_written_the_own_folder_is_a_temporary_one(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert own_cache() == own_temporary_folder() != tmp_path
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert own_cache() == tmp_path / "home" / "keras-reprise"


def test_an_own_folder_that_others_can_write_to_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    folder = tmp_path / "home" / "keras-reprise"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert own_cache() == own_temporary_folder()
    own_temporary_folder().chmod(0o777)
    assert own_cache() is None
