"""What the project says of itself agrees."""

import ast
import re
import shutil
import tomllib
from pathlib import Path

import pytest

import keras_reprise
from keras_reprise.store.checking import check
from keras_reprise.store.store import Store

TOP = Path(__file__).parents[1]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]


def test_one_version_everywhere():
    citation = re.search(r"^version: (.+)$", (TOP / "CITATION.cff").read_text(), re.MULTILINE)
    assert citation is not None
    assert citation[1] == PROJECT["version"] == keras_reprise.__version__
    assert f"## {PROJECT['version']}" in (TOP / "CHANGELOG.md").read_text()


def test_every_recipe_version_is_in_the_changelog():
    from keras_reprise import catalog

    text = (TOP / "CHANGELOG.md").read_text()
    for entry in catalog.read_lock().recipes:
        assert f"`{entry.slug}` version {entry.version}" in text


def test_the_readme_commands_and_extras_exist(reprise):
    text = (TOP / "README.md").read_text()
    for command in set(re.findall(r"^reprise (\w+)", text, re.MULTILINE)):
        assert reprise(command, "--help").exit_code == 0
    extras = set(PROJECT["optional-dependencies"])
    assert set(re.findall(r"^\| `([\w-]+)`", text, re.MULTILINE)) <= extras
    assert {"jax", "torch", "ray", "bench", "dev"} <= extras


def test_every_module_says_its_purpose():
    for path in (TOP / "src").rglob("*.py"):
        assert path.read_text().startswith('"""'), path.name


PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_the_pages_resolve(page):
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / target).exists(), target


def test_what_the_readme_cites_is_what_the_store_has(reprise):
    result = reprise("check-citations", TOP / "README.md", "--store", TOP / "results")
    assert result.exit_code == 0, result.output


def test_the_results_in_the_repository_are_intact():
    count, problems = check(Store(TOP / "results"))
    assert count > 0
    assert problems == []


def test_the_report_in_the_repository_is_that_of_its_records(reprise, tmp_path):
    """After new records or templates: `reprise report`, and commit what it writes."""
    committed = TOP / "results" / "reports"
    shutil.copytree(committed, tmp_path / "reports")
    result = reprise("report", "--store", TOP / "results", "--output", tmp_path / "reports")
    assert result.exit_code == 0, result.output
    written = {
        path.relative_to(tmp_path / "reports"): path for path in (tmp_path / "reports").rglob("*") if path.is_file()
    }
    assert {path.relative_to(committed) for path in committed.rglob("*") if path.is_file()} == set(written)
    assert [name for name, path in written.items() if path.read_bytes() != (committed / name).read_bytes()] == []


def test_every_name_that_recipes_may_import_is_there_and_known_to_type_checkers():
    assert [name for name in keras_reprise.__all__ if not hasattr(keras_reprise, name)] == []
    (block,) = (
        one
        for one in ast.parse(Path(keras_reprise.__file__).read_text("utf-8")).body
        if isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING"
    )
    typed = [alias.name for one in block.body if isinstance(one, ast.ImportFrom) for alias in one.names]
    assert sorted([*typed, "__version__"]) == sorted(keras_reprise.__all__)
    with pytest.raises(ImportError, match="cannot import name 'Recipes'"):
        exec("from keras_reprise import Recipes")
