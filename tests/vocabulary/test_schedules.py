"""Every schedule gives its formula, and says what it cannot do."""

import math

import numpy as np
import pytest

from keras_reprise.base.errors import RecipeError
from keras_reprise.schedules import Plateau, constant, cosine, cosine_restarts, geometric, inverse, per_epoch, steps

EPOCHS = np.array([0.0, 0.5, 1.0, 4.99, 5.0, 9.0, 24.99, 25.0, 40.0])


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (constant(0.1), lambda e: 0.1),
        (steps({0: 0.1, 25: 0.05}), lambda e: 0.1 if e < 25 else 0.05),
        (geometric(0.1, 0.9), lambda e: 0.1 * 0.9**e),
        (inverse(0.1, 5.0), lambda e: 0.1 * 5 / max(e, 5)),
        (cosine(0.1, 30, floor=0.01), lambda e: 0.01 + 0.09 * (1 + math.cos(math.pi * min(e / 30, 1))) / 2),
        (per_epoch(geometric(0.1, 0.9)), lambda e: 0.1 * 0.9 ** math.floor(e)),
    ],
    ids=["constant", "steps", "geometric", "inverse", "cosine", "per epoch"],
)
def test_a_schedule_is_its_formula(schedule, formula):
    assert schedule(EPOCHS) == pytest.approx([formula(epoch) for epoch in EPOCHS], rel=1e-12)


@pytest.mark.parametrize(("growth", "starts"), [(1.0, [0, 4, 8, 12, 16]), (2.0, [0, 4, 12, 28]), (1.5, [0, 4, 10, 19])])
def test_cosines_restart_where_the_periods_end(growth, starts):
    schedule = cosine_restarts(0.1, 4, growth, floor=0.02)
    for start, end in zip(starts, starts[1:], strict=False):
        at = np.array([start, (start + end) / 2, end - 1e-6])
        assert schedule(at.astype(float)) == pytest.approx([0.1, 0.06, 0.02], abs=1e-9), start


def test_steps_must_say_the_first_rate():
    with pytest.raises(RecipeError, match="first epoch"):
        steps({5: 0.1})


def test_restarts_that_never_end_are_refused():
    with pytest.raises(RecipeError, match="never end"):
        cosine_restarts(0.1, 4, growth=0.5)


def test_a_plateau_reduces_after_patience_epochs_without_a_new_minimum():
    plateau = Plateau(0.1, factor=0.5, patience=2, threshold=0.01, floor=0.03)
    curve = [1.0, 0.8, 0.795, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]
    rates = [plateau.after({"test_loss": curve[:n]}) for n in range(len(curve) + 1)]
    assert rates == [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.03, 0.03, 0.03]


def test_a_plateau_of_an_unknown_curve_names_those_there_are():
    with pytest.raises(RecipeError, match="train_loss"):
        Plateau(0.1, curve="loss").after({"train_loss": [1.0]})
