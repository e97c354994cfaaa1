"""Principal components decorrelate data, and whitening gives each the same variance.

Source: "Deep Network Components & Training" (after CS231n), slide "Step 1: Preprocess the data";
        that features then are uncorrelated and of equal variance is said in Stanford's CS231n
        notes, "Setting up the data and the model", and so are the 144 components
Data:   cifar10, pixels of 0 to 255
Cost:   quick 6 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 93 s (one of two workers, Intel Xeon)
Replay: reprise run pca-whitening --scale full

The first 144 of the images' 3,072 principal components are kept, as in the notes. What is claimed
of variances and covariances is of the training images, which the components are those of; the test
images show what is left of it elsewhere. In the figure two pixels stand for the data.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Scatter, Source, detail
from keras_reprise import last, metric, near, rule
from keras_reprise.whitening import PrincipalComponents

COMPONENTS, SHOWN = 144, 150


def transformed(arm, train, others, k):
    """What the arm makes of examples, by the `k` components of `train`."""
    if arm.name == "as-given":
        return others - train.mean(axis=0)
    components = PrincipalComponents.of(train, k)
    return getattr(components, arm.name)(others)


def measure(arm, replicate):
    data = replicate.dataset().flattened()
    train, test = data.x_train.astype("float64"), data.x_test.astype("float64")
    total = train.var(axis=0).sum()
    both = transformed(arm, train, np.concatenate([train, test]), COMPONENTS)
    found, held_out = both[: len(train)], both[len(train) :]
    covariance = found.T @ found / len(found)
    variances = covariance.diagonal()
    with np.errstate(all="ignore"):  # the digits have pixels that are always black
        correlation = covariance / np.sqrt(np.outer(variances, variances))
    np.fill_diagonal(correlation, 0.0)
    metrics = {
        "correlation": np.nanmax(np.abs(correlation)),
        "variance_ratio": variances.max() / variances[variances > 0].min(),
        "off_identity": np.abs(covariance - np.eye(len(covariance))).max(),
        "held_out_variance": (held_out**2).mean() / (found**2).mean(),
    }
    curves = {"kept": np.cumsum(variances) / total} if arm.name == "decorrelated" else {}
    _, width, channels = replicate.dataset().image_shape
    middle = channels * (width // 2 * (width + 1))
    pair = train[:, [middle - 4 * channels, middle]] / np.sqrt(total / train.shape[1])
    cloud = transformed(arm, pair, pair, 2)[:SHOWN]
    trials = [{"first": first, "second": second} for first, second in cloud]
    return Measurement(metrics, curves, trials=trials)


EXACT, NOTES = {"kind": "exact", "expectation": "MATH"}, "Setting up the data and the model (notes)"
CLAIMS = (
    rule("components-are-uncorrelated", **EXACT)
    .says("The principal components of the training images are uncorrelated.")
    .must(metric("decorrelated", "correlation") < 1e-3),
    rule("whitened-covariance-is-the-identity", **EXACT)
    .says("Whitened training images have uncorrelated components, each of variance 1.")
    .must(metric("whitened", "off_identity") < 1e-3),
    detail("pixels-are-correlated", kind="exact")
    .says("Pixels as they are given are not: two of them correlate by more than 0.9.")
    .must(metric("as-given", "correlation") > 0.9),
    detail("components-differ-in-variance", kind="exact")
    .says("Before whitening the first component varies more than ten times as much as the last.")
    .must(metric("decorrelated", "variance_ratio") > 10),
    detail("few-components-hold-most", NOTES, kind="exact")
    .says("The first 144 of 3,072 components hold most of the variance.")
    .must(last("decorrelated", "kept") > 0.5),
    detail("holds-for-test-images", NOTES, kind="exact")
    .says("Whitened by them, test images have the same variance, to a tenth.")
    .must(metric("whitened", "held_out_variance"), near(1.0, absolute=0.1)),
)

RECIPE = Recipe(
    slug="pca-whitening",
    version=1,
    question="Are images uncorrelated and of equal variance once they are whitened?",
    sources=Source("cs231n-slides", "Step 1: Preprocess the data"),
    data="cifar10",
    arms=(
        Arm("as-given", "minus the mean image"),
        Arm("decorrelated", "turned to their principal components"),
        Arm("whitened", "each component divided by its deviation"),
    ),
    scales=(Scale("quick", n_train=3_000, n_test=1_000, seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Scatter("Two pixels of the images, four columns apart", "first", "second"),
        Curves("Variance held by the first components", "kept", columns="arms"),
    ),
    metrics=(
        Metric("correlation", "largest correlation of two features"),
        Metric("variance_ratio", "largest variance over the smallest"),
        Metric("off_identity", "largest distance of the covariance from the identity"),
        Metric("held_out_variance", "variance of the test images over the training images'"),
        Metric("kept", "part of the variance", "fraction", "number of components"),
        Metric("first", "first coordinate (in deviations of a pixel)"),
        Metric("second", "second coordinate"),
    ),
)
