"""A softmax layer before a loss that applies softmax itself: the loss cannot fall below ln(9 + e) - 1 = 1.4612 for ten classes

Source: document 004 (004:379-387, common mistakes); the floor follows from the formula (catalogue, L5)
Data:   none (ten well separated random clusters)
Cost:   quick 2 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run softmax-into-logits-floor --scale full

The clusters are so far apart that the correct network's loss goes to nothing; what is left otherwise is the mistake. On
TensorFlow Keras remembers the logits behind its own softmax and uses them, which hides the mistake; one more layer breaks that.
"""

import math
import warnings

import keras
import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, near, train
from keras_reprise.datasets import Dataset

CLASSES, FEATURES, SPREAD = 10, 20, 4.0
FLOOR = math.log(CLASSES - 1 + math.e) - 1


def clusters(replicate, n):
    draw = replicate.seeds.generator("data")
    centres = SPREAD * draw.standard_normal((CLASSES, FEATURES))
    labels = draw.integers(0, CLASSES, n).astype("int32")
    points = (centres[labels] + draw.standard_normal((n, FEATURES))).astype("float32")
    half = n // 2
    return Dataset("clusters", points[:half], labels[:half], points[half:], labels[half:], CLASSES, fingerprint="0" * 64)


def measure(arm, replicate):
    data, seeds = clusters(replicate, 4000), replicate.seeds

    def dense(units, activation, name):
        return keras.layers.Dense(units, activation, kernel_initializer=keras.initializers.GlorotUniform(seeds.weights(name)))

    model = keras.Sequential([keras.Input((FEATURES,)), dense(50, "relu", "hidden"), dense(CLASSES, arm.output, "output")])
    if arm.one_more:
        model.add(keras.layers.Rescaling(1.0))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*produced by a Softmax activation.*")  # Keras notices, on some backends
        history = train(model, data, replicate, optimizer=keras.optimizers.SGD(0.1), batch_size=100, epochs=replicate.scale.epochs)
    perfect = keras.ops.one_hot(keras.ops.arange(CLASSES), CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    floor = float(loss(np.arange(CLASSES), perfect))
    return Measurement(metrics={"floor": floor, "lowest_loss": history.update_losses.min(), **history.last}, curves=history.curves)


def metric(arm, name):
    return lambda arms, scale: arms[arm].metrics[name]


RECIPE = Recipe(
    slug="softmax-into-logits-floor",
    version=1,
    question="What does it cost to hand probabilities to a loss that expects logits?",
    sources=(Source("dl-recap-slides", "004:379-387"),),
    arms=(
        Arm("logits", "the last layer gives logits, as the loss expects", output=None, one_more=False),
        Arm("softmax", "the last layer gives probabilities, and another layer follows that changes nothing", output="softmax", one_more=True),
        Arm("softmax-last", "the last layer gives probabilities, as people write it", output="softmax", one_more=False),
    ),
    scales=(Scale("quick", epochs=10, seeds=6), Scale("full", epochs=30, seeds=6)),
    measure=measure,
    claims=(
        Claim("floor", "Perfect probabilities taken for logits have the loss ln(9 + e) - 1.", "catalogue L5", metric("softmax", "floor"), "nats", **near(FLOOR, absolute=1e-5), exact=True, expectation="MATH", measures="Loss of one-hot probabilities taken for logits"),
        Claim("never-below", "No batch in training has a lower loss.", "catalogue L5", metric("softmax", "lowest_loss"), "nats", above=FLOOR - 1e-5, exact=True, expectation="MATH", measures="Lowest loss of any batch, with the mistake"),
        Claim("never-below-as-written", "Nor where the softmax is the last layer, as people write it.", "004:379-387", metric("softmax-last", "lowest_loss"), "nats", above=FLOOR - 1e-5, exact=True, expectation="HW", measures="Lowest loss of any batch, softmax as the last layer"),
        Claim("correct-goes-below", "Without the mistake the loss goes far below it.", "004:379-387", metric("logits", "test_loss"), "nats", below=FLOOR / 10, measures="Test loss after the last epoch, without the mistake"),
        Claim("learns-more-slowly", "The mistake slows learning.", "004:379-387", lambda arms, scale: 100 * (arms["softmax"].curves["test_error"][0] - arms["logits"].curves["test_error"][0]), "points", above=0.0, measures="Test error after the first epoch, with the mistake minus without"),
    ),  # fmt: skip
    figures=(Curves("Training with and without the mistake", panels=(Panel(("train_loss",), "training loss (nats)", log=True, level=FLOOR, level_label="ln(9 + e) - 1"), Panel(("test_error",), "test error (fraction)")), columns="overlay"),),
    suites=("gate",),
)
