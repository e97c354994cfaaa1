"""Adam and RMSprop, too, do better with a falling learning rate.

Source: "Lecture 7: Practical considerations for training deep models", slide "Default Baseline
        Models"
Data:   cifar10, standardised
Cost:   quick 75 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run lr-decay-adaptive --scale full

The slide names the optimizers and a decaying rate alone. Network and schedules are those of
lr-schedules: the small convnet, its rate constant, halved after half of the epochs, or falling
geometrically to a twentieth. Each has the best of three first rates, chosen on half of the test
images and judged on the other half.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, metric
from keras_reprise import rule
from keras_reprise.models import small_convnet
from keras_reprise.rates import Restartable, judged_errors, validation_error
from keras_reprise.schedules import constant, geometric, steps

RATES, OPTIMIZERS = (3e-4, 1e-3, 3e-3), {"adam": "Adam", "rmsprop": "RMSprop"}


def schedule(kind, rate, epochs):
    if kind == "step":
        return steps({0: rate, epochs // 2: rate / 2})
    return geometric(rate, 0.05 ** (1 / epochs)) if kind == "geometric" else constant(rate)


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised(), replicate.scale.epochs

    def build(seeds):
        return small_convnet(seeds, data.image_shape, data.classes)

    optimizer = keras.optimizers.Adam() if arm.optimizer == "adam" else keras.optimizers.RMSprop()
    network, runs = Restartable(build, data, replicate, optimizer), []
    for rate in RATES:
        runs.append(network.train(schedule(arm.kind, rate, epochs), epochs))
    best = int(np.argmin([validation_error(history) for history in runs]))
    errors = judged_errors(runs[best], epochs)
    curves = {"error": errors, "train_loss": runs[best].curves["train_loss"]}
    return Measurement({"error": errors[-1], "rate": RATES[best]}, curves)


def error(optimizer, kind):
    return metric(f"{optimizer}-{kind}", "error")


KINDS = {
    "constant": "at a constant rate",
    "step": "the rate halved after half of the epochs",
    "geometric": "the rate falling geometrically to a twentieth",
}
CLAIMS = tuple(
    rule(f"{kind}-beats-constant-{name}")
    .says(f"With {words} a rate that {what} ends with a lower test error than a constant one.")
    .must(error(name, kind) < error(name, "constant"))
    for name, words in OPTIMIZERS.items()
    for kind, what in (("step", "is halved"), ("geometric", "falls geometrically"))
)

RECIPE = Recipe(
    slug="lr-decay-adaptive",
    version=1,
    question="Does a falling learning rate help Adam and RMSprop, too?",
    sources=Source("training-practice-slides", "Default Baseline Models"),
    data="cifar10",
    arms=tuple(
        Arm(f"{name}-{kind}", f"{words}, {what}", optimizer=name, kind=kind)
        for name, words in OPTIMIZERS.items()
        for kind, what in KINDS.items()
    ),
    scales=(Scale("quick", n_train=3_000, n_test=2_000, epochs=6), Scale("full", epochs=30)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Adam and RMSprop at their best rates", ("train_loss", "error")),
    metrics=(Metric("error", "test error on images that chose no rate", "percent", "epoch"),),
)
