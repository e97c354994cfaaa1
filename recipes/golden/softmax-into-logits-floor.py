"""Softmax outputs given to a loss that expects logits: the loss has a floor, learning is slower.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Common Mistakes"
Data:   none (ten well separated random clusters)
Cost:   quick 2 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run softmax-into-logits-floor --scale full

The slide only names the mistake; the formula gives the floor, ln(9 + e) - 1 for ten classes. On
TensorFlow Keras uses the logits behind its own softmax, which hides it; one more layer does not.
"""

import math
import warnings

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, above
from keras_reprise import below, detail, first, metric, near, rule, train
from keras_reprise.datasets import Dataset

CLASSES, FEATURES, SPREAD = 10, 20, 4.0
FLOOR = math.log(CLASSES - 1 + math.e) - 1


def clusters(replicate, n):
    draw = replicate.seeds.generator("data")
    centres = SPREAD * draw.standard_normal((CLASSES, FEATURES))
    labels = draw.integers(0, CLASSES, n).astype("int32")
    points = (centres[labels] + draw.standard_normal((n, FEATURES))).astype("float32")
    half = n // 2
    return Dataset(
        "clusters",
        points[:half],
        labels[:half],
        points[half:],
        labels[half:],
        CLASSES,
        fingerprint="0" * 64,
    )


def measure(arm, replicate):
    data, seeds = clusters(replicate, 4000), replicate.seeds

    def dense(units, activation, name):
        return keras.layers.Dense(
            units,
            activation,
            kernel_initializer=keras.initializers.GlorotUniform(seeds.weights(name)),
        )

    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            dense(50, "relu", "hidden"),
            dense(CLASSES, arm.output, "output"),
        ]
    )
    if arm.one_more:
        model.add(keras.layers.Rescaling(1.0))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*produced by a Softmax activation.*")  # Keras notices
        history = train(
            model,
            data,
            replicate,
            optimizer=keras.optimizers.SGD(0.1),
            batch_size=100,
            epochs=replicate.scale.epochs,
        )
    perfect = keras.ops.one_hot(keras.ops.arange(CLASSES), CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    floor = float(loss(np.arange(CLASSES), perfect))
    return Measurement(
        metrics={"floor": floor, "lowest_loss": history.update_losses.min(), **history.last},
        curves=history.curves,
    )


CLAIMS = (
    rule("never-below-as-written")
    .says("With softmax as the last layer, as people write it, no batch's loss is below the floor.")
    .of(metric("softmax-last", "lowest_loss"))
    .must(above(FLOOR - 1e-5)),
    rule("learns-more-slowly")
    .says("The mistake slows learning: at the same rate more is wrong after the first epoch.")
    .of(100 * (first("softmax", "test_error") - first("logits", "test_error")))
    .must(above(0.0)),
    detail("floor")
    .says("Perfect probabilities taken for logits have the loss ln(9 + e) - 1.")
    .of(metric("softmax", "floor"))
    .must(near(FLOOR, absolute=1e-5), kind="exact"),
    detail("never-below")
    .says("No batch in training has a lower loss.")
    .of(metric("softmax", "lowest_loss"))
    .must(above(FLOOR - 1e-5)),
    detail("correct-goes-below")
    .says("Without the mistake the loss goes to less than a tenth of it.")
    .of(metric("logits", "test_loss"))
    .must(below(FLOOR / 10)),
)
PANELS = (
    Panel(("train_loss",), "training loss (nats)", True, FLOOR, "ln(9 + e) - 1"),
    Panel(("test_error",), "test error (fraction)"),
)

RECIPE = Recipe(
    slug="softmax-into-logits-floor",
    version=1,
    question="What does it cost to hand probabilities to a loss that expects logits?",
    sources=(Source("dl-recap-slides", "Common Mistakes"),),
    arms=(
        Arm("logits", "logits come last", output=None, one_more=False),
        Arm("softmax", "softmax and a layer without effect", output="softmax", one_more=True),
        Arm("softmax-last", "softmax comes last", output="softmax", one_more=False),
    ),
    scales=(Scale("quick", epochs=10), Scale("full", epochs=30)),
    measure=measure,
    claims=CLAIMS,
    figures=(Curves("Training with and without the mistake", PANELS, columns="overlay"),),
    suites=("gate",),
    metrics=(
        Metric("floor", "loss of one-hot probabilities taken for logits", "nats"),
        Metric("lowest_loss", "lowest loss of any batch", "nats"),
    ),
)
