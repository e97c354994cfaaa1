"""A good rate changes the weights by about a thousandth an update, a bad rate by less or more.

Source: the lecture behind "Deep network components and training" (after CS231n), not in its text;
        the rates are those of the slides "loss not going down:" and "loss exploding:"
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   quick 5 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run update-to-weight-ratio --scale full

The ratio is the norm of the next update of the first layer's weights over the norm of these
weights, after every epoch; its median is over the epochs in which it is finite.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import metric, rule, update_ratios
from keras_reprise.two_layer import Trainer, tripled_at


def measure(arm, replicate):
    history = Trainer(replicate).train(
        arm.rate,
        reg=1e-6,
        epochs=replicate.scale.epochs,
        updates=replicate.scale.updates,
        decay=1.0,
        probes=[update_ratios()],
        diverged_factor=None,
    )
    ratio = np.array(history.curves["update_ratio/hidden/kernel"])
    accuracy = 1 - np.array(history.curves["test_error"])
    return Measurement(
        metrics={
            "median_ratio": np.median(ratio[np.isfinite(ratio)]),
            "accuracy": accuracy[-1],
            "exploded": float(tripled_at(history) is not None),
        },
        curves={"ratio": ratio, "accuracy": accuracy},
        diverged=history.diverged,
    )


ROUGHLY = "Rough range for learning rate we should be"
LOWEST, HIGHEST = 1e-4, 1e-2  # about a thousandth
CLAIMS = (
    rule("good-near-a-thousandth", ROUGHLY, kind="positive")
    .says("The good rate's ratio is about a thousandth: from a ten-thousandth to a hundredth.")
    .must(metric("good", "median_ratio"), between(LOWEST, HIGHEST)),
    rule("low-below-a-thousandth", kind="positive")
    .says("The ratio of the rate that hardly learns is below a ten-thousandth.")
    .must(metric("low", "median_ratio") < LOWEST),
    rule("high-above-a-thousandth", "loss exploding:", kind="positive")
    .says("The ratio of the rate that explodes is above a hundredth.")
    .must(metric("high", "median_ratio") > HIGHEST, given=metric("high", "exploded") > 0),
)

RATIO = Panel("ratio", log=True, level=1e-3, level_label="healthy, 1e-3")

RECIPE = Recipe(
    slug="update-to-weight-ratio",
    version=1,
    question="Does the ratio of update to weights tell a good learning rate from a bad one?",
    sources=(
        Source("cs231n-slides", "loss not going down:"),
        Source("cs231n-slides", "loss exploding:"),
    ),
    data="cifar10",
    arms=(
        Arm("low", "rate 1e-6, which hardly learns", rate=1e-6),
        Arm("good", "rate 3e-4, in the middle of the documented fine search", rate=3e-4),
        Arm("high", "rate 3e-3, which explodes", rate=3e-3),
    ),
    scales=(
        Scale("quick", n_train=10_000, n_test=1_000, epochs=20, updates=49),
        Scale("full", epochs=10, updates=490),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Updates and weights", (RATIO, "accuracy")),
    metrics=(
        Metric("median_ratio", "median ratio of update to weights", "ratio"),
        Metric("exploded", "number of explosions"),
        Metric("ratio", "update over weights", per="epoch"),
        Metric("accuracy", "validation accuracy", "fraction"),
    ),
)
