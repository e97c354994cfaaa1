"""Batch normalisation lets gradients flow better to the first layers of a deep network.

Source: "Deep Network Components & Training", slide "Batch normalization"; that gradients grow in
        deep ReLU networks with it: Yang et al. (2019), "A mean field theory of batch normalization"
Data:   cifar10, standardised, flattened
Cost:   quick 13 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 62 s (one of two workers, Intel Xeon)
Replay: reprise run bn-gradient-flow --scale full

The slide names no network: dense layers of one width from He's (ReLU) or Glorot's weights, before
training. Gradients flow well where those of the second layer's weights are as large as those of
the last hidden layer's; how far they are off is counted in factors of ten, either way.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import gradients, mean, metric, near, rule

ACTIVATIONS = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid"}


class BatchMoments(keras.layers.BatchNormalization):
    """Normalises by the moments of the batch, as in training, in whatever mode."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=True, mask=mask)


def network(arm, seeds, features, classes, scale, draw):
    made = keras.initializers.HeNormal if arm.activation == "relu" else None
    made = made or keras.initializers.GlorotNormal
    x = inputs = keras.Input((features,))
    for number in range(1, scale.depth + 1):
        kernel, name = made(seeds.weights(f"layer{number} draw {draw}")), f"layer{number}"
        x = keras.layers.Dense(scale.width, use_bias=False, kernel_initializer=kernel, name=name)(x)
        if arm.batch_norm:
            x = BatchMoments()(x)
        x = keras.layers.Activation(arm.activation)(x)
    kernel = keras.initializers.GlorotNormal(seeds.weights(f"logits draw {draw}"))
    return keras.Model(inputs, keras.layers.Dense(classes, kernel_initializer=kernel)(x))


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    loss, rows = keras.losses.SparseCategoricalCrossentropy(from_logits=True), []
    for draw in range(scale.draws):
        model = network(arm, replicate.seeds, data.image_shape[0], data.classes, scale, draw)
        found = gradients(model, [data.x_train], data.y_train, loss).weights
        layers = [found[f"layer{number}/kernel"] for number in range(2, scale.depth + 1)]
        rows.append([math.log10(layer.astype(float).std()) for layer in layers])
    logs = np.array(rows) - np.array(rows)[:, -1:]  # of the last hidden layer
    return Measurement(
        metrics={
            "off": abs(logs[:, 0]).mean(),
            "growth": 10 ** (logs[:, 0].mean() / (scale.depth - 2)),
        },
        curves={"layer": range(2, scale.depth + 1), "gradient": 10 ** logs.mean(axis=0)},
    )


def off(activation):
    """With batch normalisation minus without it."""
    return metric(f"{activation}-normalised", "off") - metric(activation, "off")


ROOT = math.sqrt(math.pi / (math.pi - 1))
MEAN = "Factors of ten that gradients are off, with it minus without, mean of three activations"
CLAIMS = (
    rule("gradients-flow-better")
    .says("With batch normalisation gradients of first and last layers differ by a lesser factor.")
    .must(mean(*map(off, ACTIVATIONS)) < 0, measures=MEAN),
    *(
        detail(f"gradients-flow-better-{activation}", expectation="MIXED")
        .says(f"So it is in networks of {words} units.")
        .must(off(activation) < 0)
        for activation, words in ACTIVATIONS.items()
    ),
    detail("relu-gradients-grow", "Yang et al. (2019)", kind="positive", printed=round(ROOT, 3))
    .says(
        "With it gradients of ReLU networks grow by the root of pi / (pi - 1) a layer, downwards."
    )
    .must(metric("relu-normalised", "growth"), near(ROOT, relative=0.05)),
)

RECIPE = Recipe(
    slug="bn-gradient-flow",
    version=1,
    question="Do gradients reach the first layers of a deep network better if it is normalised?",
    sources=Source("cs231n-slides", "Batch normalization"),
    data="cifar10",
    arms=tuple(
        Arm(
            activation + "-normalised" * normalised,
            f"{words} units{', batch normalisation before them' * normalised}",
            activation=activation,
            batch_norm=normalised,
        )
        for activation, words in ACTIVATIONS.items()
        for normalised in (False, True)
    ),
    scales=(
        Scale("quick", n_train=500, n_test=100, depth=20, width=100, draws=3),
        Scale("full", n_train=1_000, n_test=100, depth=50, width=300, draws=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Gradients before training",
        Panel("gradient", log=True, level=1.0, level_label="equal"),
        x="layer",
    ),
    metrics=(
        Metric("layer", "hidden layer"),
        Metric("gradient", "weight gradients over the last layer's", "", "layer"),
        Metric("off", "factors of ten by which the gradients of first and last layer differ"),
        Metric("growth", "growth of the gradients a layer, downwards", "ratio"),
    ),
)
