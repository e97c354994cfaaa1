"""Units times p at test time give what training with dropout gives on average, if all is linear.

Source: "Introduction to Deep Learning, Lecture 03", slide "Dropout Regularization"; "Deep Network
        Components & Training" (after CS231n), slide "REGULARIZATION: DROPOUT"
Data:   none (standard normal inputs)
Cost:   quick 12 s per replicate, full 66 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run dropout-passes --scale full

One document's p keeps a unit, the other's drops it, as Keras's rate does. One multiplies by the
share kept at test time, Keras divides by it in training. Averages are of a 64-256-256-10 network at
its initial weights, dropout after each hidden layer, with ReLUs and without: how far all outputs'
averages over so many passes lie from what is expected, in standard errors of the passes.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import metric, near, rule
from keras_reprise.models import normalised_dense

UNITS, PASSES = 256, (10, 30, 100, 300, 1000, 3000, 10_000)


def outputs(model, x, training):
    return keras.ops.convert_to_numpy(model(x, training=training))


def as_written(weights, x, keep, draw):
    """A training pass of the document on each row of `x`, without ReLUs: units kept with p."""
    for kernel in weights[:-2:2]:  # no biases yet
        x = (x @ kernel) * (draw.random((len(x), UNITS)) < keep)
    return x @ weights[-2]


def distances(passes, expected):
    """How far means of the first n passes (inputs, passes, 10) lie from `expected` (inputs, 10),
    for each n of `PASSES`, over the outputs' size; and the last in standard errors."""
    means = [passes[:, :n].mean(axis=1) for n in PASSES]
    squares = np.array([np.mean((mean - expected) ** 2) for mean in means])
    errors = np.mean(passes.var(axis=1)) / passes.shape[1]
    last = np.mean((passes.mean(axis=1) - expected) ** 2)
    return 100 * (squares / np.mean(expected**2)) ** 0.5, (last / errors) ** 0.5


def measure(arm, replicate):
    scale, seeds, keep = replicate.scale, replicate.seeds, 1 - arm.rate
    layer = keras.layers.Dropout(arm.rate, seed=seeds.integer("dropout"))
    ones, draw = np.ones((scale.passes, UNITS), "float32"), seeds.generator("data")
    one, other = (outputs(layer, ones, True) == 0 for _ in range(2))
    worst = np.abs(one.mean(axis=0) - arm.rate).max() / (arm.rate * keep / scale.passes) ** 0.5
    metrics = {"dropped": one.mean(), "kept": 1 - one.mean(), "worst_unit": worst}
    metrics["dropped_twice"] = (one & other).mean()
    images, curves = draw.standard_normal((scale.inputs, 64), "float32"), {"passes": PASSES}
    many = [np.repeat(image[None], scale.passes, axis=0) for image in images]
    for kind in ("linear", "relu"):
        model = normalised_dense(seeds, 64, [UNITS] * 2, 10, kind, "none", arm.rate)
        without = outputs(model, images, False)
        passes = np.stack([outputs(model, x, True) for x in many])
        curves[kind], metrics[f"off_{kind}"] = distances(passes, without)
        if kind == "linear":
            passes = np.stack([as_written(model.get_weights(), x, keep, draw) for x in many])
            curves["written"], metrics["off_written"] = distances(passes, without * keep**2)
    return Measurement(metrics | {"gap": curves["relu"][-1]}, curves)


FORMULA = "REGULARIZATION: DROPOUT"
RATES = {"rate-20": 0.2, "rate-50": 0.5, "rate-80": 0.8}
OTHERS = {arm: rate for arm, rate in RATES.items() if arm != "rate-50"}
CLAIMS = (
    rule("drops-with-its-probability", FORMULA)
    .says("Where one half is the probability, a pass sets half of the units to zero.")
    .must(metric("rate-50", "dropped"), near(0.5, absolute=0.005)),
    rule("written-average-at-test")
    .says("Units times p at test time give what training gives on average, without ReLUs.")
    .must(metric("rate-50", "off_written") < 3),
    *(
        detail(f"drops-{100 * rate:.0f}-percent", FORMULA)
        .says(f"Where it is {rate:g}, a pass drops that share: Keras's rate is not what is kept.")
        .must(metric(arm, "dropped"), near(rate, absolute=0.005))
        for arm, rate in OTHERS.items()
    ),
    detail("keeps-with-p")
    .says("A p of 0.8, which is Keras's rate 0.2, keeps four fifths of the units in each pass.")
    .must(metric("rate-20", "kept"), near(0.8, absolute=0.005)),
    detail("each-pass-anew", FORMULA)
    .says("Each pass draws anew: two passes both drop a quarter of the units.")
    .must(metric("rate-50", "dropped_twice"), near(0.25, absolute=0.005)),
    detail("every-unit-alike", FORMULA)
    .says("No unit is dropped more often or less than chance has it, to five standard errors.")
    .must(metric("rate-50", "worst_unit") < 5),
    detail("keras-average-at-test")
    .says("Keras's division by the share kept in training gives the same average, without ReLUs.")
    .must(metric("rate-50", "off_linear") < 3),
    detail("relus-leave-a-gap")
    .says("With ReLUs the average of training is another than the pass at test time.")
    .must(metric("rate-50", "off_relu") > 3),
)

FAR = Panel(("written", "linear", "relu"), "distance (percent of the outputs)", log=True)

RECIPE = Recipe(
    slug="dropout-passes",
    version=1,
    question="Does dropout at test time give what training gives on average?",
    sources=(Source("dl-recap-slides", "Dropout Regularization"), Source("cs231n-slides", FORMULA)),
    arms=tuple(Arm(arm, f"{rate} dropped", rate=rate) for arm, rate in RATES.items()),
    scales=(Scale("quick", passes=10_000, inputs=10), Scale("full", passes=20_000, inputs=30)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Average of training passes", FAR, x="passes", x_log=True, columns="arms"),
    metrics=(
        Metric("dropped", "share of units that a pass drops"),
        Metric("kept", "share of units that a pass keeps"),
        Metric("dropped_twice", "share of units that two passes drop"),
        Metric("worst_unit", "largest distance of a unit's share", "standard errors"),
        Metric("off_written", "distance of the average, as written", "standard errors"),
        Metric("off_linear", "distance of Keras's average", "standard errors"),
        Metric("off_relu", "distance of Keras's average with ReLUs", "standard errors"),
        Metric("gap", "distance of Keras's average with ReLUs", "percent of the outputs"),
        Metric("written", "distance of the average, as written", "percent", "passes"),
        Metric("linear", "distance of Keras's average", "percent", "passes"),
        Metric("relu", "distance of Keras's average with ReLUs", "percent", "passes"),
        Metric("passes", "passes averaged"),
    ),
)
