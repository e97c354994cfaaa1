"""What the project says of itself agrees."""

import ast
import json
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


def test_the_citation_file_cites_every_document():
    from keras_reprise.catalog.documents import documents

    text = (TOP / "CITATION.cff").read_text()
    assert text.count("\n  - type:") == len(documents())
    for document in documents().values():
        assert f"title: {json.dumps(document.title, ensure_ascii=False)}" in text
        assert document.author is None or f'"name": {json.dumps(document.author, ensure_ascii=False)}' in text


def test_every_recipe_version_is_in_the_changelog():
    from keras_reprise import catalog

    text = (TOP / "CHANGELOG.md").read_text()
    for entry in catalog.read_lock().recipes:
        assert f"`{entry.slug}` version {entry.version}" in text


def test_the_readme_commands_and_extras_exist(reprise):
    text = (TOP / "README.md").read_text()
    for command in set(re.findall(r"^reprise ([\w-]+)", text, re.MULTILINE)):
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


NAMED = re.compile(r"(?<![\w./])(?:\.ci|benchmarks|docs|examples|recipes|src|tests)/[\w./-]*[\w/]")
IN_THE_PACKAGE = re.compile(r"(?<![\w./])[a-z]\w*(?:/\w+)*/\w+\.py\b")
MODULE = re.compile(r"\bkeras_reprise((?:\.\w+)+)")
OF_THE_READER = re.compile(r"\w*mine\.py$")


def not_there(text: str) -> set[str]:
    """The paths and modules that a page names and the project does not have."""
    package = TOP / "src" / "keras_reprise"
    paths = {one for one in NAMED.findall(text) if not (TOP / one).exists()}
    paths |= {one for one in IN_THE_PACKAGE.findall(text) if not any((top / one).exists() for top in (TOP, package))}
    tests = {path.name for path in (TOP / "tests").rglob("*.py")}
    paths |= {one for one in re.findall(r"(?<![\w/])test_\w+\.py\b", text) if one not in tests}
    modules = {f"keras_reprise{one}" for one in MODULE.findall(text) if not module_or_name(one.split(".")[1:])}
    return {one for one in paths if not OF_THE_READER.search(one)} | modules


def module_or_name(parts: list[str]) -> bool:
    """Whether the package has this module, or a module that has this name."""
    path = TOP / "src" / "keras_reprise"
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    file = path / f"{parts.pop(0)}.py" if parts and (path / f"{parts[0]}.py").is_file() else path / "__init__.py"
    return not parts or re.search(rf"\b{parts[0]}\b", file.read_text()) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_paths_and_modules_that_a_page_names_are_there(page):
    assert not not_there(page.read_text())


def test_the_tox_environments_that_the_pages_name_exist():
    text = (TOP / "tox.ini").read_text()
    sections = set(re.findall(r"^\[testenv:([\w-]+)\]", text, re.MULTILINE)) | set(re.findall(r"\bpy3\d+\b", text))
    named = {one for page in PAGES for one in re.findall(r"\btox -e ([\w-]+)", page.read_text())}
    assert named
    assert not named - sections


MADE_BY_TESTS = {"keras_reprise.datasets.providers.ramp", "keras_reprise.figures.kinds.bars"}
SCRIPTS = [
    path for path in sorted((TOP / "tests").rglob("*.py")) if path.parent.name != "recipes" and path != Path(__file__)
]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_the_modules_that_scripts_within_tests_import_are_there(path):
    """Tests write programs as texts, whose imports no linter sees, and some look only at whether such a program ended."""
    imported = re.findall(r"\bfrom (keras_reprise[\w.]*) import (\w+)", path.read_text())
    modules = {f"{module}.{name}" for module, name in imported}
    assert not {one for one in modules if not module_or_name(one.split(".")[1:])} - MADE_BY_TESTS


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("see `tests/test_layers.py` and recipes/<family>/<slug>.py", set()),
        ("see tests/test_moved.py.", {"tests/test_moved.py"}),
        ("`judge/verdicts.py` and `engine/_jax.py`", {"engine/_jax.py"}),
        ("keras_reprise.schedules, keras_reprise.schedules.steps", set()),
        (
            "keras_reprise.numerics and keras_reprise.schedules.gone",
            {"keras_reprise.numerics", "keras_reprise.schedules.gone"},
        ),
        ("its test is test_gone.py", {"test_gone.py"}),
        ("`reprise run ./mine.py`, benchmarks/bench_mine.py", set()),
    ],
)
def test_what_is_named_and_not_there_is_found(text, missing):
    assert not_there(text) == missing


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
