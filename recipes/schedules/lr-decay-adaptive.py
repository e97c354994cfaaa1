"""Adam and RMSprop, too, do better with a falling learning rate.

Source: "Lecture 7: Practical considerations for training deep models", slide "Default Baseline
        Models"
Data:   cifar10, standardised
Cost:   quick 49 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run lr-decay-adaptive --scale full

The slide names the optimizers and a decaying rate alone. Network and schedules are those of
lr-schedules: the small convnet, its rate constant, halved after half of the epochs, or falling
geometrically to a twentieth. Each has its best first rate, searched for on half of the test images
and judged on the other half. Six epochs of 2,000 images (quick) are short: a rate that falls ends
the training early there, so that the full scale's thirty epochs are what the slide speaks of.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, metric
from keras_reprise import rule
from keras_reprise.models import small_convnet
from keras_reprise.rates import Restartable, judged_errors, rate_search, validation_error
from keras_reprise.schedules import constant, geometric, steps

RATES, OPTIMIZERS = (1e-3, 3e-3), {"adam": "Adam", "rmsprop": "RMSprop"}


def schedule(kind, rate, epochs):
    if kind == "step":
        return steps({0: rate, epochs // 2: rate / 2})
    return geometric(rate, 0.05 ** (1 / epochs)) if kind == "geometric" else constant(rate)


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised(), replicate.scale.epochs

    def build(seeds):
        return small_convnet(seeds, data.image_shape, data.classes)

    optimizer = keras.optimizers.Adam() if arm.optimizer == "adam" else keras.optimizers.RMSprop()
    network, runs = Restartable(build, data, replicate, optimizer), {}

    def tried(rate):
        falling = schedule(arm.kind, rate, epochs)
        runs[rate] = network.train(falling, epochs, batch_size=replicate.scale.batch_size)
        return validation_error(runs[rate])

    found = rate_search(RATES, tried)
    best = min(found, key=found.get)
    errors = judged_errors(runs[best], epochs)
    curves = {"error": errors, "train_loss": runs[best].curves["train_loss"]}
    return Measurement({"error": errors[-1], "rate": best}, curves)


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
    version=2,
    question="Does a falling learning rate help Adam and RMSprop, too?",
    sources=Source("training-practice-slides", "Default Baseline Models"),
    data="cifar10",
    arms=tuple(
        Arm(f"{name}-{kind}", f"{words}, {what}", optimizer=name, kind=kind)
        for name, words in OPTIMIZERS.items()
        for kind, what in KINDS.items()
    ),
    scales=(
        Scale("quick", n_train=2_000, n_test=1_500, batch_size=50, epochs=6),
        Scale("full", batch_size=100, epochs=30),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Adam and RMSprop at their best rates", ("train_loss", "error")),
    metrics=(
        Metric("error", "test error on images that chose no rate", "percent", "epoch"),
        Metric("rate", "best first rate"),
    ),
)
