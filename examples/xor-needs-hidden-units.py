"""Give a network hidden units: without them it cannot learn exclusive or

Source: Rumelhart, Hinton and Williams, Learning internal representations by error propagation, 1986
Data:   made below (1,000 training, 1,000 test points in a square, classed by the signs of x and y)
Cost:   full 5 s per replicate, quick 1 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run ./xor-needs-hidden-units.py --scale full
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Panel, Recipe, Scale, Source, detail, metric
from keras_reprise import near, rule, train
from keras_reprise.datasets import Dataset

WHERE = "The XOR problem"


def quadrants():
    """Points in a square around 0; the class is whether both coordinates have the same sign."""
    x = np.random.default_rng(1).uniform(-1, 1, (2000, 2)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype("int32")
    return Dataset.of("quadrants", x[:1000], y[:1000], x[1000:], y[1000:])


def network(units, data, seeds):
    """A layer of hidden units, or none, then one logit per class; each layer has its own seed."""
    dense, glorot = keras.layers.Dense, keras.initializers.GlorotUniform
    model = keras.Sequential([keras.Input(data.image_shape)])
    if units:
        model.add(dense(units, "tanh", kernel_initializer=glorot(seeds.weights("hidden"))))
    model.add(dense(data.classes, kernel_initializer=glorot(seeds.weights("logits"))))
    return model


def measure(arm, replicate):
    data = replicate.dataset()
    history = train(
        network(arm.units, data, replicate.seeds),
        data,
        replicate,
        optimizer=keras.optimizers.Adam(0.01),
        batch_size=50,
        epochs=replicate.scale.epochs,
    )
    return Measurement(history.last, history.curves, diverged=history.diverged)


CLAIMS = (
    rule("hidden-units-help")
    .says("Hidden units lower the test error.")
    .must(100 * (metric("without", "test_error") - metric("with", "test_error")) > 0),
    detail("without-guesses")
    .says("Without them the loss stays that of guessing between two classes, ln 2.")
    .must(metric("without", "test_loss"), near(math.log(2), absolute=0.05)),
)

RECIPE = Recipe(
    slug="xor-needs-hidden-units",
    version=1,
    question="Does a network need hidden units to learn exclusive or?",
    sources=Source("rumelhart-1986", WHERE),
    data=quadrants,
    arms=(
        Arm("without", "inputs straight to the logits", units=0),
        Arm("with", "8 hidden units between them (tanh)", units=8),
    ),
    scales=(
        Scale("quick", epochs=20),
        Scale("full", epochs=60, seeds=12),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error through the epochs", Panel("test_error", "test error (fraction)")),
)
