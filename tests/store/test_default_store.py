"""The default store is that of the folder one stands in; commands name their store, and what they print repeats it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import keras_reprise
from keras_reprise.cli.console import with_store

PACKAGE = Path(keras_reprise.__file__).parent


@pytest.fixture
def project(tmp_path):
    """Another checkout of this project, without a package."""
    (tmp_path / "other" / "recipes").mkdir(parents=True)
    (tmp_path / "other" / "deep" / "er").mkdir(parents=True)
    (tmp_path / "other" / "pyproject.toml").write_text('[project]\nname = "keras-reprise"\n')
    return tmp_path / "other"


def test_the_default_store_is_that_of_the_checkout_one_stands_in(project, filled_store, reprise, monkeypatch):
    shutil.copytree(filled_store, project / "results")
    monkeypatch.chdir(project / "deep" / "er")
    result = reprise("status", "--json")
    assert {row["recipe"] for row in json.loads(result.output)} == {"plain"}


def test_elsewhere_the_default_store_is_a_folder_there(tmp_path, filled_store, reprise, monkeypatch):
    shutil.copytree(filled_store, tmp_path / "hers" / "results")
    (tmp_path / "hers" / "pyproject.toml").write_text('[project]\nname = "hers"\n')
    monkeypatch.chdir(tmp_path / "hers")
    result = reprise("verdict", "plain")
    assert (result.exit_code, "reprise: store results\n" in result.stderr) == (0, True)


def test_an_installed_copy_takes_its_own_recipes_and_the_store_of_the_folder(project, tmp_path):
    """A wheel in the environment of another project: neither its code nor its recipes are those of the folder."""
    site = project / ".venv" / "lib" / "site-packages"
    shutil.copytree(PACKAGE, site / "keras_reprise", ignore=shutil.ignore_patterns("__pycache__"))
    (site / "keras_reprise" / "_recipes").mkdir(exist_ok=True)
    code = (
        "from keras_reprise.base import checkout, package_code\n"
        "from keras_reprise.cli import console\n"
        "print(checkout.recipes_folder(), console.open_store(None).root, package_code.facts()['git_commit'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=os.environ | {"PYTHONPATH": str(site)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [str(site / "keras_reprise" / "_recipes"), str(project / "results"), "None"]


@pytest.mark.parametrize(
    "command",
    [["status"], ["verdict"], ["cite", "plain"], ["check"], ["export"], ["merge"], ["history", "plain/one/value"]],
)
def test_every_command_names_its_store(filled_store, tmp_path, reprise, command):
    extra = {"export": ["--output", tmp_path / "out"], "merge": [filled_store]}.get(command[0], [])
    store = tmp_path / "new" if command[0] == "merge" else filled_store
    result = reprise(*command, *extra, "--store", store)
    assert (result.exit_code, f"reprise: store {store}\n" in result.stderr) == (0, True), result.output


def test_json_is_nothing_but_json(filled_store, reprise):
    assert json.loads(reprise("verdict", "--store", filled_store, "--json").output)


def test_what_a_run_says_next_repeats_the_store(tmp_path, plain_recipe, reprise):
    result = reprise("run", plain_recipe, "--seeds", 1, "--store", tmp_path / "my store")
    said = result.stdout.replace(" \\\n    ", " ")  # long lines are broken
    assert f"reprise verdict plain -v --store '{tmp_path}/my store'" in said


def test_errors_repeat_the_store(tmp_path, reprise):
    result = reprise("verdict", "--store", tmp_path / "none")
    assert f"`reprise run --suite quickstart --store {tmp_path}/none`" in result.stderr


def test_commands_for_what_is_missing_repeat_the_store(tmp_path, reprise):
    rows = json.loads(reprise("status", "--missing", "--store", tmp_path / "none", "--json").stdout)
    assert rows
    assert all(row["command"].endswith(f" --store {tmp_path}/none") for row in rows)


def test_the_command_that_replays_repeats_the_store(filled_store, reprise):
    identifier = json.loads(reprise("cite", "plain", "--store", filled_store, "--json").stdout)[0]["identifier"]
    result = reprise("resolve", identifier, "--store", filled_store)
    assert result.stdout.rstrip().endswith(f"--store {filled_store}")


def test_a_report_names_its_store_without_the_folders_above_it(filled_store, tmp_path, reprise):
    assert reprise("report", "--store", filled_store, "--output", tmp_path / "site").exit_code == 0
    page = (tmp_path / "site" / "plain-v1.html").read_text()
    assert f"reprise cite plain --store {filled_store.name}" in page
    assert str(filled_store) not in page


def test_only_commands_that_read_or_write_a_store_are_given_one():
    assert with_store("`reprise lock` and `reprise verdict`") == "`reprise lock` and `reprise verdict`"
