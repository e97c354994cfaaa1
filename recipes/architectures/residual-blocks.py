"""A residual block only refines what it is given.

Source: "Training" (notes on hyper-parameters), section "Skip Connection"
Data:   cifar10, standardised
Cost:   quick 45 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run residual-blocks --scale full

Networks of He et al. (2015); quick ones have half of their filters and images of 8 x 8 pixels. SGD
with momentum 0.9, each network at its best rate, by its training loss. Of each block that keeps the
shape, the size of the branch is its norm over that of its sum with the input: how far the block is
from the identity over how far it is from zero, a mean over test images. Then this block alone is
left out of the trained network, with no further training.
"""

from functools import partial

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, curve
from keras_reprise import detail, mean, median, metric, rule
from keras_reprise.rates import Restartable, best_network
from keras_reprise.residual import residual_network

RATES = (0.03, 0.1)


def outputs(model, x):
    """What the model makes of the images, five hundred at a time."""
    parts = [model(x[at : at + 500]) for at in range(0, len(x), 500)]
    return keras.ops.convert_to_numpy(keras.ops.concatenate(parts))


def error(model, data):
    return 100 * float((outputs(model, data.x_test).argmax(axis=1) != data.y_test).mean())


def branch_over_sum(model, number, x):
    """The norm of what a residual block's branch gives over that of its sum with the input, which
    is what the block gives before its ReLU; mean of the images."""
    ends = model.get_layer(f"block{number}b_norm").output, model.get_layer(f"block{number}").input
    branch, total = (
        np.linalg.norm(outputs(keras.Model(model.input, end), x).reshape(len(x), -1), axis=1)
        for end in ends
    )
    return float((branch / total).mean())


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    depth = scale.deep if arm.deep else scale.middle
    each = (depth - 2) // 6
    options = {"image_shape": data.image_shape, "classes": data.classes, "filters": scale.filters}
    options |= {"shrink": scale.shrink, "blocks": each, "skips": arm.skips}
    build = partial(residual_network, **options)
    network = Restartable(build, data, replicate, keras.optimizers.SGD(momentum=0.9))
    rate, _ = best_network(network, RATES, scale.epochs, batch_size=scale.batch_size)
    model, whole, trials = network.model, error(network.model, data), []
    for number in range(1, 3 * each + 1):
        if number > each and number % each == 1 % each:
            continue  # a stage begins here, with another shape
        without = build(replicate.seeds, without=number)
        for layer in without.layers:
            if layer.weights:
                layer.set_weights(model.get_layer(layer.name).get_weights())
        trials.append({"block": number, "lost": error(without, data) - whole})
        if arm.skips:
            trials[-1]["size"] = branch_over_sum(model, number, data.x_test[:500])
    curves = {name: [trial[name] for trial in trials] for name in trials[0]}
    return Measurement({"error": whole, "depth": depth, "rate": rate}, curves, trials=trials)


CLAIMS = (
    rule("closer-to-identity-than-to-zero", kind="discrete")
    .says("Most blocks of the middle residual network are closer to the identity than to zero.")
    .must(mean(curve("middle", "size") < 1) > 0.5, measures="Share of blocks that are closer"),
    rule("residual-does-without-a-block")
    .says("Without one block it loses less than the plain network of as many layers, on average.")
    .must(mean(curve("middle", "lost")) < mean(curve("plain", "lost"))),
    detail("closer-the-deeper", kind="positive")
    .says("In the deepest network blocks are closer to the identity than in the middle one.")
    .must(median(curve("deep", "size")) / median(curve("middle", "size")) < 1),
    detail("residual-loses-little")
    .says("Without one block the residual network loses less than ten points, on average.")
    .must(mean(curve("middle", "lost")) < 10),
    detail("plain-falls-to-chance")
    .says("Without one block the plain network falls to more than 80 % of errors, on average.")
    .must(metric("plain", "error") + mean(curve("plain", "lost")) > 80, unit="percent"),
    detail("deeper-loses-less")
    .says("Without one block the deepest residual network loses less than the middle one.")
    .must(mean(curve("deep", "lost")) < mean(curve("middle", "lost"))),
)
FIGURES = (
    Curves(
        "Size of the branches",
        Panel("size", level=1.0, level_label="as far from the identity as from zero"),
        x="block",
    ),
    Curves("The network without one block", "lost", x="block"),
)

RECIPE = Recipe(
    slug="residual-blocks",
    version=3,
    question="Does each residual block change only little of what it is given?",
    sources=Source("hyperparameters-notes", "Skip Connection"),
    data="cifar10",
    arms=(
        Arm("middle", "residual, fewer layers", deep=False, skips=True),
        Arm("deep", "residual, more layers", deep=True, skips=True),
        Arm("plain", "plain, as many layers as `middle`", deep=False, skips=False),
    ),
    scales=(
        Scale(
            "quick",
            n_train=1_000,
            n_test=500,
            middle=20,
            deep=32,
            filters=(8, 16, 32),
            shrink=4,
            batch_size=50,
            epochs=8,
        ),
        Scale(
            "full", middle=20, deep=44, filters=(16, 32, 64), shrink=1, batch_size=128, epochs=40
        ),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=FIGURES,
    metrics=(
        Metric("block", "block"),
        Metric("size", "size of the branch over that of its sum with the input", "ratio", "block"),
        Metric("lost", "test error without the block minus that with it", "points", "block"),
        Metric("error", "test error", "percent"),
        Metric("depth", "layers of weights"),
        Metric("rate", "best rate"),
    ),
)
