"""Numbers of the recipes on activation functions, computed again in plain NumPy or with plain `fit`."""

import math

import numpy as np
import pytest

from keras_reprise.base import checkout
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe import loading
from keras_reprise.recipe.definition import Recipe
from keras_reprise.recipe.settings import Arm, Scale

start.start()
import keras  # noqa: E402

from keras_reprise.models import activated_classifier, activated_convnet  # noqa: E402


def recipe(slug: str) -> Recipe:
    return loading.load(checkout.recipes_folder() / "activations" / f"{slug}.py").recipe


def function(slug: str, name: str):
    """A function of the recipe's file, beside its `measure`."""
    return recipe(slug).measure.__globals__[name]


SLOPES = {
    "sigmoid": lambda x: np.exp(-abs(x)) / (1 + np.exp(-abs(x))) ** 2,
    "tanh": lambda x: 1 / np.cosh(x) ** 2,
    "relu": lambda x: (x > 0) * 1.0,
    "leaky-relu": lambda x: np.where(x > 0, 1.0, 0.01),
}
VALUES = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "relu": lambda x: max(x, 0.0),
    "leaky-relu": lambda x: max(x, 0.01 * x),
}


@pytest.mark.parametrize("name", SLOPES)
def test_derivatives_and_their_products_in_a_row_are_those_of_the_formulas(name):
    asked = recipe("activation-saturation")
    found = asked.measure(asked.arm(name), Replicate(Seeds(1), asked.scale("quick")))
    x = np.asarray(found.curves["x"], float)
    away = abs(x) > 1e-6  # at zero the derivative of a ReLU is a matter of taste
    np.testing.assert_allclose(found.curves["slope"][away], SLOPES[name](x)[away], rtol=1e-4, atol=1e-6)
    for curve, at in (("from_3", 3.0), ("from_minus_3", -3.0)):
        product, products = 1.0, []
        for _ in range(10):
            product *= float(SLOPES[name](np.float64(at)))
            products.append(product)
            at = float(VALUES[name](at))
        np.testing.assert_allclose(found.curves[curve], products, rtol=1e-4)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_the_signs_of_gradients_are_those_that_numpy_propagates(name):
    asked, n = recipe("gradient-signs"), 100
    found = asked.measure(asked.arm(name), Replicate(Seeds(1), Scale("quick", examples=n)))
    weights = [array.astype(float) for array in function("gradient-signs", "network")(name, Seeds(1)).get_weights()]
    draw = Seeds(1).generator("data")
    x, y = draw.standard_normal((n, 20), "float32"), draw.integers(0, 10, n)
    first = np.vectorize(VALUES[name])(x @ weights[0] + weights[1])
    inputs = first @ weights[2] + weights[3]
    logits = np.vectorize(VALUES[name])(inputs) @ weights[4] + weights[5]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) - np.eye(10)[y]
    flows = (p @ weights[4].T) * SLOPES[name](inputs)
    each = first[:, :, None] * flows[:, None, :]  # examples, weights, units
    for size, share in zip(found.curves["batch"], found.curves["one_sign"], strict=True):
        sums = each.reshape(-1, size, 50, 50).sum(axis=1)
        up, down = (sums > 0).any(axis=1), (sums < 0).any(axis=1)
        assert share == pytest.approx((up != down).sum() / (up | down).sum(), abs=2e-3)


def test_a_dead_unit_is_one_that_is_off_for_all_images():
    asked, scale = recipe("dead-relu-vs-rate"), Scale("quick", n_train=300, n_test=50, epochs=2)
    arm = Arm("relu-adam", activation="relu", by="adam", rates=(0.01, 0.1))
    dead = asked.measure(arm, Replicate(Seeds(1), scale, "digits")).curves["dead"]
    data = Replicate(Seeds(1), scale, "digits").dataset().standardised().flattened()
    model = activated_classifier(Seeds(1), data.image_shape[0], [100] * 3, 10, "relu")
    model.compile(keras.optimizers.Adam(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for epoch in (1, 2):
        order = Seeds(1).permutation(300, epoch)
        model.fit(data.x_train[order], data.y_train[order], batch_size=100, shuffle=False, verbose=0)
    weights, hidden, off = model.get_weights(), data.x_train, []
    for layer in range(3):
        hidden = np.maximum(hidden @ weights[2 * layer] + weights[2 * layer + 1], 0)
        off.append((hidden == 0).all(axis=0))
    assert np.mean(off) > 0.1
    assert all(not one.all() for one in off)  # else the layers below have no gradient either
    assert dead[1] == pytest.approx(100 * np.mean(off), abs=1.0)
    assert dead[0] < dead[1]
    leaky = Arm("leaky-relu-adam", activation="leaky-relu", by="adam", rates=(0.1,))
    assert asked.measure(leaky, Replicate(Seeds(1), scale, "digits")).curves["dead"][0] == 0


def test_the_epochs_to_the_target_are_those_of_plain_fit():
    settings = {"n_train": 512, "n_test": 50, "shrink": 2, "filters": (4, 4), "epochs": 12}
    asked, scale = recipe("relu-vs-tanh-25pct"), Scale("quick", **settings)
    replicate = Replicate(Seeds(1), scale, "digits")
    found = asked.measure(Arm("tanh", activation="tanh", gain=1.0, rates=(0.05, 1e-5)), replicate)
    data = replicate.dataset().standardised()
    smaller = data.x_train.reshape(512, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    model = activated_convnet(Seeds(1), (16, 16, 3), 10, (4, 4), "tanh")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss, metrics=["accuracy"])
    errors = []
    while not errors or errors[-1] > 0.25:
        order = Seeds(1).permutation(512, len(errors) + 1)
        done = model.fit(smaller[order], data.y_train[order], batch_size=128, shuffle=False, verbose=0)
        errors.append(1 - done.history["accuracy"][-1])
    np.testing.assert_allclose(found.curves["train_error"], errors, atol=0.006)
    last, before = errors[-1], errors[-2]
    epochs = len(errors) - 0.5 - (0.25 - last) / (before - last)
    assert found.metrics["epochs"] == pytest.approx(epochs, abs=0.2)
    assert (found.metrics["arrived"], found.metrics["rate"]) == (1, 0.05)


def test_an_arm_that_does_not_arrive_stands_at_the_budget():
    settings = {"n_train": 256, "n_test": 50, "shrink": 2, "filters": (4, 4), "epochs": 2}
    asked, scale = recipe("relu-vs-tanh-25pct"), Scale("quick", **settings)
    arm = Arm("sigmoid", activation="sigmoid", gain=1.0, rates=(1e-5, 1e-6))
    found = asked.measure(arm, Replicate(Seeds(1), scale, "digits"))
    assert (found.metrics["arrived"], found.metrics["epochs"]) == (0, 2)
    assert len(found.curves["train_error"]) == 2


def test_the_target_is_reached_between_the_middles_of_epochs():
    arrival = function("relu-vs-tanh-25pct", "arrival")
    assert arrival([0.8, 0.5, 0.3, 0.2]) == pytest.approx(3.0)
    assert arrival([0.8, 0.5]) == math.inf
