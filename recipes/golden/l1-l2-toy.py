"""L1 prefers the weights that ignore features, L2 those that use all features alike.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03",
        slides "L1 and L2 Regularizations"
Data:   none (three numbers)
Cost:   quick under a second per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run l1-l2-toy --scale full

x = (1, 2, 1); the weights (0, 0.75, 0) and (0.25, 0.5, 0.25) both give 1.5, which the slides do not
print. The penalties are computed by Keras's regularizers, so that a change of their meaning is
noticed.
"""

import keras
import numpy as np

from keras_reprise import Arm, Erratum, Measurement, Metric, PrintedSeries, Recipe, Scale, Source
from keras_reprise import below, detail, metric, near, rule

X = np.array([1.0, 2.0, 1.0], "float32")
SLIDE = "L1 and L2 Regularizations"


def measure(arm, replicate):
    weights = keras.ops.convert_to_tensor(np.array(arm.weights, "float32"))
    return Measurement(
        {
            "prediction": float(keras.ops.sum(weights * X)),
            "l1": float(keras.regularizers.L1(1.0)(weights)),
            "l2": float(keras.regularizers.L2(1.0)(weights)),
        }
    )


def predicts(arm):
    """The claim that both weightings predict the same."""
    return (
        detail(f"{arm}-prediction")
        .says(f"The weighting {arm} predicts 1.5.")
        .of(metric(arm, "prediction"))
        .must(near(1.5, absolute=1e-6), kind="exact", printed=1.5)
    )


def penalties(arm, l1, l2, errata):
    """The claims that the penalties of a weighting are the printed ones."""
    return PrintedSeries(
        arm,
        {"l1": l1, "l2": l2},
        SLIDE,
        arm=arm,
        within=1e-6,
        says=f"The penalty {{key}} of the weighting {arm} is {{printed}}.",
        kind="exact",
        errata=errata,
    )


ROUNDED = "The slide rounds 0.5625 to 0.56."
CUT = "The slide cuts 0.375 to 0.37."
SUM = (
    "The slide prints the sum as 0.25 + 0.5 + 0.5; its last term is 0.25, and the sum 1 as printed."
)
CLAIMS = (
    rule("l1-ignores-features")
    .says("L1 prefers the weighting that ignores two features.")
    .of(metric("one-feature", "l1") - metric("all-features", "l1"))
    .must(below(0.0), kind="exact"),
    rule("l2-spreads-weight")
    .says("L2 prefers the weighting that uses all features.")
    .of(metric("all-features", "l2") - metric("one-feature", "l2"))
    .must(below(0.0), kind="exact"),
    predicts("one-feature"),
    predicts("all-features"),
    penalties("one-feature", 0.75, 0.56, {"l2": Erratum(ROUNDED, 0.5625)}),
    penalties("all-features", 1.0, 0.37, {"l1": Erratum(SUM), "l2": Erratum(CUT, 0.375)}),
)

RECIPE = Recipe(
    slug="l1-l2-toy",
    version=1,
    question="Which of two weightings with equal predictions does each penalty prefer?",
    sources=(Source("dl-recap-slides", SLIDE),),
    arms=(
        Arm("one-feature", "weights (0, 0.75, 0)", weights=(0.0, 0.75, 0.0)),
        Arm("all-features", "weights (0.25, 0.5, 0.25)", weights=(0.25, 0.5, 0.25)),
    ),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=CLAIMS,
    metrics=(Metric("l1", "L1 penalty"), Metric("l2", "L2 penalty")),
)
