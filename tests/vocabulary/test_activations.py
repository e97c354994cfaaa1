"""Layers of activation functions, and the convnet in which they are compared."""

import numpy as np
import pytest

from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start

start.start()
import keras  # noqa: E402

from keras_reprise.activations import FORMULAS, activation_layer  # noqa: E402
from keras_reprise.models import activated_classifier, activated_convnet, dense_classifier  # noqa: E402

AT_MINUS_TWO = {"relu": 0.0, "leaky-relu": -0.02, "sigmoid": 0.1192029, "tanh": -0.9640276, "elu": -0.8646647}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_layer_of_a_name_computes_that_function(name):
    found = activation_layer(name)(np.array([[-2.0]], np.float32))
    assert float(keras.ops.convert_to_numpy(found)[0, 0]) == pytest.approx(AT_MINUS_TWO[name], abs=1e-6)


def test_the_convnet_has_four_layers_of_weights_and_an_activation_after_each_convolution():
    model = activated_convnet(Seeds(1), (32, 32, 3), 10, (32, 32, 64), "tanh")
    assert model.count_params() == 2_432 + 25_632 + 51_264 + 10_250
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Conv2D", "Activation", "MaxPooling2D"] * 3 + ["Flatten", "Dense"]
    assert all(layer.activation is keras.activations.linear for layer in model.layers if hasattr(layer, "kernel"))


def test_the_convnets_of_two_activations_begin_with_the_same_weights():
    one, other = (activated_convnet(Seeds(1), (8, 8, 3), 10, (4, 4), name) for name in ("relu", "sigmoid"))
    for first, second in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_dense_layers_of_the_relu_are_those_of_the_dense_classifier():
    one, other = activated_classifier(Seeds(1), 6, [5, 4], 3, "relu"), dense_classifier(Seeds(1), 6, [5, 4], 3)
    x = np.random.default_rng(1).standard_normal((7, 6), "float32")
    found, expected = (keras.ops.convert_to_numpy(model(x)) for model in (one, other))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert one.layers[0].name == "hidden1"
