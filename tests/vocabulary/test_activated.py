"""Networks of one activation function, forward in plain NumPy."""

from collections.abc import Callable

import numpy as np
import pytest

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start

start.start()
import keras  # noqa: E402

from keras_reprise.models import ACTIVATIONS, activated  # noqa: E402

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky": lambda x: np.maximum(x, 0.01 * x),
    "prelu": lambda x: np.where(x > 0, x, 0.25 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def outputs(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False))


def affine(model, name, x):
    kernel, bias = model.get_layer(name).get_weights()
    return x @ kernel + bias


def test_there_is_a_formula_of_every_activation_but_maxout():
    assert set(ACTIVATIONS) == {*FUNCTIONS, "maxout"}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_dense_network_computes_what_its_formula_says(activation):
    model = activated(Seeds(1), (20,), 3, activation, dense=(8, 6))
    x = np.random.default_rng(1).standard_normal((30, 20), "float32")
    found = x
    for layer in ("layer1", "layer2"):
        if activation == "maxout":
            found = np.maximum(affine(model, f"{layer}a", found), affine(model, f"{layer}b", found))
        else:
            found = FUNCTIONS[activation](affine(model, layer, found))
    np.testing.assert_allclose(outputs(model, x), affine(model, "logits", found), atol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "maxout"])
def test_the_weights_keep_the_mean_square_of_what_goes_through(activation):
    model = activated(Seeds(2), (400,), 3, activation, dense=(400,) * 5)
    names = [layer.name for layer in model.layers if layer.name.startswith("activation")]
    each = keras.Model(model.input, [model.get_layer(name).output for name in names])
    x = np.random.default_rng(2).standard_normal((500, 400), "float32")
    squares = [(keras.ops.convert_to_numpy(found) ** 2).mean() for found in each(x)]
    assert 0.5 < squares[-1] / squares[0] < 2.0  # a gain off by two would be off by 16 here


def test_convolutions_halve_the_image_and_share_prelus_slopes():
    model = activated(Seeds(1), (32, 32, 3), 10, "prelu", convolutions=(16, 32), dense=(64,))
    assert model.get_layer("activation2").output.shape == (None, 8, 8, 32)
    slopes = [model.get_layer(f"activation{number}").get_weights()[0].size for number in (1, 2, 3)]
    assert slopes == [16, 32, 64]
    assert model.count_params() == 448 + 4640 + 131_136 + 650 + sum(slopes)


def test_dropout_and_another_activation_leave_the_weights_as_they_are():
    plain = activated(Seeds(1), (20,), 3, "relu", dense=(8, 6))
    other = activated(Seeds(1), (20,), 3, "elu", dense=(8, 6), dropout=0.5)
    assert sum(isinstance(layer, keras.layers.Dropout) for layer in other.layers) == 2
    for one, two in zip(plain.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_an_activation_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(RecipeError, match="'swish'(.|\n)*prelu"):
        activated(Seeds(1), (20,), 3, "swish", dense=(8,))
