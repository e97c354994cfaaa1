"""Residual networks, against blocks computed by hand and the weights that the paper prints."""

from typing import Any

import numpy as np
import pytest

from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start

start.start()
import keras  # noqa: E402

from keras_reprise.residual import residual_network  # noqa: E402


def weights_by_hand(depth, filters=(16, 32, 64)):
    """Weights that are trained: kernels, two numbers a filter for each normalisation, the dense layer."""
    blocks, total, inputs = (depth - 2) // 6, 27 * filters[0] + 2 * filters[0], filters[0]
    for units in filters:
        for _ in range(blocks):
            total += 9 * inputs * units + 9 * units * units + 4 * units
            inputs = units
    return total + 10 * inputs + 10


def trained(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize("skips", [True, False])
def test_weights_are_those_of_the_layers_and_those_that_the_paper_prints(skips):
    assert trained(residual_network(Seeds(1), (32, 32, 3), 10, 3, skips=skips)) == weights_by_hand(20)
    printed = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7}
    assert {depth: round(weights_by_hand(depth) / 1e6, 2 if depth < 110 else 1) for depth in printed} == printed


def relu(x):
    return np.maximum(x, 0)


def convolved(x, kernel, stride=1):
    """A convolution (height, width, in) -> (height / stride, width / stride, out) with Keras's same padding."""
    side, places = x.shape[0], x.shape[0] // stride
    before = max(0, (places - 1) * stride + 3 - side) // 2
    padded = np.pad(x, ((before, 3), (before, 3), (0, 0)))
    steps = range(0, places * stride, stride)
    return np.array([[np.tensordot(padded[i : i + 3, j : j + 3], kernel, 3) for j in steps] for i in steps])


@pytest.mark.parametrize("skips", [True, False])
def test_outputs_are_those_of_blocks_by_hand(skips):
    model = residual_network(Seeds(1), (8, 8, 3), 5, 1, (4, 8), skips=skips)
    kernel = {layer.name: np.array(layer.kernel) for layer in model.layers if layer.name[-1] in "abt"}
    x = np.random.default_rng(0).standard_normal((8, 8, 3)).astype("float32")
    scale = 1 / np.sqrt(1 + 1e-3)  # of a normalisation whose averages are 0 and 1
    y = relu(convolved(x, kernel["first"]) * scale)
    for block, stride in (("block1", 1), ("block2", 2)):
        branch = relu(convolved(y, kernel[f"{block}a"], stride) * scale)
        branch = convolved(branch, kernel[f"{block}b"]) * scale
        past = y[::stride, ::stride]
        past = np.concatenate([past, np.zeros((*past.shape[:2], branch.shape[-1] - past.shape[-1]))], axis=-1)
        y = relu(branch + skips * past)
    expected = y.mean(axis=(0, 1)) @ np.array(model.get_layer("logits").kernel)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x[None]))[0], expected, rtol=1e-4, atol=1e-5)


def test_a_block_whose_branch_is_zero_may_be_left_out():
    whole, without = (residual_network(Seeds(1), (8, 8, 3), 5, 2, (4, 8), without=number) for number in (0, 2))
    norm = whole.get_layer("block2b_norm")
    norm.set_weights([np.zeros_like(norm.get_weights()[0]), *norm.get_weights()[1:]])
    assert len(whole.get_weights()) - len(without.get_weights()) == 10
    x = np.random.default_rng(0).standard_normal((3, 8, 8, 3)).astype("float32")
    said, expected = (keras.ops.convert_to_numpy(model(x)) for model in (whole, without))
    np.testing.assert_allclose(said, expected, atol=1e-5)


def test_images_are_changed_in_training_alone_and_averaged_first():
    options: dict[str, Any] = {"classes": 5, "blocks": 1, "filters": (4,), "normalisation": None}
    model = residual_network(Seeds(1), (8, 8, 3), augmented=True, shrink=2, **options)
    small = residual_network(Seeds(1), (4, 4, 3), **options)
    x = np.random.default_rng(0).standard_normal((20, 8, 8, 3)).astype("float32")
    averaged = x.reshape(20, 4, 2, 4, 2, 3).mean(axis=(2, 4))
    found, expected = (
        keras.ops.convert_to_numpy(of(given, training=False)) for of, given in ((model, x), (small, averaged))
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not np.allclose(keras.ops.convert_to_numpy(model(x, training=True)), expected, atol=1e-3)


def test_training_images_are_shifted_by_whole_pixels_and_mirrored():
    model = residual_network(Seeds(1), (8, 8, 3), 5, 1, (4,), augmented=True)
    changed = keras.Model(model.inputs, model.get_layer("first").input)
    x = np.random.default_rng(0).standard_normal((40, 8, 8, 3)).astype("float32")
    found = keras.ops.convert_to_numpy(changed([x], training=True))
    padded = np.pad(x, ((0, 0), (4, 4), (4, 4), (0, 0)))
    places = set()
    for image, wide in zip(found, padded, strict=True):
        ways = [(i, j, flip) for i in range(9) for j in range(9) for flip in (1, -1)]
        fits = [way for way in ways if np.allclose(image[:, :: way[2]], wide[way[0] : way[0] + 8, way[1] : way[1] + 8])]
        assert len(fits) == 1
        places.update(fits)
    assert len({place[:2] for place in places}) > 10
    assert {place[2] for place in places} == {1, -1}
