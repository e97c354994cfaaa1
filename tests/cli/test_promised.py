"""What the design says of the commands as a whole: help with an example, tracebacks, what a family and a suite are."""

import shutil
from pathlib import Path

import pytest

from keras_reprise import catalog
from keras_reprise.base import checkout as checkouts
from keras_reprise.cli.root import COMMANDS
from keras_reprise.recipe import locking
from keras_reprise.run import request
from keras_reprise.run.driver import Tally


@pytest.mark.parametrize("command", sorted(name for names in COMMANDS.values() for name in names))
def test_the_help_of_every_command_has_an_example(reprise, command):
    result = reprise(command, "--help")
    assert result.exit_code == 0, result.output
    assert "Example" in result.output
    assert f"reprise {command}" in result.output


@pytest.mark.parametrize(("options", "code"), [((), 2), (("--debug",), 1)])
def test_only_debug_shows_where_an_error_comes_from(reprise_process, options, code):
    done = reprise_process(*options, "show", "no-such-recipe")
    assert done.returncode == code
    assert ("Traceback (most recent call last)" in done.stderr) == bool(options)
    assert "There is no recipe 'no-such-recipe'" in done.stderr


@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_only_debug_shows_where_an_arm_crashed(plain_recipe, store_path, reprise, monkeypatch, options):
    monkeypatch.setenv("PLAIN_FAILS", "two")
    result = reprise(*options, "run", plain_recipe, "--seeds", 1, "--store", store_path)
    assert result.exit_code == 4, result.output
    assert ("Traceback (most recent call last)" in result.stderr) == bool(options)


@pytest.fixture
def chosen(reprise, store_path, monkeypatch):
    """Which recipes `reprise run` measures with these words, by their files' names."""

    def call(*words):
        found: list[str] = []

        def run(asked, store):
            found.extend(path.stem for path in request._paths(asked.with_its_suite()))
            return Tally()

        monkeypatch.setattr(request, "run", run)
        result = reprise("run", *words, "--store", store_path)
        assert result.exit_code == 0, result.output
        return sorted(found)

    return call


@pytest.mark.parametrize("family", ["sanity", "schedules"])
def test_a_family_is_every_recipe_of_its_folder(chosen, family):
    files = (checkouts.recipes_folder() / family).glob("*.py")
    recipes = sorted(path.stem for path in files if not path.name.startswith("_"))
    assert recipes
    assert chosen("--family", family) == recipes


@pytest.mark.parametrize("suite", ["quickstart", "gate", "all"])
def test_a_suite_is_every_recipe_whose_card_names_it(chosen, suite):
    entries = [entry for entry in catalog.current() if suite == "all" or suite in entry.card.suites]
    assert entries
    assert chosen("--suite", suite) == sorted(Path(entry.path).stem for entry in entries)


@pytest.fixture
def checkout(tmp_path, plain_recipe, monkeypatch):
    """A checkout whose one recipe is locked; the code that runs lies in none."""
    top = tmp_path / "checkout"
    (top / "recipes" / "family").mkdir(parents=True)
    (top / "pyproject.toml").write_text('[project]\nname = "keras-reprise"\n')
    shutil.copy(plain_recipe, top / "recipes" / "family")
    locking.relock(top / "recipes")
    monkeypatch.chdir(top)
    monkeypatch.setattr(checkouts, "of_package", lambda: None)
    return top


def test_the_exit_code_says_whether_the_lock_is_up_to_date(checkout, reprise):
    unchanged = reprise("lock", "--check")
    assert (unchanged.exit_code, unchanged.stdout) == (0, "")
    recipe = checkout / "recipes" / "family" / "plain.py"
    recipe.write_text(recipe.read_text().replace("value=2.0", "value=2.01"))
    changed = reprise("lock", "--check")
    assert (changed.exit_code, "recipes/family/plain.py" in changed.stdout) == (1, True)
