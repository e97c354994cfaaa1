import numpy as np
import pytest

from keras_reprise.errors import RecipeError
from keras_reprise.schedules import constant, steps


def test_steps_change_at_the_start_of_the_named_epoch():
    rates = steps({0: 0.1, 25: 0.05})(np.array([0.0, 24.998, 25.0, 49.9]))
    assert rates.tolist() == [0.1, 0.1, 0.05, 0.05]


def test_constant_is_constant():
    assert constant(0.3)(np.array([0.0, 9.0])).tolist() == [0.3, 0.3]


def test_steps_without_a_first_rate_are_refused():
    with pytest.raises(RecipeError, match="Start them at 0"):
        steps({5: 0.1})
