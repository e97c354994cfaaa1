"""Numbers of the recipes of capacity and architectures, counted again in plain NumPy."""

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
import keras  # noqa: E402


def recipe_of(slug, family="architectures"):
    return loading.load(Path(checkout.recipes_folder() / family / f"{slug}.py")).recipe


def function_of(slug, name):
    """A function of the recipe's file, beside its `measure`."""
    return recipe_of(slug).measure.__globals__[name]


def arm_of(recipe, name):
    return next(arm for arm in recipe.arms if arm.name == name)


@pytest.mark.parametrize("name", ["one-channel", "channels", "strided", "whole"])
def test_the_matrix_of_a_convolution_is_laid_out_by_hand(name):
    recipe = recipe_of("convolution-as-dense")
    arm, side = arm_of(recipe, name), 6
    conv = function_of("convolution-as-dense", "layer")(arm, Seeds(1).generator("data"))
    kernel, bias = conv.get_weights()
    width, _, inputs, outputs = kernel.shape
    places = (side - width) // arm.stride + 1
    by_hand = np.zeros((side, side, inputs, places, places, outputs))
    for i in range(places):
        for j in range(places):
            top, left = i * arm.stride, j * arm.stride
            by_hand[top : top + width, left : left + width, :, i, j] = kernel
    weights, biases = function_of("convolution-as-dense", "matrix")(conv, (side, side, inputs))
    np.testing.assert_allclose(weights, by_hand.reshape(side**2 * inputs, -1), atol=1e-6)
    np.testing.assert_allclose(biases, np.tile(bias, places**2), atol=1e-6)
    found = recipe.measure(arm, Replicate(Seeds(1), Scale("quick", images=5), None)).metrics
    blocks = places**2 * width**2
    assert (found["blocks"], found["distinct"]) == (blocks, width**2)
    assert found["zeros"] == pytest.approx(100 * (1 - width**2 / side**2))


def kernels(blocks):
    """The weights of the blocks and of the head, as the recipe draws them."""
    seeds, drawn = Seeds(1), []
    for number in range(blocks):
        for layer in (1, 2):
            kernel = keras.initializers.GlorotUniform(seeds.weights(f"block{number}/{layer}"))
            drawn.append(keras.ops.convert_to_numpy(kernel((64, 64))).astype(np.float64))
    head = keras.initializers.GlorotUniform(seeds.weights("head"))
    return drawn, keras.ops.convert_to_numpy(head((64, 10))).astype(np.float64)


@pytest.mark.parametrize("name", ["plain", "residual"])
def test_the_gradient_at_each_block_is_that_of_back_propagation_by_hand(name):
    recipe, beside = recipe_of("residual-gradients"), name == "residual"
    (drawn, head), draw = kernels(3), Seeds(1).generator("data")
    x, y = draw.standard_normal((100, 64), "float32").astype(np.float64), draw.integers(0, 10, 100)
    hidden = []
    for one, two in zip(drawn[::2], drawn[1::2], strict=True):
        hidden.append(np.maximum(x @ one, 0))
        x = hidden[-1] @ two + beside * x
    p = np.exp(x @ head)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(100), y] -= 1
    flow = p / 100 @ head.T
    sizes = [np.linalg.norm(flow)]
    for one, two, active in zip(drawn[-2::-2], drawn[::-2], hidden[::-1], strict=True):
        flow = (flow @ two.T * (active > 0)) @ one.T + beside * flow
        sizes.insert(0, np.linalg.norm(flow))
    found = recipe.measure(arm_of(recipe, name), Replicate(Seeds(1), Scale("quick", blocks=3), None))
    np.testing.assert_allclose(found.curves["gradient"], np.array(sizes) / sizes[-1], rtol=1e-4)


def test_passes_of_dropout_as_written_have_the_mean_and_the_variance_of_independent_units():
    recipe = recipe_of("dropout-passes", "capacity")
    as_written = recipe.measure.__globals__["as_written"]
    draw = np.random.default_rng(1)
    weights = [draw.standard_normal((3, 256)), np.zeros(256), draw.standard_normal((256, 2)), np.zeros(2)]
    x = np.repeat(draw.standard_normal((1, 3)), 4000, axis=0)
    passes = as_written(weights, x, 0.8, draw)
    expected = (x[0] @ weights[0]) * 0.8 @ weights[2]
    variance = 0.8 * 0.2 * ((x[0] @ weights[0]) ** 2) @ weights[2] ** 2
    np.testing.assert_allclose(passes.var(axis=0), variance, rtol=0.1)
    assert (np.abs(passes.mean(axis=0) - expected) < 4 * (variance / 4000) ** 0.5).all()


