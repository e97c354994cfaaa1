"""Asking git of a folder disturbs nobody who works in it."""

import subprocess
from pathlib import Path

from keras_reprise.base.git import git


def test_who_only_asks_takes_no_lock_of_the_index(tmp_path):
    def told(*words: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    told("init", "-q")
    (tmp_path / "file").write_text("1")
    told("add", "file")
    told("commit", "-qm", "one")
    index = tmp_path / ".git" / "index"
    (tmp_path / "file").touch()  # only its time changed: a status that may lock writes the index anew
    before = index.read_bytes()
    assert git(tmp_path, "status", "--porcelain") == ""
    assert index.read_bytes() == before
    Path(tmp_path / ".git" / "index.lock").touch()  # somebody commits
    (tmp_path / "file").write_text("2")
    assert git(tmp_path, "status", "--porcelain") == " M file\n"
