"""L1 prefers one large weight, L2 several small ones, though both weightings predict the same

Source: document 004 (004:214-243)
Data:   none (three numbers)
Cost:   quick under a second per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run l1-l2-toy --scale full

x = (1, 2, 1); the weights (0, 0.75, 0) and (0.25, 0.5, 0.25) both give 1.5. The penalties are computed by Keras's regularizers,
so that a change of their meaning is noticed.
"""

import keras
import numpy as np

from keras_reprise import Arm, Claim, Measurement, Recipe, Scale, Source, near

X = np.array([1.0, 2.0, 1.0], "float32")
L1_ERRATUM = "X5: 004:222 prints the sum as 0.25 + 0.5 + 0.5; the last term is 0.25 and the sum 1.0 as printed."
L2_ERRATUM = "X5: 004:237-239 rounds 0.5625 to 0.56 and 0.375 to 0.37."


def measure(arm, replicate):
    weights = keras.ops.convert_to_tensor(np.array(arm.weights, "float32"))
    return Measurement(
        {
            "prediction": float(keras.ops.sum(weights * X)),
            "l1": float(keras.regularizers.L1(1.0)(weights)),
            "l2": float(keras.regularizers.L2(1.0)(weights)),
        }
    )


def metric(name):
    return lambda arms, scale: {key: arm.metrics[name] for key, arm in arms.items()}


def exact(id, says, where, arm, name, value, printed, erratum=None):
    """The claim that a metric of an arm is this value."""
    return Claim(id, says, where, lambda arms, scale: arms[arm].metrics[name], **near(value, absolute=1e-6), exact=True, expectation="MATH", printed=printed, erratum=erratum, measures=f"{name} of the weights {arm}")


RECIPE = Recipe(
    slug="l1-l2-toy",
    version=1,
    question="Which of two weightings with equal predictions does each penalty prefer?",
    sources=(Source("dl-recap-slides", "004:214-243"),),
    arms=(
        Arm("one-feature", "weights (0, 0.75, 0)", weights=(0.0, 0.75, 0.0)),
        Arm("all-features", "weights (0.25, 0.5, 0.25)", weights=(0.25, 0.5, 0.25)),
    ),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=(
        exact("one-feature-prediction", "The first weighting predicts 1.5.", "004:216", "one-feature", "prediction", 1.5, 1.5),
        exact("all-features-prediction", "The second predicts the same.", "004:218", "all-features", "prediction", 1.5, 1.5),
        exact("one-feature-l1", "The L1 penalty of the first is 0.75.", "004:220", "one-feature", "l1", 0.75, 0.75),
        exact("all-features-l1", "The L1 penalty of the second is 1.", "004:222", "all-features", "l1", 1.0, 1.0, L1_ERRATUM),
        exact("one-feature-l2", "The L2 penalty of the first is 0.5625.", "004:237", "one-feature", "l2", 0.5625, 0.56, L2_ERRATUM),
        exact("all-features-l2", "The L2 penalty of the second is 0.375.", "004:239", "all-features", "l2", 0.375, 0.37, L2_ERRATUM),
        Claim("l1-ignores-features", "L1 prefers the weighting that ignores two features.", "004:224-226", lambda arms, scale: metric("l1")(arms, scale)["one-feature"] - metric("l1")(arms, scale)["all-features"], below=0.0, exact=True, expectation="MATH", measures="L1 penalty of the first weighting minus that of the second"),
        Claim("l2-spreads-weight", "L2 prefers the weighting that uses all features.", "004:240-243", lambda arms, scale: metric("l2")(arms, scale)["all-features"] - metric("l2")(arms, scale)["one-feature"], below=0.0, exact=True, expectation="MATH", measures="L2 penalty of the second weighting minus that of the first"),
    ),  # fmt: skip
)
