"""Numbers of the recipes of mistakes, counted again in plain NumPy."""

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
from keras_reprise.models import dense_classifier  # noqa: E402


def recipe_of(slug):
    return loading.load(Path(checkout.recipes_folder() / "mistakes" / f"{slug}.py")).recipe


def function_of(slug, name):
    """A function of the recipe's file, beside its `measure`."""
    return recipe_of(slug).measure.__globals__[name]


def arm_of(recipe, name):
    return next(arm for arm in recipe.arms if arm.name == name)


def backward(weights, x, y):
    """The mean cross-entropy of a network with one hidden ReLU layer, and its gradients."""
    before = x @ weights[0] + weights[1]
    hidden = np.maximum(before, 0)
    logits = hidden @ weights[2] + weights[3]
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    p /= len(y)
    further = (p @ weights[2].T) * (before > 0)
    return loss, [x.T @ further, further.sum(axis=0), hidden.T @ p, p.sum(axis=0)]


@pytest.mark.parametrize(("arm", "keeps"), [("set-to-zero", 0.0), ("kept", 1.0), ("momentum-one", 1.0)])
def test_kept_gradients_give_the_losses_of_a_loop_that_adds_them_up(arm, keeps):
    recipe = recipe_of("mistake-gradients-kept")
    replicate = Replicate(Seeds(1), Scale("quick", n_train=600, n_test=100, epochs=1), "digits")
    found = recipe.measure(arm_of(recipe, arm), replicate)
    data = replicate.dataset().standardised().flattened()
    model = dense_classifier(Seeds(1), data.image_shape[0], [50], data.classes)
    weights = [array.astype(np.float64) for array in model.get_weights()]
    sums, losses, order = [0.0] * 4, [], Seeds(1).permutation(600, 1)
    for batch in order.reshape(6, 100):
        loss, gradients = backward(weights, data.x_train[batch].astype(np.float64), data.y_train[batch])
        losses.append(loss)
        sums = [keeps * old + new for old, new in zip(sums, gradients, strict=True)]
        weights = [array - 0.01 * gradient for array, gradient in zip(weights, sums, strict=True)]
    np.testing.assert_allclose(found.curves["start"], losses, rtol=2e-3 if keeps else 1e-4)


def test_labels_are_named_exactly_where_all_of_them_are_and_no_other():
    agreement = function_of("mistake-softmax-for-labels", "agreement")
    labels = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 0, 1]])
    probabilities = np.array([[0.9, 0.6, 0.2], [0.1, 0.4, 0.3], [0.7, 0.6, 0.8], [0.1, 0.2, 0.9]])
    exact, f1 = agreement(probabilities, labels, 0.5)
    assert exact == 2 / 4  # the first and the last
    assert f1 == pytest.approx(2 * 5 / (6 + 6))  # named 6, true 6, both 5
    assert agreement(probabilities, labels, 0.39)[0] == 3 / 4


def test_images_of_several_digits_say_which_they_hold():
    overlaid = function_of("mistake-softmax-for-labels", "overlaid")
    images = np.zeros((10, 2, 5))
    images.reshape(10, 10)[np.arange(10), np.arange(10)] = 16  # each digit a pixel of its own
    x, y = overlaid(images, np.arange(10), 50, np.random.default_rng(0))
    np.testing.assert_array_equal(x, y)
    assert set(y.sum(axis=1)) == {1, 2, 3}


@pytest.mark.parametrize("mistake", ["right", "not-averaged", "slope-left-out", "penalty-left-out"])
def test_only_the_gradient_without_a_mistake_is_that_of_a_loss_computed_otherwise(mistake):
    arm = arm_of(recipe_of("gradient-check"), mistake)
    draw = np.random.default_rng(3)
    x, y = draw.standard_normal((10, 8)), draw.integers(0, 5, 10)
    weights = [0.5 * draw.standard_normal(shape) for shape in ((8, 12), (12,), (12, 5), (5,))]

    def loss(first):
        logits = np.tanh(x @ first + weights[1]) @ weights[2] + weights[3]
        data = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(10), y])
        return data + 0.05 * (np.sum(first**2) + np.sum(weights[2] ** 2))

    given = function_of("gradient-check", "loss_and_gradient")(weights, x, y, arm)
    assert given[0] == pytest.approx(loss(weights[0]))
    direction = draw.standard_normal((8, 12))
    along = (loss(weights[0] + 1e-6 * direction) - loss(weights[0] - 1e-6 * direction)) / 2e-6
    assert (np.sum(given[1][0] * direction) == pytest.approx(along, rel=1e-6)) == (mistake == "right")
