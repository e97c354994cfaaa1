"""Scales: how many examples there are is a whole number, and told where it is none."""

import re

import numpy as np
import pytest

from keras_reprise.base.errors import RecipeError
from keras_reprise.recipe.settings import Scale


@pytest.mark.parametrize("n", [1e4, 2.5, -100, 0, True, "100", (10, 20)])
@pytest.mark.parametrize("setting", ["n_train", "n_test"])
def test_what_is_no_number_of_examples_is_told_before_anything_is_read(setting, n):
    told = re.escape(f"The scale 'quick' has {setting}={n!r}, which is no number of examples.\nGive a whole number")
    with pytest.raises(RecipeError, match=told):
        Scale("quick", **{setting: n})


@pytest.mark.parametrize("n", [1, 10_000, np.int64(5), None])
def test_whole_numbers_and_none_for_all_of_them_are_sizes(n):
    assert Scale("quick", n_train=n).n_train == n
