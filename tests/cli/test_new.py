"""`reprise new` writes a recipe that runs as it is, and nothing where it would be in the way."""

import json
import tomllib
from pathlib import Path

import pytest

from keras_reprise.base import checkout as checkouts
from keras_reprise.cli.new import EXAMPLE, example


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder that lies in no checkout."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def checkout(here):
    """A checkout, as far as `new` looks at it."""
    (here / "pyproject.toml").write_text('[project]\nname = "keras-reprise"\n')
    (here / "recipes").mkdir()
    return here


def test_the_example_is_short_and_says_what_every_recipe_says():
    text = example().read_text()
    assert all(f"\n{word}" in text for word in ("Source:", "Data:", "Cost:", f"Replay: reprise run ./{EXAMPLE}.py"))
    assert len(text.splitlines()) <= 120
    assert max(map(len, text.splitlines())) <= 100


def test_what_it_writes_is_measured_judged_and_drawn_as_it_is(here, reprise, store_path):
    written = reprise("new", "my-rule")
    assert written.exit_code == 0, written.output
    assert "reprise run my-rule.py --seeds 3 --store" in written.output
    assert "lock" not in written.output
    text = (here / "my-rule.py").read_text()
    assert EXAMPLE not in text
    assert "Replay: reprise run ./my-rule.py --scale full" in text

    run = reprise("run", "./my-rule.py", "--scale", "quick", "--seeds", 3, "--store", store_path)
    assert run.exit_code == 0, run.output
    verdicts = json.loads(reprise("verdict", "--store", store_path, "--json").stdout)
    assert [(one["claim"], one["verdict"]) for one in verdicts] == [
        ("hidden-units-help", "reproduced"),
        ("without-guesses", "reproduced"),
    ]
    assert reprise("report", "--store", store_path).exit_code == 0
    assert len(list((store_path / "reports" / "figures").glob("my-rule-*.svg"))) == 1


def test_a_family_is_a_folder_of_the_checkouts_recipes(checkout, reprise, monkeypatch):
    monkeypatch.chdir(checkout / "recipes")
    written = reprise("new", "my-rule", "--family", "sanity")
    assert written.exit_code == 0, written.output
    assert "reprise run sanity/my-rule.py" in written.output
    assert "reprise lock" in written.output
    text = (checkout / "recipes" / "sanity" / "my-rule.py").read_text()
    assert "Replay: reprise run my-rule --scale full" in text
    assert 'slug="my-rule"' in text


def test_a_path_says_where_the_file_lies(here, reprise):
    (here / "course").mkdir()
    assert reprise("new", "./course/my-rule.py").exit_code == 0
    assert 'slug="my-rule"' in (here / "course" / "my-rule.py").read_text()


def test_a_path_without_a_suffix_is_that_of_a_recipe_file(here, reprise):
    result = reprise("new", "./my-rule")
    assert (result.exit_code, "reprise run my-rule.py" in result.output) == (0, True), result.output
    assert [path.name for path in here.iterdir()] == ["my-rule.py"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["My_Rule"], "Write for example my-rule."),
        (["lr-nan"], "There is a recipe lr-nan already (sanity/lr-nan.py)"),
        (["course/My Rule.py"], "Write for example my-rule."),
        (["my-rule", "--family", "Sanity"], "The family 'Sanity' is not"),
        (["my-rule", "--family", "superseded"], "The family 'superseded'"),
        (["my-rule", "--family", "sanity"], "this folder lies in none"),
        (["nowhere/my-rule.py"], "nowhere/my-rule.py: No such file"),
        (["./my-rule.py", "--family", "sanity"], "Give the slug alone"),
        (["mine.txt"], "The slug 'mine.txt' is not"),
    ],
)
def test_what_cannot_be_a_recipe_is_refused_with_a_sentence(here, reprise, arguments, words):
    result = reprise("new", *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert list(here.iterdir()) == []


def test_nothing_is_overwritten(here, reprise):
    (here / "my-rule.py").write_text("mine")
    result = reprise("new", "my-rule")
    assert result.exit_code == 2
    assert "my-rule.py is there already" in result.output
    assert (here / "my-rule.py").read_text() == "mine"


def test_the_wheel_brings_the_example(monkeypatch):
    top = Path(__file__).parents[2]
    monkeypatch.setattr(checkouts, "of_package", lambda: top)
    assert example() == top / "examples" / f"{EXAMPLE}.py"
    monkeypatch.setattr(checkouts, "of_package", lambda: None)
    place = example().relative_to(Path(checkouts.__file__).parents[1])
    included = tomllib.loads((top / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert (
        included["targets"]["wheel"]["force-include"][f"examples/{EXAMPLE}.py"] == f"keras_reprise/{place.as_posix()}"
    )
