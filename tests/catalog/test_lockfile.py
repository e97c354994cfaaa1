"""What is read of lock files, and what is said of those that cannot be."""

import json
import os
import shutil
from pathlib import Path

import pytest

from keras_reprise import catalog
from keras_reprise.base.errors import RecipeError
from keras_reprise.catalog import lockfile, sources

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def folder(tmp_path):
    """Two locks without their recipes, which reading does not need."""
    target = tmp_path / "recipes" / "sanity"
    target.mkdir(parents=True)
    for slug in ("lr-nan", "lr-too-low"):
        shutil.copy(RECIPES / "sanity" / f"{slug}.lock", target)
    sources.forget()
    return target.parent


def test_the_file_says_all_but_its_place(folder):
    first, _ = catalog.read_lock(folder).recipes
    assert (first.slug, first.path, first.family) == ("lr-nan", "sanity/lr-nan.py", "sanity")
    path = lockfile.place(folder, first.path)
    assert path.read_bytes() == first.content()
    assert "path" not in json.loads(path.read_bytes())


def test_versions_of_a_recipe_come_latest_first():
    versions = [(one.slug, -one.version) for one in catalog.read_lock().recipes]
    assert versions == sorted(versions)
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not the lock of a recipe"),
        (b"{}", "missing required field"),
        (b'{"schema": 2, "recipes": []}', "is not the lock of a recipe"),
        (b'{\n<<<<<<< HEAD\n  "a": 1\n=======\n  "a": 2\n>>>>>>> hers\n}\n', "has a conflict of git in it"),
        (b"[" * 100_000, "is not the lock of a recipe"),
        (b"\xff\xfe", "is not the lock of a recipe"),
    ],
)
def test_a_broken_lock_is_named(folder, content, said):
    (folder / "sanity" / "lr-nan.lock").write_bytes(content)
    with pytest.raises(RecipeError, match=rf"^recipes/sanity/lr-nan\.lock .*{said}"):
        lockfile.read(folder)


def test_a_lock_of_a_later_schema_is_refused(folder):
    path = folder / "sanity" / "lr-nan.lock"
    path.write_text(path.read_text().replace('"schema": 3', '"schema": 4'))
    with pytest.raises(RecipeError, match=r"sanity/lr-nan\.lock"):
        lockfile.read(folder)


def test_a_lock_that_leads_nowhere_and_one_that_is_no_file_are_named(folder):
    (folder / "sanity" / "away.lock").symlink_to("nowhere")
    with pytest.raises(RecipeError, match=r"away\.lock cannot be read: No such file"):
        lockfile.read(folder)
    (folder / "sanity" / "away.lock").unlink()
    os.mkfifo(folder / "sanity" / "pipe.lock")
    with pytest.raises(RecipeError, match=r"pipe\.lock is no file"):
        lockfile.read(folder)


def test_a_lock_that_is_a_link_is_read_as_some_installers_make_them(folder, tmp_path):
    path = folder / "sanity" / "lr-nan.lock"
    path.rename(tmp_path / "store")
    path.symlink_to(tmp_path / "store")
    assert catalog.read_lock(folder).recipes[0].path == "sanity/lr-nan.py"


def test_hidden_files_are_nobody_s_lock(folder):
    for name in ("._lr-nan.lock", ".lock", "_draft.lock"):
        (folder / "sanity" / name).write_bytes(b"\0")
    assert len(lockfile.read(folder).recipes) == 2


def test_a_folder_without_locks_is_no_catalogue(tmp_path):
    assert lockfile.read(tmp_path).recipes == ()
    with pytest.raises(RecipeError, match="holds no lock of a recipe"):
        catalog.read_lock(tmp_path)


def test_the_list_fails_with_the_lock_that_is_broken(folder, reprise, monkeypatch):
    (folder / "sanity" / "lr-nan.lock").write_bytes(b"{")
    monkeypatch.setattr("keras_reprise.base.checkout.recipes_folder", lambda: folder)
    result = reprise("list")
    assert (result.exit_code, "recipes/sanity/lr-nan.lock is not the lock" in result.stderr) == (2, True)
    assert "Traceback" not in result.output
