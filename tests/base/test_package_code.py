"""The commit in a record is that of the code that was imported, or unknown; the state of a checkout is that of its contents."""

import subprocess
from pathlib import Path

import pytest

from keras_reprise.base import checkout, package_code


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A committed checkout of a project of our name, whose package is the one that was imported."""
    top = written(
        tmp_path / "checkout",
        {
            "pyproject.toml": '[project]\nname = "keras-reprise"\n',
            "recipes/one.py": "1\n",
            "src/keras_reprise/__init__.py": "",
            "src/keras_reprise/engine/loop.py": "loop = 1\n",
            ".gitignore": "*.tmp\n",
        },
    )
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-qm", "one")
    monkeypatch.setattr(checkout, "PACKAGE", top / "src" / "keras_reprise")
    return top


def test_code_of_a_checkout_has_its_commit(project):
    facts = package_code.facts()
    assert (facts["git_commit"], facts["dirty"], facts["diff_sha256"]) == (
        git(project, "rev-parse", "HEAD"),
        False,
        None,
    )


def test_a_later_commit_is_that_of_an_editable_install_too(project):
    written(project, {"src/keras_reprise/engine/loop.py": "loop = 2\n"})
    git(project, "commit", "-qam", "two")
    assert package_code.facts()["git_commit"] == git(project, "rev-parse", "HEAD")


def test_a_wheel_within_the_repository_of_another_project_has_no_commit(tmp_path, monkeypatch):
    installed = ".venv/lib/python3.11/site-packages/keras_reprise"
    top = written(tmp_path / "hers", {"pyproject.toml": '[project]\nname = "hers"\n', f"{installed}/__init__.py": ""})
    git(top, "init", "-q")
    git(top, "add", "-f", ".")
    git(top, "commit", "-qm", "one")
    monkeypatch.setattr(checkout, "PACKAGE", top / installed)
    facts = package_code.facts()
    assert (facts["git_commit"], facts["dirty"], facts["diff_sha256"]) == (None, None, None)


def test_an_installed_copy_beside_a_checkout_has_no_commit(project, monkeypatch):
    installed = written(project, {".venv/lib/site-packages/keras_reprise/__init__.py": ""})
    monkeypatch.setattr(checkout, "PACKAGE", installed / ".venv/lib/site-packages/keras_reprise")
    assert checkout.of_package() is None
    assert package_code.facts()["git_commit"] is None


def test_files_that_git_does_not_track_have_no_commit(tmp_path, monkeypatch):
    """An unpacked archive of the project that lies in somebody's repository."""
    top = written(tmp_path / "hers", {"readme": ""})
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-qm", "one")
    unpacked = written(
        top / "keras-reprise",
        {
            "pyproject.toml": '[project]\nname = "keras-reprise"\n',
            "recipes/a.py": "",
            "src/keras_reprise/__init__.py": "",
        },
    )
    monkeypatch.setattr(checkout, "PACKAGE", unpacked / "src" / "keras_reprise")
    assert checkout.of_package() == unpacked
    assert package_code.facts()["git_commit"] is None


def test_untracked_files_count_by_their_content(project):
    states = []
    for text in ("a = 1\n", "a = 2\n", "a = 1\n"):
        written(project, {"src/keras_reprise/new/mine.py": text, "src/keras_reprise/left.tmp": text, "notes.txt": text})
        states.append(package_code.facts())
    assert all(state["dirty"] for state in states)
    assert states[0]["diff_sha256"] == states[2]["diff_sha256"] != states[1]["diff_sha256"]


def test_ignored_files_and_those_elsewhere_do_not_count(project):
    written(project, {"src/keras_reprise/left.tmp": "x", "notes.txt": "x"})
    assert package_code.facts()["dirty"] is False


def test_settings_of_the_user_hide_nothing(project):
    git(project, "config", "status.showUntrackedFiles", "no")
    git(project, "config", "diff.ignoreSubmodules", "all")
    written(project, {"src/keras_reprise/new.py": "x"})
    assert package_code.facts()["dirty"] is True


def test_a_removed_and_a_renamed_file_make_the_checkout_dirty(project):
    (project / "recipes" / "one.py").rename(project / "recipes" / "two.py")
    assert package_code.facts()["dirty"] is True


def test_the_variables_of_a_git_hook_name_no_other_repository(project, tmp_path, monkeypatch):
    other = written(tmp_path / "other", {"a": ""})
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    found = package_code.facts()["git_commit"]
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_WORK_TREE")
    assert found == git(project, "rev-parse", "HEAD")


def test_the_hash_of_the_code_is_that_of_every_module_and_of_no_recipe(project):
    first = package_code.sha256_now()
    written(project, {"src/keras_reprise/_recipes/a/one.py": "2\n", "src/keras_reprise/report.css": "x"})
    assert package_code.sha256_now() == first
    written(project, {"src/keras_reprise/engine/loop.py": "loop = 2\n"})
    assert package_code.sha256_now() != first
