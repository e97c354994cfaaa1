"""Batch normalisation makes activations unit Gaussian: mean 0, variance 1 and the shape.

Source: "Deep Network Components & Training", slide "Batch normalization" on unit Gaussian
        activations
Data:   none (numbers of several distributions, and what a random ReLU network computes of some)
Cost:   quick 3 s per replicate (2 cores of an AMD EPYC, TensorFlow 2.21);
        full 1 s (one of two workers, Intel Xeon)
Replay: reprise run bn-unit-gaussian

Gaussian is what is nearer than 0.05 to the normal distribution of mean 0 and variance 1, by
Kolmogorov's distance, the greatest difference of the distribution functions. It is about 0.01 for
as many normal numbers.
"""

import keras
import numpy as np
from scipy.stats import kstest, skew

from keras_reprise import Arm, Histogram, HistogramGrid, Measurement, Metric, Recipe, Scale, Source
from keras_reprise import column, detail, equal, first, keep, maximum, rule, same


def activations(shape, draw, n):
    """Numbers (n, 5): five units, each with a number for every example."""
    if shape == "normal":
        return draw.standard_normal((n, 5))
    if shape == "uniform":
        return draw.uniform(0, 1, (n, 5))
    if shape == "exponential":
        return draw.standard_exponential((n, 5))
    if shape == "two-values":
        return draw.integers(0, 2, (n, 5)).astype(float)
    hidden = np.maximum(draw.standard_normal((n, 100)), 0)
    if shape == "after-relu":
        return hidden[:, :5]
    return hidden @ draw.standard_normal((100, 5))  # of the next layer, before its nonlinearity


SHAPES = ("normal", "before-relu", "after-relu", "uniform", "exponential", "two-values")


def measure(arm, replicate):
    trials, histograms = [], {}
    for shape in SHAPES:
        draw = replicate.seeds.generator("data", shape)
        before = activations(shape, draw, replicate.scale.examples)
        before = (3 * before + 2).astype("float32")
        layer = keras.layers.BatchNormalization(epsilon=1e-5)
        after = np.array(keras.ops.convert_to_numpy(layer(before, training=True))).astype(float)
        histograms[f"after_{shape}"] = Histogram.of(after, -3.5, 3.5, 35)
        trials.append(
            {
                "shape": shape,
                "mean": after.mean(axis=0)[0],
                "variance": after.var(axis=0)[0],
                "distance": np.mean([kstest(unit, "norm").statistic for unit in after.T]),
                "skewness_before": skew(before.astype(float), axis=0).mean(),
                "skewness": skew(after, axis=0).mean(),
            }
        )
    return Measurement(histograms=histograms, trials=trials)


def of_shape(shape, name):
    return first(keep(column("layer", name), same(column("layer", "shape"), shape)))


MEAN, VARIANCE, DISTANCE, BEFORE, AFTER = (
    column("layer", name)
    for name in ("mean", "variance", "distance", "skewness_before", "skewness")
)
UNIT = (maximum(abs(MEAN)) < 1e-4) & (maximum(abs(VARIANCE - 1)) < 1e-3)
SHIFTED = "Subtracting a number and dividing by another changes no distribution's shape."
CLAIMS = (
    rule("mean-0-and-variance-1", kind="exact", expectation="MATH")
    .says(
        "Whatever the activations were, batch normalisation makes their mean 0, their variance 1."
    )
    .must(UNIT, equal(1)),
    rule("gaussian", kind="exact", expectation="FALSE-AS-STATED", erratum=SHIFTED)
    .says("Whatever the activations were, batch normalisation makes them Gaussian.")
    .must(maximum(DISTANCE) < 0.05, equal(1)),
    detail("shape-stays", kind="exact", expectation="MATH")
    .says("Their skewness stays what it was.")
    .must(maximum(abs(AFTER - BEFORE)) < 1e-3, equal(1)),
    detail("gaussian-stays-gaussian", kind="exact", expectation="MATH")
    .says("What was Gaussian is unit Gaussian after it.")
    .must(of_shape("normal", "distance") < 0.05, equal(1)),
    detail("before-a-relu", kind="discrete")
    .says("So is nearly what enters a ReLU, a sum over many units.")
    .must(of_shape("before-relu", "distance") < 0.05),
    detail("after-a-relu", kind="exact", expectation="MATH")
    .says("What leaves the ReLU is not.")
    .must(of_shape("after-relu", "distance") < 0.05, equal(0)),
)

RECIPE = Recipe(
    slug="bn-unit-gaussian",
    version=1,
    question="Does batch normalisation make activations unit Gaussian?",
    sources=Source("cs231n-slides", "Batch normalization"),
    arms=(Arm("layer", "Keras's batch normalisation, epsilon 0.00001"),),
    scales=(Scale("quick", examples=10_000), Scale("full", examples=100_000)),
    measure=measure,
    claims=CLAIMS,
    figures=HistogramGrid("After batch normalisation", SHAPES, ("after",), "activation"),
    metrics=(
        Metric("mean", "mean after it"),
        Metric("variance", "variance after it"),
        Metric("distance", "Kolmogorov's distance from the unit Gaussian"),
        Metric("skewness_before", "skewness before it"),
        Metric("skewness", "skewness after it"),
        Metric("shape", "distribution of the activations"),
    ),
)
