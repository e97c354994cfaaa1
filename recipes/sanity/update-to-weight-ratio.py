"""Watch the size of an update beside that of the weights: about a thousandth is healthy, far less is too slow, far more explodes

Source: the lecture behind document 003, not in its text (catalogue, B10); the rates are those of 003:493-591
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   quick 5 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run update-to-weight-ratio --scale full

The ratio is the norm of the next update of the first layer's weights over the norm of these weights, after every epoch.
"""

import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, update_ratios
from keras_reprise.two_layer import Trainer, tripled_at

CURVE = "update_ratio/hidden/kernel"


def measure(arm, replicate):
    scale = replicate.scale
    history = Trainer(replicate).train(arm.rate, reg=1e-6, epochs=scale.epochs, updates=scale.updates, decay=1.0, probes=[update_ratios()], diverged_factor=None)
    ratios = np.array(history.curves[CURVE])
    finite = ratios[np.isfinite(ratios)]
    return Measurement(
        metrics={"median_ratio": np.median(finite), "accuracy": 1 - history.curves["test_error"][-1], "exploded": float(tripled_at(history) is not None)},
        curves={"ratio": ratios, "accuracy": [1 - error for error in history.curves["test_error"]]},
        diverged=history.diverged,
    )


def ratio(arm):
    return lambda arms, scale: arms[arm].metrics["median_ratio"]


def times(arm, other):
    return lambda arms, scale: arms[arm].metrics["median_ratio"] / arms[other].metrics["median_ratio"]


RECIPE = Recipe(
    slug="update-to-weight-ratio",
    version=1,
    question="Does the ratio of update to weights tell a good learning rate from a bad one?",
    sources=(Source("cs231n-slides", "003:493-591"),),
    data="cifar10",
    arms=(
        Arm("low", "rate 1e-6, which hardly learns", rate=1e-6),
        Arm("good", "rate 3e-4, in the middle of the documented fine search", rate=3e-4),
        Arm("high", "rate 3e-3, which explodes", rate=3e-3),
    ),
    scales=(Scale("quick", n_train=10_000, n_test=1_000, epochs=20, updates=49), Scale("full", epochs=10, updates=490)),
    measure=measure,
    claims=(
        Claim("low-below-good", "The rate that hardly learns has the smaller ratio.", "catalogue B10", times("low", "good"), "ratio", below=1.0, log=True, measures="Median ratio of the low rate over that of the good one"),
        Claim("high-above-good", "The rate that explodes has the larger ratio.", "catalogue B10", times("high", "good"), "ratio", above=1.0, log=True, measures="Median ratio of the high rate over that of the good one"),
        Claim("good-near-a-thousandth", "The good rate's ratio is around a thousandth.", "catalogue B10", ratio("good"), "ratio", above=1e-4, below=1e-2, log=True, printed=1e-3, measures="Median ratio over the epochs"),
    ),
    figures=(Curves("Size of an update over the size of the weights", panels=(Panel(("ratio",), "update over weights, first layer", log=True, level=1e-3, level_label="healthy, 1e-3"), Panel(("accuracy",), "validation accuracy (fraction)")), columns="overlay"),),
)  # fmt: skip
