"""Claims that are stated step by step, and claims that are retired."""

import msgspec
import pytest

from keras_reprise import Claim, above, below, column, detail, equal, metric, printed_value, rule, same
from keras_reprise.base.errors import RecipeError, UserError
from keras_reprise.recipe import retiring
from keras_reprise.record.schema import Card

LOSS, OTHER = metric("a", "test_loss"), metric("b", "test_loss")


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
    stated = rule("falls", "Slide", kind="discrete", printed=0.2).says("The loss falls.").must(LOSS - 1, below(0.0))
    assert stated == Claim(
        "falls", "The loss falls.", "Slide", value=LOSS - 1, must=below(0.0), role="rule", kind="discrete", printed=0.2
    )


def test_a_comparison_is_a_value_and_its_bound():
    for stated, value, bound in (
        (LOSS > 0.5, LOSS, above(0.5)),
        (0.5 > LOSS, LOSS, below(0.5)),  # noqa: SIM300
        (LOSS <= 0.5, LOSS, below(0.5)),
        (LOSS >= OTHER, LOSS, above(OTHER)),
        (LOSS - OTHER < 0, LOSS - OTHER, below(0.0)),
    ):
        said = rule("falls").says("s")
        assert said.must(stated, unit="u", given=LOSS > 1) == said.must(value, bound, unit="u", given=LOSS > 1)


def test_what_is_below_another_value_is_the_difference_below_zero():
    lower, difference = rule("falls").says("s").must(LOSS < OTHER), rule("falls").says("s").must(LOSS - OTHER < 0)
    assert [one.card() for one in lower.each()] == [difference.card()]


@pytest.mark.parametrize(
    "nothing",
    [LOSS, same(LOSS, 2.0), (LOSS > 1) & (LOSS < 2), below(0.5), True, None, same(column("a", "kind"), "he")],
    ids=["a value", "an equality", "two conditions", "a bound", "a truth", "nothing", "a text"],
)
def test_what_sets_no_bound_to_a_value_is_refused(nothing):
    with pytest.raises(RecipeError, match="'falls' must be .*sets no bound.*\n.*a value and a bound"):
        rule("falls").says("s").must(nothing)


def test_a_share_needs_to_be_said_beside_its_condition():
    share = rule("mostly", kind="share").says("In most replicates.")
    assert share.must(LOSS < 0.5, above(0.5)).value == (LOSS < 0.5)
    with pytest.raises(RecipeError, match=r"metric.* < 0.5, and names none.\n.*above"):
        share.must(LOSS < 0.5)


def test_a_condition_beside_its_bound_stays_a_condition():
    holds = detail("same", kind="exact").says("s").must(LOSS < 0.5, equal(1))
    assert holds.value == (LOSS < 0.5)
    assert holds.must == equal(1)


def test_the_first_word_is_the_role():
    said = [begin("x").says("s").must(LOSS > 0).role for begin in (rule, detail, printed_value)]
    assert said == ["rule", "detail", "table"]


def test_a_claim_of_no_number_is_refused_as_ever():
    with pytest.raises(RecipeError, match="has no value"):
        rule("falls").says("The loss falls.").must(None, below(0.0))


def test_the_lock_keeps_what_is_retired_though_the_file_no_longer_states_it():
    falls = rule("falls").says("The loss falls.").must(LOSS < 1.0)
    low = rule("low").says("The loss is low.").must(LOSS < 0.5)
    before = retiring.retired(card(falls), "falls", "cannot fail")
    after = retiring.with_retired(before, card(low), "made-up.py")
    assert [(claim.id, claim.retired) for claim in after.claims] == [("low", None), ("falls", "cannot fail")]
    assert after.without_retired() == card(low)


def test_a_claim_that_is_gone_or_back_or_another_is_refused():
    falls = rule("falls").says("The loss falls.").must(LOSS < 1.0)
    low = rule("low").says("The loss is low.").must(LOSS < 0.5)
    with pytest.raises(RecipeError, match="no longer states the claim falls.*\n.*--retire made-up/falls"):
        retiring.with_retired(card(falls), card(low), "made-up.py")
    with pytest.raises(RecipeError, match="which is retired: cannot fail"):
        retiring.with_retired(retiring.retired(card(falls), "falls", "cannot fail"), card(falls), "made-up.py")
    for other in (
        rule("falls").says("s").must(LOSS < 0.9),
        rule("falls").says("s").must(LOSS / 2 < 1.0),
        rule("falls").says("s").must(LOSS < 1.0, given=LOSS > 0),
    ):
        with pytest.raises(RecipeError, match="changed what the claim falls means"):
            retiring.with_retired(card(falls), card(other), "made-up.py")


def test_words_of_a_claim_may_get_better():
    before = card(rule("falls").says("The loss falls.").must(LOSS < 1.0))
    after = card(rule("falls", "Slide").says("The loss goes down.").must(LOSS < 1.0))
    assert retiring.with_retired(before, after, "made-up.py") == after


def test_retiring_needs_a_claim_that_is_there_and_a_reason():
    one = card(rule("falls").says("s").must(LOSS < 1.0))
    with pytest.raises(UserError, match="has no claim 'fals'"):
        retiring.retired(one, "fals", "why")
    with pytest.raises(UserError, match="--why"):
        retiring.retired(one, "falls", " ")
