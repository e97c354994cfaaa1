"""What every command shares: which records it is about, what it says of those that are not there, and JSON."""

import json
import math

import pytest
from forging import forge, records

from keras_reprise.cli.console import print_json


def test_one_broken_file_hides_neither_the_hint_nor_itself(filled_store, reprise):
    records(filled_store)[0].write_text("{")
    result = reprise("verdict", "--scale", "full", "--store", filled_store)
    assert (result.exit_code, "left out: " in result.stderr) == (3, True)
    assert "holds no record that matches" in result.stderr
    for path in records(filled_store):
        path.write_text("{")
    result = reprise("verdict", "--scale", "full", "--store", filled_store)
    assert (result.exit_code, "None of the 6 records" in result.stderr) == (1, True)


@pytest.mark.parametrize("command", ["verdict", "report"])
def test_a_recipe_without_a_record_beside_one_that_has_some_is_named(filled_store, reprise, command):
    result = reprise(command, "plain", "cifar10-lr-drop", "plain@1", "--store", filled_store)
    assert result.exit_code == 0, result.output
    said = [line for line in result.stderr.splitlines() if "no record of" in line]
    assert said == ["reprise: the store holds no record of cifar10-lr-drop that matches"]


def test_a_version_without_a_record_beside_one_that_has_some_is_named(filled_store, reprise):
    forge_as(filled_store, "cifar10-lr-drop")
    result = reprise("verdict", "cifar10-lr-drop@1", "lr-nan@1", "--store", filled_store, "--json")
    assert (result.exit_code, "no record of lr-nan@1 that" in result.stderr) == (0, True)
    assert {row["recipe"] for row in json.loads(result.stdout)} == {"cifar10-lr-drop"}


def forge_as(store, slug):
    """Have all records of a store be of a recipe of this name."""
    forge(store, card=lambda one: one.update(slug=slug), record=lambda one: one["recipe"].update(slug=slug))


@pytest.mark.parametrize(
    ("slug", "words"),
    [("cifar10-lr-drop", "has no version '99'"), ("mine", "holds no record of mine@99")],
)
def test_a_version_that_there_is_not_is_refused(filled_store, reprise, slug, words):
    forge_as(filled_store, slug)
    result = reprise("verdict", f"{slug}@99", "--store", filled_store)
    assert (result.exit_code, words in result.stderr, "reprise run" in result.stderr) == (2, True, False)


def test_json_has_no_character_that_steers_a_terminal_and_means_the_same(capsys):
    content = {"\x9b31m": "a\u202eb\x7f\U000e0041", "é 宽": ["\n\t", 1.5, math.nan]}
    print_json(content)
    text = capsys.readouterr().out
    assert all(line.isprintable() for line in text.split("\n"))
    assert ("\\u009b31m" in text, "\\u202e" in text, '"é 宽"' in text) == (True, True, True)
    assert json.loads(text) == content | {"é 宽": ["\n\t", 1.5, "nan"]}


def test_no_recipe_is_refused_in_json_too(reprise):
    for more in ([], ["--json"]):
        result = reprise("list", "--family", "typo", *more)
        assert (result.exit_code, result.stdout, "No recipe matches" in result.stderr) == (2, "", True)


def test_two_ways_to_print_a_citation_are_refused_and_one_said_twice_is_not(filled_store, reprise):
    result = reprise("cite", "plain", "--latex", "--format", "bibtex", "--store", filled_store)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--latex and --format bibtex are two ways to print what is cited" in result.stderr
    assert reprise("cite", "plain", "--latex", "--format", "latex", "--store", filled_store).exit_code == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--check", "--supersede", "lr-nan"],
        ["--supersede", "lr-nan", "--retire", "lr-nan/one-class-left"],
        ["--retire", "lr-nan/one-class-left", "--check"],
        ["--replay", "lr-nan", "--check"],
    ],
    ids=" ".join,
)
def test_lock_does_one_thing_or_nothing(reprise, monkeypatch, options):
    for name in ("supersede", "retire", "unlocked", "relock"):
        monkeypatch.setattr(f"keras_reprise.recipe.locking.{name}", lambda *_: pytest.fail("it did something"))
    result = reprise("lock", *options)
    assert (result.exit_code, "do different things" in result.stderr) == (2, True), result.output
