"""Before training, without a penalty, the loss must be that of guessing: ln 10 for ten classes.

Source: "Deep network components and training" (after CS231n),
        slide "DOUBLE CHECK THAT THE LOSS IS REASONABLE:"
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   quick under a second per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run sanity-initial-loss --scale full

A wrong loss before training betrays a wrong loss function, label or initialisation. The arm with
Keras's default weights is ours: on raw pixels they fail the check.
"""

import math

from keras_reprise import Arm, Measurement, Metric, Recipe, Scale, Source, detail, evaluate, metric
from keras_reprise import near, printed_value, rule
from keras_reprise.models import dense_classifier
from keras_reprise.two_layer import HIDDEN, raw_pixels, two_layer


def network(arm, seeds, data):
    features, classes = data.image_shape[0], data.classes
    return (
        two_layer(seeds, features, classes)
        if arm.tiny
        else dense_classifier(seeds, features, [HIDDEN], classes)
    )


def measure(arm, replicate):
    data = raw_pixels(replicate)
    losses, wrong = evaluate(
        network(arm, replicate.seeds, data),
        data.scaled(data.stored_train[:5000]),
        data.y_train[:5000],
    )
    return Measurement({"loss": losses.mean(dtype=float), "error": wrong.mean()})


CLAIMS = (
    rule("loss-is-ln10", expectation="VERIFIED-HERE")
    .says("With ten classes and tiny weights the loss is ln 10.")
    .must(metric("tiny-weights", "loss"), near(math.log(10), absolute=1e-3)),
    printed_value("loss-as-printed", printed=2.30261216167, expectation="VERIFIED-HERE")
    .says("With tiny weights the loss is the printed one.")
    .must(metric("tiny-weights", "loss"), near(2.30261216167, absolute=1e-4)),
    detail("default-weights-fail", kind="positive")
    .says("Default weights on raw pixels are caught by the check: they are a nat off or more.")
    .must(metric("default-weights", "loss") > math.log(10) + 1),
)

RECIPE = Recipe(
    slug="sanity-initial-loss",
    version=1,
    question="Is the loss before training that of guessing?",
    sources=Source("cs231n-slides", "DOUBLE CHECK THAT THE LOSS IS REASONABLE:"),
    data="cifar10",
    arms=(
        Arm("tiny-weights", "0.0001 times standard normal weights, as documented", tiny=True),
        Arm("default-weights", "Keras's default weights (Glorot's uniform)", tiny=False),
    ),
    scales=(Scale("quick", n_train=10_000, n_test=1_000), Scale("full")),
    measure=measure,
    claims=CLAIMS,
    metrics=(Metric("loss", "mean loss of 5,000 training images before training", "nats"),),
)
