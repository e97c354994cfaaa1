"""What recipes on learning rates measure, recomputed in plain NumPy."""

import numpy as np
import pytest

from keras_reprise.base import checkout
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe import loading

start.start()


def measured(slug, arm, seed=1):
    """The measurement of one arm at the quick scale."""
    recipe = loading.load(checkout.recipes_folder() / "rates" / f"{slug}.py").recipe
    return recipe.measure(recipe.arm(arm), Replicate(Seeds(seed), recipe.scale("quick")))


@pytest.mark.parametrize(("arm", "rate"), [("small", 1 / 32), ("large", 3 / 32), ("fastest", 2 / 17)])
def test_in_the_valley_a_weight_is_a_power_of_one_minus_rate_times_curvature(arm, rate):
    found, updates = measured("lr-quadratic", arm), np.arange(1, 101)
    across, along = (1 - 16 * rate) ** updates, (1 - rate) ** updates
    np.testing.assert_allclose(found.curves["across"], across, rtol=1e-4, atol=1e-30)
    np.testing.assert_allclose(found.curves["along"], along, rtol=1e-4)
    np.testing.assert_allclose(found.curves["loss"], (16 * across**2 + along**2) / 2, rtol=1e-3)
    assert found.metrics["bounces"] == (100 if 16 * rate > 1 else 0)


def test_the_noise_floor_is_that_of_a_recursion_on_the_same_numbers():
    found, seeds = measured("lr-noise-floor", "large"), Seeds(1)
    numbers = seeds.generator("data").standard_normal((2000, 500))
    weights, distances = np.full(500, 5.0), []
    for look in range(1, 81):
        for example in seeds.generator("order", look).integers(0, 2000, 10, dtype=np.int32):
            weights -= 0.8 * (weights - numbers[example])
        distances.append(((weights - numbers.mean(axis=0)) ** 2).mean())
    np.testing.assert_allclose(found.curves["distance"], distances, rtol=1e-3)
    assert found.metrics["floor"] == pytest.approx(np.mean(distances[-20:]), rel=1e-3)
