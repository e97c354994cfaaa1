"""Numbers of the recipes on batch normalisation, computed again in plain NumPy."""

import numpy as np
import pytest

from keras_reprise.base import checkout
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe import loading
from keras_reprise.recipe.settings import Scale

start.start()
from keras_reprise.models import normalised_dense  # noqa: E402

EPSILON = 1e-3


def recipe_of(slug):
    return loading.load(checkout.recipes_folder() / "batch-normalisation" / f"{slug}.py").recipe


def cross_entropy(logits, y):
    """The mean loss, and its gradient by the logits."""
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


def normalised_layers(x, layers):
    """Dense layers (kernel, gamma, beta) with ReLUs: the last output, and what each needs to go back."""
    kept = []
    for kernel, gamma, beta in layers:
        before = x @ kernel
        deviation = np.sqrt(before.var(axis=0) + EPSILON)
        normal = (before - before.mean(axis=0)) / deviation
        after = gamma * normal + beta
        kept.append((x, deviation, normal, after))
        x = np.maximum(after, 0)
    return x, kept


def backward(flow, layers, kept):
    """The gradients of every kernel, gamma and beta, lowest layer first; `flow` is that of the last output."""
    found = []
    for (kernel, gamma, _), (x, deviation, normal, after) in zip(layers[::-1], kept[::-1], strict=True):
        flow = flow * (after > 0)
        slopes = (flow * normal).sum(axis=0), flow.sum(axis=0)
        flow = flow * gamma
        flow = (flow - flow.mean(axis=0) - normal * (flow * normal).mean(axis=0)) / deviation
        found.append((x.T @ flow, *slopes))
        flow = flow @ kernel.T
    return found[::-1]


def test_the_losses_of_a_normalised_network_are_those_of_a_loop_in_numpy():
    recipe = recipe_of("bn-speedup")
    replicate = Replicate(Seeds(2), Scale("quick", n_train=400, n_test=50, look=5, looks=4), "digits")
    found = recipe.measure(recipe.arm("relu-normalised"), replicate)
    data = replicate.dataset().standardised().flattened()
    model = normalised_dense(Seeds(2), data.image_shape[0], [100, 100, 100], data.classes)
    arrays = [array.astype(np.float64) for array in model.get_weights()]
    layers, (last, bias), rate = [arrays[k : k + 3] for k in (0, 5, 10)], arrays[15:], 0.1
    looks = []
    for look in range(1, 5):
        losses = []
        for batch in Seeds(2).generator("order", look).integers(0, 400, 300, dtype=np.int32).reshape(5, 60):
            hidden, kept = normalised_layers(data.x_train[batch].astype(np.float64), layers)
            loss, flow = cross_entropy(hidden @ last + bias, data.y_train[batch])
            losses.append(loss)
            slopes = backward(flow @ last.T, layers, kept)
            last, bias = last - rate * hidden.T @ flow, bias - rate * flow.sum(axis=0)
            layers = [
                [old - rate * new for old, new in zip(layer, slope, strict=True)]
                for layer, slope in zip(layers, slopes, strict=True)
            ]
        looks.append(np.mean(losses))
    np.testing.assert_allclose(found.curves["loss_0.1"], looks, rtol=1e-3)
    assert looks[-1] < looks[0]


@pytest.mark.parametrize("activation", ["relu-normalised"])
def test_gradients_at_the_start_go_through_the_moments_of_the_batch(activation):
    recipe = recipe_of("bn-gradient-flow")
    scale = Scale("quick", n_train=200, n_test=50, depth=6, width=30, draws=1)
    replicate = Replicate(Seeds(3), scale, "digits")
    found = recipe.measure(recipe.arm(activation), replicate)
    data = replicate.dataset().standardised().flattened()
    network = recipe.measure.__globals__["network"]
    arrays = network(recipe.arm(activation), Seeds(3), data.image_shape[0], data.classes, scale, 0).get_weights()
    layers = [[array.astype(np.float64) for array in arrays[5 * k : 5 * k + 3]] for k in range(6)]
    hidden, kept = normalised_layers(data.x_train.astype(np.float64), layers)
    _, flow = cross_entropy(hidden @ arrays[-2] + arrays[-1], data.y_train)
    spreads = [slopes[0].std() for slopes in backward(flow @ arrays[-2].T, layers, kept)][1:]
    np.testing.assert_allclose(found.curves["gradient"], np.array(spreads) / spreads[-1], rtol=1e-3)


def test_faster_is_who_needs_fewer_updates_to_the_lowest_loss_that_both_have():
    faster = recipe_of("bn-speedup").summarise.__globals__["faster"]
    updates = np.array([10, 20, 30, 40])
    low, high = np.array([2.0, 1.0, 0.8, 0.5]), np.array([3.0, 2.5, 1.2, 1.0])
    assert faster(high, low, updates) == 40 / 20
    assert faster(low, high, updates) == 20 / 40
    assert faster(high, np.full(4, 0.1), updates) == 40 / 10


def test_where_a_layer_has_finished_is_the_look_from_which_on_it_stays():
    functions = recipe_of("bn-layers-in-turn").measure.__globals__
    done = np.array([[True] * 4, [False, True, False, True], [False] * 3 + [True]])
    assert functions["look_from_which"](done) == [1, 4, 4]
    assert functions["rank_of"](list(range(10))) == pytest.approx(1)
    assert functions["rank_of"]([7] * 10) == 0
