"""Poor optimisation, few data and a wrong family each leave an error.

Source: "Lecture 7: Practical considerations for training deep models", slide "Performance Metrics"
Data:   none (points in the plane, those near the origin mostly of one class)
Cost:   quick 14 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21);
        full 2 min (one of two workers, Intel Xeon)
Replay: reprise run causes-of-error --scale full

The slide gives no experiment. Inputs are two standard normal numbers r from the origin, class 1 has
the probability 1 / (1 + exp(3 (1.4 - r^2))), so that the least error of any rule is known for each
set of points. A 2-32-2 network with many points and many updates of Adam has none of the causes.
Each other arm has one of them: few updates, few points, or no hidden layer, whose border is a
straight line; the last has all three. Excess is the test error minus that of the best rule on the
same points, mean over several draws.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import detail, metric, near, rule, train
from keras_reprise.models import dense_classifier


def points(n, draw):
    """`n` points, their classes and the best rule's answers."""
    x = draw.standard_normal((n, 2)).astype("float32")
    logits = 3 * ((x**2).sum(axis=1) - 1.4)
    classes = draw.random(n) < 1 / (1 + np.exp(-logits))
    return x, classes.astype("int32"), logits > 0


def measure(arm, replicate):
    scale = replicate.scale
    updates = scale.few_updates if arm.few_updates else scale.updates
    looks = 4

    def trained(draw):
        generator = replicate.seeds.generator("data", draw)
        x_test, y_test, best = points(scale.n_test, generator)
        x, y, _ = points(scale.many, generator)
        x, y = (x[: scale.few], y[: scale.few]) if arm.few_points else (x, y)
        history = train(
            dense_classifier(replicate.seeds, 2, [] if arm.straight else [32], 2),
            Dataset.of("points", x, y, x_test, y_test),
            replicate,
            optimizer=keras.optimizers.Adam(0.01),
            batch_size=40,
            order=Order("with-replacement", examples=40 * updates // looks),
            epochs=looks,
        )
        least = np.mean(best != y_test)
        errors = 100 * (np.array(history.curves["test_error"]) - least)
        return {f"excess_{look}": error for look, error in enumerate(errors, 1)}

    trials = replicate.sweep([{"draw": draw} for draw in range(scale.draws)], trained)
    excess = [trials.column(f"excess_{look}").mean() for look in range(1, looks + 1)]
    curves = {"updates": [updates // looks * look for look in range(1, looks + 1)]}
    return Measurement({"excess": excess[-1]}, curves | {"excess": excess}, trials=trials)


def beyond(cause):
    """The excess that a cause brings to a network that has no other."""
    return metric(cause, "excess") - metric("none", "excess")


CAUSES = {"few-updates": "few updates", "few-points": "few points", "straight": "a straight border"}
CLAIMS = (
    *(
        rule(f"{cause}-leave-an-error")
        .says(f"With {words} an error remains that is not there without.")
        .must(beyond(cause) > 0)
        for cause, words in CAUSES.items()
    ),
    rule("without-them-hardly-any-remains")
    .says("Without the three causes the error is that of the best rule, within half a point.")
    .must(metric("none", "excess") < 0.5),
    detail("three-parts-add-up", expectation="MIXED")
    .says("With all three the excess is the sum of the three, within two points.")
    .must(
        beyond("all") - beyond("few-updates") - beyond("few-points") - beyond("straight"),
        near(0, absolute=2),
        unit="points",
    ),
)

RECIPE = Recipe(
    slug="causes-of-error",
    version=1,
    question="Which error do poor optimisation, few data and a wrong family each leave?",
    sources=Source("training-practice-slides", "Performance Metrics"),
    arms=(
        Arm("none", "none of the causes", few_updates=False, few_points=False, straight=False),
        Arm("few-updates", "few updates", few_updates=True, few_points=False, straight=False),
        Arm("few-points", "few points", few_updates=False, few_points=True, straight=False),
        Arm("straight", "no hidden layer", few_updates=False, few_points=False, straight=True),
        Arm("all", "all three", few_updates=True, few_points=True, straight=True),
    ),
    scales=(
        Scale("quick", draws=4, many=20_000, few=40, updates=1_500, few_updates=40, n_test=20_000),
        Scale(
            "full", draws=20, many=100_000, few=40, updates=8_000, few_updates=40, n_test=100_000
        ),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Error beyond the best rule's", "excess", x="updates", x_log=True),
    metrics=(
        Metric("updates", "updates"),
        Metric("excess", "test error minus that of the best rule", "points", "look"),
    ),
)
