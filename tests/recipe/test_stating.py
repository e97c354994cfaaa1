"""Claims that are stated step by step, and claims that are retired."""

import msgspec
import pytest

from keras_reprise import Claim, above, below, detail, metric, printed_value, rule
from keras_reprise.base.errors import RecipeError, UserError
from keras_reprise.recipe import retiring
from keras_reprise.record.schema import Card

LOSS = metric("a", "test_loss")


def card(*claims):
    """A card that states these claims."""
    return msgspec.convert(
        {
            "slug": "made-up",
            "version": 1,
            "title": "t",
            "question": "q",
            "sources": [],
            "arms": {"a": "an arm"},
            "claims": [claim.card() for claim in claims],
            "figures": [],
            "scales": {},
        },
        Card,
    )


def test_a_claim_stated_step_by_step_is_the_claim():
    stated = rule("falls", "Slide").says("The loss falls.").of(LOSS - 1).must(below(0.0), kind="discrete", printed=0.2)
    assert stated == Claim(
        "falls", "The loss falls.", "Slide", value=LOSS - 1, must=below(0.0), role="rule", kind="discrete", printed=0.2
    )


def test_the_first_word_is_the_role():
    said = [begin("x").says("s").of(LOSS).must(above(0)).role for begin in (rule, detail, printed_value)]
    assert said == ["rule", "detail", "table"]


def test_a_claim_of_no_number_is_refused_as_ever():
    with pytest.raises(RecipeError, match="has no value"):
        rule("falls").says("The loss falls.").of(None).must(below(0.0))


def test_the_lock_keeps_what_is_retired_though_the_file_no_longer_states_it():
    falls = rule("falls").says("The loss falls.").of(LOSS).must(below(1.0))
    low = rule("low").says("The loss is low.").of(LOSS).must(below(0.5))
    before = retiring.retired(card(falls), "falls", "cannot fail")
    after = retiring.with_retired(before, card(low), "made-up.py")
    assert [(claim.id, claim.retired) for claim in after.claims] == [("low", None), ("falls", "cannot fail")]
    assert after.without_retired() == card(low)


def test_a_claim_that_is_gone_or_back_or_another_is_refused():
    falls = rule("falls").says("The loss falls.").of(LOSS).must(below(1.0))
    low = rule("low").says("The loss is low.").of(LOSS).must(below(0.5))
    with pytest.raises(RecipeError, match="no longer states the claim falls.*\n.*--retire made-up/falls"):
        retiring.with_retired(card(falls), card(low), "made-up.py")
    with pytest.raises(RecipeError, match="which is retired: cannot fail"):
        retiring.with_retired(retiring.retired(card(falls), "falls", "cannot fail"), card(falls), "made-up.py")
    for other in (
        rule("falls").says("s").of(LOSS).must(below(0.9)),
        rule("falls").says("s").of(LOSS / 2).must(below(1.0)),
        rule("falls").says("s").of(LOSS, given=LOSS > 0).must(below(1.0)),
    ):
        with pytest.raises(RecipeError, match="changed what the claim falls means"):
            retiring.with_retired(card(falls), card(other), "made-up.py")


def test_words_of_a_claim_may_get_better():
    before = card(rule("falls").says("The loss falls.").of(LOSS).must(below(1.0)))
    after = card(rule("falls", "Slide").says("The loss goes down.").of(LOSS).must(below(1.0)))
    assert retiring.with_retired(before, after, "made-up.py") == after


def test_retiring_needs_a_claim_that_is_there_and_a_reason():
    one = card(rule("falls").says("s").of(LOSS).must(below(1.0)))
    with pytest.raises(UserError, match="has no claim 'fals'"):
        retiring.retired(one, "fals", "why")
    with pytest.raises(UserError, match="--why"):
        retiring.retired(one, "falls", " ")
