import dataclasses
from types import MappingProxyType

import numpy as np
import pytest

from keras_reprise import Arm, Claim, Histogram, Scale
from keras_reprise.base.errors import RecipeError
from keras_reprise.recipe import loading, measurement
from keras_reprise.recipe.settings import copied, plain_settings


@pytest.fixture
def recipe(plain_recipe):
    return loading.load(plain_recipe).recipe


def test_two_claims_with_one_id_are_refused(recipe):
    with pytest.raises(RecipeError, match="two claims named two-is-two"):
        dataclasses.replace(recipe, claims=(recipe.claims[0], recipe.claims[0]))


def test_a_recipe_needs_both_scales(recipe):
    with pytest.raises(RecipeError, match="lacks the scale full"):
        dataclasses.replace(recipe, scales=recipe.scales[:1])


def test_version_zero_is_refused(recipe):
    with pytest.raises(RecipeError, match="version 0"):
        dataclasses.replace(recipe, version=0)


def test_unknown_scale_and_arm_name_the_known_ones(recipe):
    with pytest.raises(RecipeError, match="It has quick, full"):
        recipe.scale("huge")
    with pytest.raises(RecipeError, match="It has one, two"):
        recipe.arm("three")


def test_settings_read_as_attributes_and_a_wrong_one_names_the_others():
    assert Arm("drop", rate=0.1).rate == 0.1
    assert Scale("quick", epochs=3).epochs == 3
    with pytest.raises(AttributeError, match="it has rate"):
        _ = Arm("drop", rate=0.1).epochs


def test_names_with_capitals_are_refused():
    with pytest.raises(RecipeError, match="lower-case"):
        Arm("Drop")


def test_histogram_counts_by_hand():
    histogram = Histogram.of(np.array([-2.0, 0.0, 0.4, 0.6, 1.0, 5.0, np.nan]), 0.0, 1.0, 2)
    assert (histogram.counts, histogram.below, histogram.above) == ([2, 2], 1, 2)
    assert (histogram + histogram).counts == [4, 4]
    with pytest.raises(RecipeError, match="same bins"):
        histogram + Histogram.of(np.zeros(1), 0.0, 2.0, 2)


def test_the_card_holds_plain_data_only(recipe):
    card = recipe.card("title")
    assert [claim["interval"] for claim in card["claims"]] == [[1.9, 2.1], [2.9, 3.1]]
    (panel,) = card["figures"][0]["panels"]
    assert panel == {"y": ["rising"], "label": "value", "log": True, "level": None, "level_label": ""}


def test_claims_survive_in_the_card_without_their_functions(recipe):
    assert isinstance(recipe.claims[0], Claim)
    assert "measure" not in recipe.card("title")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (max, "a builtin_function_or_method"),
        ({1, 2}, "a set"),
        (np.array([1, "a"], object), "an array of object"),
        (np.datetime64("2026-01-01"), "a datetime64"),
        ({(1, 2): 3}, "a dict with other keys"),
        (MappingProxyType({"a": 1}), "a mappingproxy"),
        (2**63, "a number beyond 64 bits"),
        ([{"a": (1, b"x")}], "a bytes"),
    ],
)
def test_a_setting_that_is_no_plain_data_is_refused_in_words(value, said):
    with pytest.raises(RecipeError, match=f"^rate of the arm a is {said}"):
        plain_settings("the arm a", {"rate": value})


@pytest.mark.parametrize("value", [1, 2.5, True, None, "x", (1, 2), {"a": [0.1]}, {3: 1}, np.arange(3), np.float32(2)])
def test_what_is_a_setting_can_be_copied_and_hashed(value):
    arm = Arm("a", rate=value)
    plain_settings("the arm a", arm.settings)
    hashes = {measurement.settings_sha256([("a", one.settings)], ("quick", {}), False) for one in (arm, copied(arm))}
    assert len(hashes) == 1
