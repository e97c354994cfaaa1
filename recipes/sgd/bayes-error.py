"""Some error remains whatever one does: it comes from inputs that are missing and from chance.

Source: Harakeh, lecture 7, slide "Performance Metrics"
Data:   none (two overlapping normal clusters in the plane)
Cost:   quick 64 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 70 s (one of two workers, Intel Xeon)
Replay: reprise run bayes-error --scale full

The clusters lie around (1, 1) and (-1, -1) with unit variance, so that the least possible error is
Phi(-sqrt(2)) = 7.9 %. With one of the two coordinates hidden it is Phi(-1) = 15.9 %; with a tenth
of the outcomes flipped by chance 0.1 + 0.8 Phi(-sqrt(2)) = 16.3 %. The network, 2-32-2, is trained
with as many updates on all sets. On the same points a single network may err a little less than
the best rule, by chance; on average, of many examples, none does.
"""

import keras
import numpy as np
from scipy.stats import norm

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Panel, Recipe, Scale
from keras_reprise import Source, detail, first, last, mean, near, rule, train
from keras_reprise.models import dense_classifier
from keras_reprise.schedules import cosine

FLIPPED = 0.1
LEAST = {
    "both": 100 * norm.cdf(-(2**0.5)),
    "hidden": 100 * norm.cdf(-1),
    "flipped": 100 * (FLIPPED + (1 - 2 * FLIPPED) * norm.cdf(-(2**0.5))),
}


def points(n, arm, draw):
    """`n` points and their classes as far as the arm shows them, and the best rule's answers."""
    classes = draw.integers(0, 2, n)
    x = draw.standard_normal((n, 2)) + (2 * classes - 1)[:, None]
    best = x[:, 0] + (0 if arm.hidden else x[:, 1]) > 0
    x[:, 1] *= not arm.hidden
    flips = draw.random(n) < FLIPPED if arm.flipped else np.zeros(n, bool)
    return x.astype("float32"), np.where(flips, 1 - classes, classes).astype("int32"), best


def measure(arm, replicate):
    scale, draw = replicate.scale, replicate.seeds.generator("data", arm.name)
    x_test, y_test, best = points(scale.n_test, arm, draw)
    wrong_at_best = 100 * np.mean(best != y_test)
    x, y, _ = points(max(scale.sizes), arm, draw)

    def trained(size):
        history = train(
            dense_classifier(replicate.seeds, 2, [32], 2),
            Dataset.of("clusters", x[:size], y[:size], x_test, y_test),
            replicate,
            optimizer=keras.optimizers.Adam(),
            learning_rate=cosine(0.01, 4),
            order=Order("with-replacement", examples=100 * scale.updates // 4),
            batch_size=100,
            epochs=4,
        )
        error = 100 * history.last["test_error"]
        return {"error": error, "excess": error - wrong_at_best}

    trials = replicate.sweep([{"size": size} for size in scale.sizes], trained)
    curves = {name: [trial[name] for trial in trials] for name in ("size", "error", "excess")}
    return Measurement(curves=curves, trials=trials)


ARMS = tuple(LEAST)
EXCESS = mean(*(last(arm, "excess") for arm in ARMS))
MORE = mean(*(first(arm, "excess") - last(arm, "excess") for arm in ARMS))
CLAIMS = (
    rule("an-error-remains", expectation="MATH")
    .says("With very many examples the error tends to the least possible one, 7.9 %.")
    .must(last("both", "error"), near(LEAST["both"], absolute=0.3)),
    rule("no-error-below-the-least", expectation="MATH")
    .says("With very many examples networks err no less than the best rule, to 0.05 points.")
    .must(EXCESS > -0.05, measures="Error above the best rule's on the same points, mean of arms"),
    rule("missing-input-raises-it", expectation="MATH")
    .says("Where an input is missing, the error that remains is 15.9 %.")
    .must(last("hidden", "error"), near(LEAST["hidden"], absolute=0.3)),
    rule("random-outcome-raises-it", expectation="MATH")
    .says("Where a tenth of the outcomes is random, it is 16.3 %.")
    .must(last("flipped", "error"), near(LEAST["flipped"], absolute=0.3)),
    detail("few-examples-cost-more")
    .says("With a hundred examples the error is above that with very many.")
    .must(MORE > 0, measures="Error with 100 minus with most examples, mean of the arms"),
)

RECIPE = Recipe(
    slug="bayes-error",
    version=1,
    question="Is there an error that no network can go below, and where does it come from?",
    sources=Source("training-practice-slides", "Performance Metrics"),
    arms=(
        Arm("both", "both coordinates", hidden=False, flipped=False),
        Arm("hidden", "one coordinate hidden", hidden=True, flipped=False),
        Arm("flipped", "a tenth of the classes flipped", hidden=False, flipped=True),
    ),
    scales=(
        Scale("quick", sizes=(100, 1_000, 10_000, 100_000), n_test=100_000, updates=1_000),
        Scale(
            "full", sizes=(100, 1_000, 10_000, 100_000, 1_000_000), n_test=500_000, updates=4_000
        ),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Test error by training examples",
        (
            Panel("error", level=LEAST["both"], level_label="least possible, both coordinates"),
            Panel("excess", level=0.0, level_label="the best rule"),
        ),
        x="size",
        x_log=True,
    ),
    metrics=(
        Metric("size", "training examples"),
        Metric("error", "test error", "percent", "size"),
        Metric("excess", "error above that of the best rule", "points", "size"),
    ),
)