def test_operations_of_a_drawn_structure_are_those_of_its_layers():
    from keras_reprise.flops import layer_costs

    shape, classes = (32, 32, 3), 10
    operations, drawn, network = (function_of("known-structure", name) for name in ("operations", "drawn", "network"))
    known = function_of("known-structure", "KNOWN") | {"filters": 32}
    assert operations(shape, classes, **known) == 28**2 * 75 * 32 + 5**2 * 800 * 64 + 256 * 200 + 200 * 10
    draw = np.random.default_rng(3)
    for structure in (known, *(drawn(shape, classes, draw) for _ in range(3))):
        counted = operations(shape, classes, **structure)
        assert counted == sum(cost.macs for cost in layer_costs(network(Seeds(1), shape, classes, **structure)))
        assert abs(counted / operations(shape, classes, **known) - 1) < 0.1


def test_small_windows_cannot_tell_which_mark_is_on_the_left():
    """Every window up to the distance sees the same in both classes: one mark at any of its places, or none."""
    scale = Scale("quick", side=24, apart=4, noise=0.0)
    x, y = function_of("context-size", "images")(scale, 400, np.random.default_rng(0))
    for window, told in ((3, False), (4, False), (5, True)):
        patches = np.lib.stride_tricks.sliding_window_view(x[..., 0] + 0, (window, window), axis=(1, 2))
        seen = [{patch.tobytes() for patch in image.reshape(-1, window, window)} for image in patches]
        both = [set.union(*(one for one, label in zip(seen, y, strict=True) if label == which)) for which in (0, 1)]
        assert (both[0] != both[1]) == told
        if not told:
            assert all(one == seen[0] for one in seen)


def test_sums_of_the_adding_problem_are_those_of_the_marked_numbers():
    x, sums = function_of("gated-sequences", "sequences")(300, 7, np.random.default_rng(0))
    assert x.shape == (300, 7, 2)
    for sequence, total in zip(x, sums[:, 0], strict=True):
        early, late = np.flatnonzero(sequence[:, 1])
        assert (early < 3, late >= 4) == (True, True)
        assert total == pytest.approx(sequence[early, 0] + sequence[late, 0])


def test_gradients_of_what_convolutions_give_add_up_to_those_of_their_biases():
    """A bias is added at each place of each image, so its gradient is the sum of theirs."""
    from keras_reprise import gradients
    from keras_reprise.residual import residual_network

    model = residual_network(Seeds(1), (8, 8, 3), 5, 1, (4, 8), skips=False, normalisation=None)
    taps = function_of("vanishing-blamed", "tapped")(model)
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((6, 8, 8, 3)).astype("float32"), draw.integers(0, 5, 6).astype("int32")
    zeros = [np.zeros((6, *one.shape[1:]), "float32") for one in taps.inputs[1:]]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = gradients(taps, [x, *zeros], y, loss)
    names = ["first", "block1a", "block1b", "block2a", "block2b"]
    assert len(found.inputs) == 1 + len(names)
    for name, flow in zip(names, found.inputs[1:], strict=True):
        np.testing.assert_allclose(flow.sum(axis=(0, 1, 2)), found.weights[f"{name}/bias"], rtol=1e-4, atol=1e-7)


def test_branches_are_set_against_their_sum_with_the_input():
    from keras_reprise.residual import residual_network

    model = residual_network(Seeds(1), (8, 8, 3), 5, 2, (4, 8))
    x = np.random.default_rng(0).standard_normal((6, 8, 8, 3)).astype("float32")
    ends = [model.get_layer("block1").output, model.get_layer("block2b_norm").output]
    before, branch = (np.array(keras.Model(model.input, end)(x)).reshape(6, -1) for end in ends)
    ratios = np.sqrt((branch**2).sum(axis=1)) / np.sqrt(((before + branch) ** 2).sum(axis=1))
    found = function_of("residual-blocks", "branch_over_sum")(model, 2, x)
    assert found == pytest.approx(ratios.mean(), rel=1e-4)


def test_pairs_of_digits_are_of_different_images():
    y = np.repeat(np.arange(10), 3)
    x = np.repeat(np.arange(30.0)[:, None], 64, axis=1)
    both, same = function_of("siamese-paths", "pairs")(x, y, 2000, np.random.default_rng(0))
    one, other = both[:, 0].astype(int), both[:, 64].astype(int)
    assert (one != other).all()
    np.testing.assert_array_equal(y[one] == y[other], same)
    assert same.mean() == 0.5


def test_rows_of_digits_have_the_mean_of_every_four_pixels():
    from sklearn.datasets import load_digits

    def shapes(columns):
        """Each column sorted and standardised, so that the order of the rows does not count."""
        columns = np.sort(np.asarray(columns, float), axis=1)
        return (columns - columns.mean(axis=1, keepdims=True)) / columns.std(axis=1, keepdims=True)

    data = function_of("dense-for-vectors", "rows")("digits", np.random.default_rng(0), 4)
    images = load_digits().images
    squares = [images[:, i : i + 2, j : j + 2].mean(axis=(1, 2)) for i in (0, 2, 4, 6) for j in (0, 2, 4, 6)]
    found = shapes(np.concatenate([data.x_train, data.x_test]).T)
    off = np.abs(found[:, None] - shapes(squares)[None]).max(axis=2)
    assert off.min(axis=1).max() < 1e-4
    assert sorted(off.argmin(axis=1)) == list(range(16))
