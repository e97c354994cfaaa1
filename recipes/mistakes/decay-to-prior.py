"""A penalty pulls the weights towards some prior value, in most cases zero.

Source: "Training" (notes on hyper-parameters), section "Hyper parameters of model"
Data:   none (scikit-learn's digits; the other prior is learned on them shifted by one pixel)
Cost:   quick 4 s per replicate, full 12 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run decay-to-prior --scale full

The penalty is 0.1 |w - prior|^2. Alone, on inputs of zeros, each step of SGD at the rate 0.1 leaves
1 - 0.02 of the distance, by the formula. Then weights learned on shifted digits are tuned to 40
others; a linear classifier without biases, priors and sizes are ours.
"""

import keras
import numpy as np
from sklearn.datasets import load_digits

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import detail, equal, maximum, metric, rule, train

STRENGTH, RATE = 0.1, 0.1


class ToPrior(keras.regularizers.Regularizer):
    """The squared distance from a prior, times the strength."""

    def __init__(self, prior):
        self.prior = prior

    def __call__(self, x):
        return STRENGTH * keras.ops.sum((x - self.prior) ** 2)


def fitted(replicate, start, penalty, data, epochs):
    """The weights after so many steps from `start` (64, 10), and how they went."""
    layer = keras.layers.Dense(
        10, use_bias=False, kernel_initializer="zeros", kernel_regularizer=penalty
    )
    model = keras.Sequential([keras.Input((64,)), layer])
    layer.kernel.assign(start)

    def distance():
        kernel = keras.ops.convert_to_numpy(layer.kernel)
        return {"distance": np.linalg.norm(kernel - (penalty.prior if penalty else 0))}

    history = train(
        model,
        Dataset.of("digits", *data),
        replicate,
        optimizer=keras.optimizers.SGD(RATE),
        batch_size=len(data[0]),
        order=Order("stored"),
        epochs=epochs,
        probe=distance,
    )
    return keras.ops.convert_to_numpy(layer.kernel), history


def measure(arm, replicate):
    scale, draw, digits = replicate.scale, replicate.seeds.generator("data"), load_digits()
    order = draw.permutation(len(digits.target))
    images, y = digits.images[order].astype("float32") / 16, digits.target[order].astype("int32")
    x, shifted = (part.reshape(-1, 64) for part in (images, np.roll(images, 1, axis=2)))
    task = (shifted[:800], y[:800], x[800:], y[800:])
    learned, _ = fitted(replicate, np.zeros((64, 10), "float32"), None, task, scale.epochs)
    prior = learned if arm.learned else np.zeros_like(learned)
    penalty = ToPrior(prior) if arm.penalty else None
    nothing, start = np.zeros((40, 64), "float32"), draw.standard_normal((64, 10), "float32")
    _, moving = fitted(replicate, start, penalty, (nothing, y[:40], nothing, y[:40]), scale.epochs)
    few = (x[800:840], y[800:840], x[840:], y[840:])
    tuned, tuning = fitted(replicate, learned, penalty, few, scale.epochs)
    alone = np.array(moving.curves["distance"])
    expected = 1 - 2 * RATE * STRENGTH if arm.penalty else 1
    keras_l2 = keras.regularizers.L2(STRENGTH)(start) - ToPrior(0.0)(start)
    metrics = {
        "off_formula": np.abs(alone[1:] / alone[:-1] - expected).max(),
        "off_keras": abs(float(keras_l2)),
        "moved": np.linalg.norm(tuned - learned),
        "accuracy": 100 * (1 - tuning.last["test_error"]),
    }
    return Measurement(metrics, {"distance": alone, "test_error": tuning.curves["test_error"]})


CLAIMS = (
    rule("pulls-to-the-prior", kind="exact", expectation="MATH")
    .says(
        "Alone, the penalty takes the weights towards its prior, a fiftieth of the way each step."
    )
    .must(
        maximum(metric("zero", "off_formula"), metric("learned", "off_formula")) < 1e-4, equal(1)
    ),
    detail("keras-has-zero", kind="exact", expectation="MATH")
    .says("Keras's L2 is the penalty with the prior zero.")
    .must(metric("zero", "off_keras") < 1e-3, equal(1)),
    detail("nothing-pulls-without", kind="exact", expectation="MATH")
    .says("Without a penalty nothing moves them.")
    .must(metric("none", "off_formula") < 1e-6, equal(1)),
    detail("learned-prior-tests-better")
    .says("Tuned to 40 images, weights pulled to what was learned before test better than to zero.")
    .must(metric("learned", "accuracy") > metric("zero", "accuracy")),
    detail("learned-prior-keeps-weights", kind="positive")
    .says("And they stay nearer to it than without a penalty.")
    .must(metric("none", "moved") / metric("learned", "moved") > 1.0),
)

RECIPE = Recipe(
    slug="decay-to-prior",
    version=1,
    question="Where does a penalty pull the weights, to zero or to any value one likes?",
    sources=Source("hyperparameters-notes", "Hyper parameters of model"),
    arms=(
        Arm("zero", "penalty of the distance from zero", penalty=True, learned=False),
        Arm("learned", "of that from weights learned before", penalty=True, learned=True),
        Arm("none", "no penalty", penalty=False, learned=False),
    ),
    scales=(Scale("quick", epochs=60), Scale("full", epochs=300)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Penalty alone, and while tuning", ("distance", "test_error")),
    metrics=(
        Metric("off_formula", "largest distance of the ratio of two steps from the formula's"),
        Metric("off_keras", "distance of Keras's L2"),
        Metric("moved", "distance from the weights learned before"),
        Metric("accuracy", "test accuracy", "percent"),
        Metric("distance", "distance from the prior", per="step"),
    ),
)
