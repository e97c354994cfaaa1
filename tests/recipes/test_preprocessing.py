"""Numbers of the recipes of preprocessing, counted again in plain NumPy."""

from pathlib import Path

import numpy as np
import pytest

from keras_reprise.base import checkout
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe import loading
from keras_reprise.recipe.settings import Scale

start.start()


def recipe_of(slug):
    return loading.load(Path(checkout.recipes_folder() / "preprocessing" / f"{slug}.py")).recipe


def function_of(slug, name):
    """A function of the recipe's file, beside its `measure`."""
    return recipe_of(slug).measure.__globals__[name]


def arm_of(slug, name):
    return next(arm for arm in recipe_of(slug).arms if arm.name == name)


@pytest.mark.parametrize(("arm", "top"), [("as-given", 3), ("as-given", 10), ("zero-to-one", 10), ("standardised", 10)])
def test_steps_are_those_of_gradient_descent_made_one_after_the_other(arm, top):
    offsets, widths = function_of("feature-scaling", "features")(arm_of("feature-scaling", arm), top)
    condition, steps = function_of("feature-scaling", "descent")(offsets, widths)
    # Gauss-Legendre points give the means over both features exactly.
    points, weights = np.polynomial.legendre.leggauss(3)
    parts = np.array([[a, b] for a in (points + 1) / 2 for b in (points + 1) / 2])
    share = np.outer(weights, weights).ravel() / 4
    x = np.column_stack([np.ones(9), offsets + widths * parts])
    y, curvature = parts.sum(axis=1), (x * share[:, None]).T @ x
    values = np.linalg.eigvalsh(curvature)
    assert condition == pytest.approx(values[-1] / values[0], rel=1e-6)
    w, count = np.zeros(3), 0
    while ((x @ w - y) ** 2 * share).sum() > 1e-3 * (y**2 * share).sum():
        w = w - 2 / (values[0] + values[-1]) * x.T @ ((x @ w - y) * share)
        count += 1
    assert steps == count


@pytest.mark.parametrize("arm", ["as-stored", "mean-image", "channel-mean", "standardised", "whitened"])
def test_means_are_those_of_the_training_images_alone(arm):
    data = Replicate(Seeds(1), Scale("quick", n_train=300, n_test=100), "digits").dataset()
    made, means = function_of("preprocess-variants", "prepared")(arm, data)
    train, test = data.stored_train.astype(float), data.stored_test.astype(float)
    expected = {
        "as-stored": (test, 1),
        "mean-image": (test - train.mean(axis=0), 3072),
        "channel-mean": (test - train.mean(axis=(0, 1, 2)), 3),
        "standardised": ((test - train.mean(axis=0)) / (train.std(axis=0) + 1e-6), 3072),
    }
    if arm == "whitened":
        rows = made.x_train.reshape(300, -1)
        assert rows.var(axis=0) == pytest.approx(1, abs=1e-3)
        assert means == 3072
    else:
        np.testing.assert_allclose(made.x_test, expected[arm][0].reshape(100, -1), rtol=1e-4, atol=1e-4)
        assert means == expected[arm][1]
