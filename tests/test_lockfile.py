import shutil
from pathlib import Path

import pytest

from keras_reprise import catalog, lockfile
from keras_reprise.errors import RecipeError


@pytest.fixture
def folder(tmp_path, plain_recipe):
    target = tmp_path / "recipes" / "family"
    target.mkdir(parents=True)
    shutil.copy(plain_recipe, target)
    lockfile.relock(target.parent)
    return target.parent


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "family" / "plain.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_projects_own_lock_is_up_to_date():
    changes = lockfile.changes(catalog.recipes_folder())
    assert not changes, "\n".join(
        f"recipes/{change.path} is {change.kind}: run `reprise lock` (see CONTRIBUTING.md)" for change in changes
    )


def test_a_new_recipe_is_locked_with_its_card(folder):
    entry = catalog.read_lock(folder).recipes[0]
    assert (entry.slug, entry.version, entry.path, entry.family) == ("plain", 1, "family/plain.py", "family")
    assert entry.card.claims[0].id == "two-is-two"
    assert lockfile.changes(folder) == []


def test_a_changed_recipe_without_a_new_version_is_refused_with_the_remedy(folder):
    edit(folder, "value=2.0", "value=2.01")
    with pytest.raises(RecipeError, match=r"Set version=2, keep the old file with `reprise lock --supersede plain`"):
        lockfile.relock(folder)
    with pytest.raises(RecipeError, match="version is still 1"):
        lockfile.relock(folder, cosmetic=True)


def test_a_changed_recipe_with_a_new_version_is_locked(folder):
    edit(folder, "value=2.0", "value=2.01")
    edit(folder, "version=1", "version=2")
    lockfile.relock(folder)
    assert catalog.read_lock(folder).recipes[0].version == 2


def test_comments_and_the_docstring_are_cosmetic(folder):
    edit(folder, "Cost:   nothing", "Cost:   one second")
    edit(folder, "import os", "import os  # the environment")
    assert [change.kind for change in lockfile.changes(folder)] == ["cosmetic"]
    with pytest.raises(RecipeError, match="reprise lock --cosmetic"):
        lockfile.relock(folder)
    lockfile.relock(folder, cosmetic=True)
    assert lockfile.changes(folder) == []


def test_a_string_that_looks_like_a_comment_is_code():
    assert lockfile.code_sha256('"""d"""\nx = "# 1"\n') != lockfile.code_sha256('"""d"""\nx = "# 2"\n')


def test_a_removed_recipe_is_noticed(folder):
    (folder / "family" / "plain.py").unlink()
    assert [change.kind for change in lockfile.changes(folder)] == ["gone"]


def test_the_same_version_twice_is_refused(folder):
    (folder / "other").mkdir()
    shutil.copy(folder / "family" / "plain.py", folder / "other" / "copy.py")
    with pytest.raises(RecipeError, match="are both plain version 1"):
        lockfile.relock(folder)
