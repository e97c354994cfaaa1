"""No one learning rate is right for all networks and data.

Source: "Introduction to Deep Learning" (recap), slide "Learning Rate"
Data:   cifar10, standardised; in one arm pixels of 0 to 255 minus the mean image
Cost:   quick 86 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 6 min (one of two workers, Intel Xeon)
Replay: reprise run lr-no-single-rate --scale full
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, detail, number
from keras_reprise import rule
from keras_reprise.models import dense_classifier, normalised_convnet, small_convnet
from keras_reprise.rates import Restartable
from keras_reprise.search import log_grid

# The slide names no networks. Rates are those of plain SGD, in batches of 100.
RATES = log_grid(1e-5, 1.0, 11)
HIDDEN = {"linear": [], "dense": [100], "deep": [100, 100, 100], "raw-pixels": [100]}


def measure(arm, replicate):
    data = replicate.dataset()
    raw = arm.name == "raw-pixels"
    data = data.mean_image_subtracted() if raw else data.standardised()
    data = data.flattened() if arm.name in HIDDEN else data

    def build(seeds):
        if arm.name in HIDDEN:
            features, hidden = data.image_shape[0], HIDDEN[arm.name]
            return dense_classifier(seeds, features, hidden, data.classes)
        convnet = small_convnet if arm.name == "convnet" else normalised_convnet
        return convnet(seeds, data.image_shape, data.classes)

    network = Restartable(build, data, replicate)

    def trained(rate):
        history = network.train(rate, replicate.scale.epochs)
        return {"error": 100 * history.last["test_error"]}

    trials = replicate.sweep([{"rate": rate} for rate in RATES], trained)
    return Measurement(curves={"rate": RATES, "error": [trial["error"] for trial in trials]})


def summarise(arms, scale):
    """What the worst network loses, in points, at the one rate at which that is least."""
    errors = np.array([arm.curves["error"] for arm in arms.values()])
    losses = errors - errors.min(axis=1, keepdims=True)
    same_data = losses[[name != "raw-pixels" for name in arms]]
    return {"lost": losses.max(axis=0).min(), "lost_standardised": same_data.max(axis=0).min()}


CLAIMS = (
    rule("some-network-loses")
    .says("Whichever rate is chosen, some network or data lose more than two points by it.")
    .must(number("lost") > 2.0),
    detail("some-network-loses-on-the-same-data")
    .says("So it is for networks on the same standardised data.")
    .must(number("lost_standardised") > 2.0),
)

RECIPE = Recipe(
    slug="lr-no-single-rate",
    version=1,
    question="Is there one learning rate that is right for all networks?",
    sources=Source("dl-recap-slides", "Learning Rate"),
    data="cifar10",
    arms=(
        Arm("linear", "no hidden layer"),
        Arm("dense", "100 hidden units"),
        Arm("deep", "three hidden layers of 100 units"),
        Arm("convnet", "two convolutions, 200 hidden units"),
        Arm("normalised", "two convolutions with batch normalisation"),
        Arm("raw-pixels", "100 hidden units, pixels not standardised"),
    ),
    scales=(
        Scale("quick", n_train=2_000, n_test=2_000, epochs=4),
        Scale("full", n_train=10_000, n_test=5_000, epochs=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error by rate", "error", x="rate", x_log=True),
    metrics=(
        Metric("error", "test error", "percent", "rate"),
        Metric("lost", "test error above the own best, worst network, least over rates", "points"),
        Metric("lost_standardised", "the same, standardised data", "points"),
    ),
    summarise=summarise,
)
