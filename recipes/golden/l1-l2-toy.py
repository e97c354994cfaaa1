"""L1 prefers the weights that ignore features, L2 those that use all features alike.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03",
        slides "L1 and L2 Regularizations"
Data:   none (three numbers)
Cost:   quick under a second per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run l1-l2-toy --scale full

Both weightings of x = (1, 2, 1) give 1.5, which the slides do not print. Keras's own regularizers
give the penalties, so that a change of their meaning is noticed.
"""

import keras
import numpy as np

from keras_reprise import Arm, Erratum, Measurement, Metric, PrintedSeries, Recipe, Scale, Source
from keras_reprise import detail, metric, near, rule

X = np.array([1.0, 2.0, 1.0], "float32")


def measure(arm, replicate):
    weights = keras.ops.convert_to_tensor(np.array(arm.weights, "float32"))
    return Measurement(
        {
            "prediction": float(keras.ops.sum(weights * X)),
            "l1": float(keras.regularizers.L1(1.0)(weights)),
            "l2": float(keras.regularizers.L2(1.0)(weights)),
        }
    )


ROUNDED = Erratum("The slide rounds 0.5625 to 0.56.", 0.5625)
CUT = Erratum("The slide cuts 0.375 to 0.37.", 0.375)
SUM = Erratum("The slide prints 0.25 + 0.5 + 0.5; the last term is 0.25, and the sum 1 as printed.")
EXACT = {"says": "The {key} penalty of {arm} is {printed}.", "within": 1e-6, "kind": "exact"}
CLAIMS = (
    rule("l1-ignores-features", kind="exact")
    .says("L1 prefers the weighting that ignores two features.")
    .must(metric("one-feature", "l1") < metric("all-features", "l1")),
    rule("l2-spreads-weight", kind="exact")
    .says("L2 prefers the weighting that uses all features.")
    .must(metric("all-features", "l2") < metric("one-feature", "l2")),
    detail("one-feature-prediction", kind="exact")
    .says("The weighting that ignores two features predicts 1.5.")
    .must(metric("one-feature", "prediction"), near(1.5, absolute=1e-6)),
    detail("all-features-prediction", kind="exact")
    .says("So does the one that uses all.")
    .must(metric("all-features", "prediction"), near(1.5, absolute=1e-6)),
    PrintedSeries(
        "one-feature", {"l1": 0.75, "l2": 0.56}, arm="one-feature", errata={"l2": ROUNDED}, **EXACT
    ),
    PrintedSeries(
        "all-features",
        {"l1": 1.0, "l2": 0.37},
        arm="all-features",
        errata={"l1": SUM, "l2": CUT},
        **EXACT,
    ),
)

RECIPE = Recipe(
    slug="l1-l2-toy",
    version=1,
    question="Which of two weightings with equal predictions does each penalty prefer?",
    sources=Source("dl-recap-slides", "L1 and L2 Regularizations"),
    arms=(
        Arm("one-feature", "weights (0, 0.75, 0)", weights=(0.0, 0.75, 0.0)),
        Arm("all-features", "weights (0.25, 0.5, 0.25)", weights=(0.25, 0.5, 0.25)),
    ),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=CLAIMS,
    metrics=(Metric("l1", "L1 penalty"), Metric("l2", "L2 penalty")),
)
