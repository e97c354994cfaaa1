"""The documents and their rules: the measure of what is replayed."""

import fnmatch

import pytest

from keras_reprise import catalog
from keras_reprise.base.errors import RecipeError
from keras_reprise.catalog.documents import described, documents, read

RULES = [(document, rule) for document in documents().values() for rule in document.rules]
SLUGS = {entry.slug for entry in catalog.current()}
MINIMAL = 'key = "notes"\nnumber = "9"\ntitle = "Notes"\n[[section]]\ntitle = "One"\n[[section.rule]]\nid = "a"\nsays = "A."\nlines = "1"\n'


def test_every_recipe_is_named_by_a_rule_of_a_document():
    assert SLUGS - {slug for _, rule in RULES for slug in rule.recipes} == set()


def test_every_recipe_that_a_rule_names_is_there():
    assert {slug for _, rule in RULES for slug in rule.recipes} - SLUGS == set()


def test_every_claim_that_a_rule_names_is_one_that_counts():
    counting = {
        entry.slug: [claim.id for claim in entry.card.claims if not claim.retired] for entry in catalog.current()
    }
    nowhere = [
        (document.key, rule.id, named)
        for document, rule in RULES
        for named in rule.claims
        if not fnmatch.filter(counting[named.partition("/")[0]], named.partition("/")[2])
    ]
    assert nowhere == []
    assert sum(bool(rule.claims) for _, rule in RULES) > 50


def test_every_testable_rule_is_answered_by_a_recipe():
    assert [f"{document.key}:{rule.id}" for document, rule in RULES if rule.testable and not rule.recipes] == []


def test_every_source_of_the_recipes_is_a_document():
    for entry in catalog.current():
        for source in entry.card.sources:
            assert described(source.key), (entry.slug, source.key)


def test_the_documents_are_counted():
    assert sum(rule.testable for _, rule in RULES) == 287
    assert len(RULES) == 342


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ('kind = "rule"\nrecipes = []', "either recipes or the family"),
        ('kind = "rule"\nrecipes = ["x"]\nfamily = "sgd"', "either recipes or the family"),
        ('kind = "policy"\nrecipes = []', "it has why_none"),
        ('kind = "policy"\nrecipes = ["x"]\nwhy_none = "y"', "it has why_none"),
        ('kind = "opinion"\nrecipes = []', "Invalid enum value"),
        ('kind = "rule"\nrecipes = ["x"]\ncolour = "red"', "unknown field"),
        ('kind = "rule"\nrecipes = ["x"]\nclaims = ["y/one"]', "not RECIPE/CLAIM of one of its recipes"),
        ('kind = "rule"\nrecipes = ["x"]\nclaims = ["x"]', "not RECIPE/CLAIM of one of its recipes"),
        ('kind = "policy"\nrecipes = []\nwhy_none = "y"\nclaims = ["x/one"]', "not RECIPE/CLAIM"),
        ('kind = "policy"\nrecipes = []\nwhy_none = "y"\nopposite = true', "no recipes whose claims"),
    ],
)
def test_a_rule_that_says_neither_what_answers_it_nor_why_not_is_refused(tmp_path, lines, fault):
    (tmp_path / "notes.toml").write_text(MINIMAL + lines)
    with pytest.raises(RecipeError, match=fault):
        read(tmp_path)


def test_a_rule_tells_which_claims_of_a_recipe_are_its_sentence(tmp_path):
    lines = 'kind = "rule"\nrecipes = ["x", "y", "z"]\nclaims = ["x/one", "x/row-*", "y/one"]\n'
    (tmp_path / "notes.toml").write_text(MINIMAL + lines)
    [rule] = read(tmp_path)["notes"].rules
    assert [rule.named(slug) for slug in ("x", "y", "z")] == [["one", "row-*"], ["one"], []]
    assert [rule.is_said_by("x", claim) for claim in ("one", "row-7", "two", "one-more")] == [True, True, False, False]
    assert not rule.is_said_by("y", "row-7")


def test_a_document_has_the_name_of_its_file_and_its_rules_different_ids(tmp_path):
    rule = 'kind = "rule"\nrecipes = ["x"]\n'
    (tmp_path / "notes.toml").write_text(MINIMAL + rule)
    assert [one.recipes for one in read(tmp_path)["notes"].rules] == [["x"]]
    (tmp_path / "notes.toml").write_text(
        MINIMAL + rule + '[[section.rule]]\nid = "a"\nsays = "B."\nlines = "2"\n' + rule
    )
    with pytest.raises(RecipeError, match="two rules have the id a"):
        read(tmp_path)
    (tmp_path / "notes.toml").rename(tmp_path / "other.toml")
    with pytest.raises(RecipeError, match="other.toml is no list of a document's rules: its key is 'notes'"):
        read(tmp_path)
