import math

import pytest

from keras_reprise import Claim, near
from keras_reprise.base.errors import RecipeError
from keras_reprise.measure.evaluation import Answer, asked
from keras_reprise.recipe.numbers import ArmResult
from keras_reprise.recipe.settings import Scale


def value(arms, scale):
    """The value of the arm."""
    return arms["a"].metrics["value"]


def arm(status="complete", **metrics):
    return ArmResult(status, metrics, {}, {})


def test_a_claim_without_an_interval_cannot_be_contradicted_and_is_refused():
    with pytest.raises(RecipeError, match="no interval"):
        Claim("c", "", "", value)


def test_an_empty_interval_is_refused():
    with pytest.raises(RecipeError, match="empty interval"):
        Claim("c", "", "", value, above=1.0, below=0.0)


def test_a_statistic_must_say_what_it_measures():
    with pytest.raises(RecipeError, match="does not say"):
        Claim("c", "", "", lambda arms, scale: 1.0, above=0.0)


def test_an_unknown_expectation_is_refused():
    with pytest.raises(RecipeError, match="CERTAIN"):
        Claim("c", "", "", value, above=0.0, expectation="CERTAIN")


def test_near_takes_the_wider_tolerance():
    assert near(2.0, relative=0.1, absolute=0.01) == pytest.approx({"above": 1.8, "below": 2.2})
    assert near(0.0, relative=0.1, absolute=0.01) == pytest.approx({"above": -0.01, "below": 0.01})


def test_a_statistic_of_a_diverged_arm_may_be_missing_but_a_mistake_is_told():
    assert asked(value, {"a": arm(value=3.0)}, Scale("quick")) == Answer(3.0)
    missing = asked(value, {"a": arm("diverged")}, Scale("quick"))
    assert math.isnan(missing.value)
    assert not missing.fault
    assert "has no metric" in asked(value, {"a": arm()}, Scale("quick")).fault
