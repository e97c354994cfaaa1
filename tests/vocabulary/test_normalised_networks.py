"""Networks with batch normalisation, and what enters their nonlinearities."""

import numpy as np
import pytest

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start

start.start()
import keras  # noqa: E402

from keras_reprise.activations import alignment, entering, input_shift  # noqa: E402
from keras_reprise.models import normalised_convnet, normalised_dense  # noqa: E402

X = np.random.default_rng(0).standard_normal((50, 8)).astype("float32")


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_normalisation_stands_before_or_after_the_nonlinearity_or_nowhere():
    makes = {where: normalised_dense(Seeds(1), 8, [5], 3, normalisation=where) for where in ("before", "after", "none")}
    assert kinds(makes["before"]) == ["Dense", "BatchNormalization", "Activation", "Dense"]
    assert kinds(makes["after"]) == ["Dense", "Activation", "BatchNormalization", "Dense"]
    assert kinds(normalised_dense(Seeds(1), 8, [5], 3, normalisation="none", dropout=0.5)) == [
        "Dense", "Activation", "Dropout", "Dense",
    ]  # fmt: skip
    with pytest.raises(RecipeError, match="cannot stand 'between'"):
        normalised_dense(Seeds(1), 8, [5], 3, normalisation="between")


def test_the_convnet_has_the_parameters_that_it_says():
    count = normalised_convnet(Seeds(1), (32, 32, 3), 10).count_params()
    assert f" {count:,} parameters for 32 x 32 x 3 images" in str(normalised_convnet.__doc__)


def test_initial_weights_are_the_same_with_and_without_normalisation():
    kernels = [
        [
            array
            for array in normalised_dense(Seeds(1), 8, [5, 5], 3, normalisation=where).get_weights()
            if array.ndim == 2
        ]
        for where in ("before", "after", "none")
    ]
    for other in kernels[1:]:
        for one, two in zip(kernels[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_what_enters_a_nonlinearity_is_normalised_by_the_images_and_leaves_the_network_as_it_was():
    model = normalised_dense(Seeds(1), 8, [5, 4], 3, "tanh", dropout=0.5)
    before = [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.variables]
    found = entering(model, X)
    assert [one.shape for one in found] == [(50, 5), (50, 4)]
    kernel = np.array(model.get_weights()[0])
    sums = X @ kernel
    by_hand = (sums - sums.mean(axis=0)) / np.sqrt(sums.var(axis=0) + 1e-3)
    np.testing.assert_allclose(found[0], by_hand, atol=1e-5)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), value)


def test_the_shift_of_an_update_is_that_of_the_means_in_deviations():
    model = normalised_dense(Seeds(1), 8, [5], 3, "sigmoid", "none")
    weights = [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.trainable_variables]
    moved = [weight.copy() for weight in weights]
    moved[1] += np.array([0.0, 1.0, 2.0, 3.0, 4.0], "float32")  # the biases
    updates = {str(k): pair for k, pair in enumerate(zip(weights, moved, strict=True))}
    deviations = (X @ weights[0]).std(axis=0)
    assert input_shift(model, X, updates) == pytest.approx((np.arange(5) / deviations).mean(), rel=1e-4)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model.trainable_variables[1]), weights[1])


def test_layers_that_draw_shift_what_enters_by_themselves_and_draw_the_same_afterwards():
    wide = np.random.default_rng(2).standard_normal((50, 500)).astype("float32")
    noise = keras.layers.GaussianNoise(1.0, seed=3)
    model = keras.Sequential([keras.Input((500,)), noise, keras.layers.Activation("tanh")])
    first = entering(model, wide)
    # Means of 50 images move by sqrt(2 / 50) times a normal number, in deviations of sqrt(2): 0.14 times 0.8.
    assert input_shift(model, wide, {}) == pytest.approx(0.113, rel=0.15)
    np.testing.assert_array_equal(entering(model, wide)[0], first[0])


def test_layers_are_alike_up_to_rotation_factor_and_shift_and_unlike_what_has_nothing_of_them():
    draw = np.random.default_rng(1)
    rotation = np.linalg.qr(draw.standard_normal((8, 8)))[0]
    assert alignment(X, 3 * X @ rotation + 1) == pytest.approx(1, abs=1e-5)
    one, other = np.array([[1.0], [-1], [1], [-1]]), np.array([[1.0], [1], [-1], [-1]])
    assert alignment(one, other) == pytest.approx(0)
    both = np.hstack([one, other])
    assert alignment(one, both) == pytest.approx(1 / np.sqrt(2))
