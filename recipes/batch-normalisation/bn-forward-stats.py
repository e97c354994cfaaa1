"""Batch normalisation: subtract the batch's mean, divide by its deviation, then scale and shift.

Source: "Deep Network Components & Training", slides "Batch normalization - how it works?" and
        "Batch normalization", the algorithm of Ioffe and Szegedy (2015)
Data:   none (a mini-batch whose dimensions have variances from 0.0001 to 10,000)
Cost:   quick 2 s per replicate (2 cores of an AMD EPYC, TensorFlow 2.21);
        full under 1 s (one of two workers, Intel Xeon)
Replay: reprise run bn-forward-stats

The first formula on the slides has no epsilon, the algorithm has one and says no number; Keras's is
0.001.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, at, curve, detail
from keras_reprise import equal, metric, near, nearest, rule
from keras_reprise.search import log_grid

VARIANCES = log_grid(1e-4, 1e4, 9)
WORKS, ALGORITHM = "Batch normalization - how it works?", "Batch normalization"


def mini_batch(arm, replicate):
    """Skewed numbers (m, 9), or as many in images of 4 x 4, of exactly these variances."""
    shape = (replicate.scale.batch, *arm.places, len(VARIANCES))
    numbers = replicate.seeds.generator("data").standard_exponential(shape)
    axes = tuple(range(numbers.ndim - 1))
    numbers = (numbers - numbers.mean(axes)) / numbers.std(axes)
    return ((numbers + 3) * np.sqrt(VARIANCES)).astype("float32")


def moments(x):
    wide = x.reshape(-1, x.shape[-1]).astype("float64")
    return wide.mean(axis=0), wide.var(axis=0)


def measure(arm, replicate):
    x, draw = mini_batch(arm, replicate), replicate.seeds.generator("data", "gamma and beta")
    layer = keras.layers.BatchNormalization(epsilon=arm.epsilon)

    def normalised(x, gamma=1.0, beta=0.0):
        if not layer.built:
            layer.build(x.shape)
        layer.gamma.assign(np.broadcast_to(gamma, len(VARIANCES)))
        layer.beta.assign(np.broadcast_to(beta, len(VARIANCES)))
        return np.array(keras.ops.convert_to_numpy(layer(x, training=True)))

    mean, variance = moments(x)
    plain = normalised(x)
    found, spread = moments(plain)
    gamma, beta = draw.uniform(0.5, 2, len(VARIANCES)), draw.uniform(-1, 1, len(VARIANCES))
    by_hand = gamma * (x - mean) / np.sqrt(variance + arm.epsilon) + beta
    undone = normalised(x, np.sqrt(variance + arm.epsilon), mean)
    other = x.copy()
    other[0, ..., 4] += 100.0  # one example, one dimension
    changed = abs(normalised(other) - plain) > 1e-6
    metrics = {
        "algorithm_off": abs(normalised(x, gamma, beta) - by_hand).max(),
        "mean_off": abs(found).max(),
        "variance_off": abs(spread - 1).max(),
        "undone_off": (abs(undone - x) / np.sqrt(variance)).max(),
        "examples_changed": changed[..., 4].mean(),
        "others_changed": np.delete(changed, 4, axis=-1).sum(),
        "learned": sum(variable.shape[0] for variable in layer.trainable_variables) / 9,
    }
    return Measurement(metrics, {"variance": spread, "variance_before": variance})


def exact(arm, name, bound=1e-4):
    return metric(arm, name) < bound


VARIANCE, BEFORE = curve("keras", "variance"), curve("keras", "variance_before")
EXACT = {"kind": "exact", "expectation": "MATH"}
CLAIMS = (
    rule("is-the-algorithm", ALGORITHM, **EXACT)
    .says("The slide's algorithm, with gamma and beta, gives what Keras's layer does in training.")
    .must(exact("keras", "algorithm_off"), equal(1)),
    rule("centred-and-of-unit-variance", **EXACT)
    .says("Less the mean and over the root of the variance each dimension has mean 0, variance 1.")
    .must(exact("formula", "mean_off") & exact("formula", "variance_off"), equal(1)),
    rule("each-dimension-by-itself", **EXACT)
    .says("A change in one dimension changes no other.")
    .must(metric("keras", "others_changed"), equal(0)),
    detail("over-the-mini-batch", **EXACT)
    .says("But there it changes what every example of the mini-batch becomes.")
    .must(metric("keras", "examples_changed") > 0.99, equal(1)),
    detail("both-are-learned", ALGORITHM, **EXACT)
    .says("A dimension has two numbers that are learned.")
    .must(metric("keras", "learned"), equal(2)),
    detail("gamma-beta-undo-it", ALGORITHM, **EXACT)
    .says("With gamma the deviation and beta the mean the layer gives back what it was given.")
    .must(exact("keras", "undone_off", 1e-3), equal(1)),
    detail("epsilon-halves-a-small-variance", ALGORITHM, **EXACT)
    .says("A variance as small as Keras's epsilon of 0.001 becomes one half, not one.")
    .must(at(VARIANCE, nearest(BEFORE, 1e-3)), near(0.5, absolute=1e-3)),
    detail("images-by-channel", ALGORITHM, **EXACT)
    .says("Of images the channels are normalised, over the mini-batch and all places.")
    .must(exact("images", "mean_off") & exact("images", "variance_off"), equal(1)),
)

RECIPE = Recipe(
    slug="bn-forward-stats",
    version=1,
    question="What does batch normalisation do to a mini-batch?",
    sources=(Source("cs231n-slides", WORKS), Source("cs231n-slides", ALGORITHM)),
    arms=(
        Arm("formula", "the formula, without an epsilon", epsilon=0.0, places=()),
        Arm("keras", "Keras's epsilon of 0.001", epsilon=1e-3, places=()),
        Arm("images", "channels of images, without an epsilon", epsilon=0.0, places=(4, 4)),
    ),
    scales=(Scale("quick", batch=100), Scale("full", batch=1_000)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("After normalisation", "variance", x="variance_before", x_log=True),
    metrics=(
        Metric("variance", "variance of a dimension after it", "", "dimension"),
        Metric("variance_before", "variance of the dimension before it", "", "dimension"),
        Metric("algorithm_off", "greatest distance from the algorithm computed by hand"),
        Metric("mean_off", "greatest distance of a mean from 0"),
        Metric("variance_off", "greatest distance of a variance from 1"),
        Metric("undone_off", "greatest distance from what was given, over the deviation"),
        Metric("examples_changed", "share of the examples that change", "share"),
        Metric("others_changed", "numbers of other dimensions that change"),
        Metric("learned", "learned numbers a dimension"),
    ),
)
