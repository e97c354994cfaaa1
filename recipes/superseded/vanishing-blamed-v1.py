"""Deeper plain networks train worse because gradients vanish.

Source: "Training" (notes on hyper-parameters), section "Resnet"; that they do not, with batch
        normalisation, is an argument of He et al. (2015), section 4.1
Data:   cifar10, standardised
Cost:   quick 31 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run vanishing-blamed --scale full

Gradients of each convolution's weights, as their root mean square over 500 training images,
normalised by these images' own moments as in training; before it and at its end. Those of the
first tenth of the layers are set against those of the last tenth. Networks are the paper's plain
ones, with batch normalisation and without; quick ones have half of its filters and images of 8 x 8.
SGD with momentum 0.9, each network at the best of three rates, by its training loss.
"""

from functools import partial

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import gradients, metric, rule
from keras_reprise.rates import Restartable, at_best_rate
from keras_reprise.residual import residual_network

RATES, IMAGES = (0.1, 0.01, 0.001), 500
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class BatchMoments(keras.layers.BatchNormalization):
    """Normalises by the moments of the batch, as in training, in whatever mode."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=True, mask=mask)


def sizes(model, twin, data):
    """The root mean square of each convolution's gradient, from the first layer on."""
    twin.set_weights(model.get_weights())
    found = gradients(twin, [data.x_train[:IMAGES]], data.y_train[:IMAGES], LOSS).weights
    kernels = [values for name, values in found.items() if name.endswith("kernel")][:-1]
    return np.sqrt([np.square(values, dtype=float).mean() for values in kernels])


def first_over_last(found):
    """The geometric mean of the first tenth of the layers over that of the last."""
    tenth, logs = max(1, len(found) // 10), np.log(np.maximum(found, 1e-30))
    return np.exp(logs[:tenth].mean() - logs[-tenth:].mean())


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    depth = scale.shallow if arm.shallow else scale.deep
    build = partial(
        residual_network,
        image_shape=data.image_shape,
        classes=data.classes,
        blocks=(depth - 2) // 6,
        filters=scale.filters,
        shrink=scale.shrink,
        skips=False,
    )
    kind = keras.layers.BatchNormalization if arm.normalised else None
    network = Restartable(
        partial(build, normalisation=kind), data, replicate, keras.optimizers.SGD(momentum=0.9)
    )
    twin = build(replicate.seeds, normalisation=BatchMoments if arm.normalised else None)
    before = sizes(network.model, twin, data)
    rate, history = at_best_rate(network, RATES, scale.epochs, batch_size=scale.batch_size)
    network.train(rate, scale.epochs, batch_size=scale.batch_size)
    after = sizes(network.model, twin, data)
    metrics = {"before": first_over_last(before), "after": first_over_last(after)}
    metrics |= {"first_layer": before[0], "train_percent": 100 * history.last["train_error"]}
    curves = {"layer": range(1, depth), "gradient": before / before[-1]}
    return Measurement(metrics, curves | {"trained": after / after[-1]})


PAPER = "He et al. (2015), section 4.1"
WRONG = (
    "The paper behind the notes says the contrary: batch normalisation keeps them from vanishing."
)
CLAIMS = (
    rule("gradients-vanish", erratum=WRONG, kind="positive")
    .says(
        "In a deep plain network the first layers' gradients are below a hundredth of the last's."
    )
    .must(metric("deep", "before") < 0.01),
    rule("gradients-vanish-at-the-end", erratum=WRONG, kind="positive")
    .says("And so they are at the end of training.")
    .must(metric("deep", "after") < 0.01),
    detail("deep-trains-worse")
    .says("It has a higher training error than the shallow one.")
    .must(metric("deep", "train_percent") > metric("shallow", "train_percent")),
    detail("deep-gradients-are-no-smaller", PAPER, kind="positive")
    .says("Its first layer's gradient is at first more than a tenth of that of the shallow one.")
    .must(metric("deep", "first_layer") / metric("shallow", "first_layer") > 0.1),
    detail("without-normalisation-smaller", kind="positive")
    .says("Without batch normalisation the first layers' gradients are smaller beside the last's.")
    .must(metric("deep-bare", "before") / metric("deep", "before") < 1),
)
PANELS = (
    Panel("gradient", "before training, over the last", log=True, level=0.01, level_label="1/100"),
    Panel("trained", "at its end, over the last", log=True, level=0.01, level_label="1/100"),
)

RECIPE = Recipe(
    slug="vanishing-blamed",
    version=1,
    question="Do gradients vanish in the deep plain networks that train worse?",
    sources=Source("hyperparameters-notes", "Resnet"),
    data="cifar10",
    arms=(
        Arm("shallow", "few layers, batch normalisation", shallow=True, normalised=True),
        Arm("deep", "many layers, batch normalisation", shallow=False, normalised=True),
        Arm("deep-bare", "many layers without it", shallow=False, normalised=False),
    ),
    scales=(
        Scale(
            "quick",
            n_train=1_000,
            n_test=500,
            shallow=8,
            deep=44,
            filters=(8, 16, 32),
            shrink=4,
            batch_size=50,
            epochs=4,
        ),
        Scale(
            "full", shallow=20, deep=56, filters=(16, 32, 64), shrink=1, batch_size=128, epochs=20
        ),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Size of the weights' gradients by layer", PANELS, x="layer"),
    metrics=(
        Metric("layer", "layer"),
        Metric("before", "first layers' gradient over the last's before training", "ratio"),
        Metric("after", "first layers' gradient over the last's at its end", "ratio"),
        Metric("first_layer", "gradient of the first layer before training"),
        Metric("train_percent", "training error", "percent"),
        Metric("gradient", "gradient before training", "ratio", "layer"),
        Metric("trained", "gradient at the end of training", "ratio", "layer"),
    ),
)
