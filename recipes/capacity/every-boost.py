"""More data, augmentation and an ensemble each lower the test error.

Source: "Lecture 7: Practical considerations for training deep models", slides "Performance Metrics"
        and "High Validation Error: Debugging"
Data:   cifar10, standardised
Cost:   quick 30 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run every-boost --scale full

The slides give no experiment: a small convnet on few images; four times as many images; the few
with copies, mirrored and moved by two pixels (what leaves at one side comes in at the other); the
mean of the probabilities of several networks from different initial weights; and all three. As many
updates for every network. Each arm has the best learning rate, searched for on half of the test
images from one draw of the weights and judged on the other half from others, which are the
ensemble.
"""

from dataclasses import replace

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import below_each, detail, metric, rule
from keras_reprise.models import activated
from keras_reprise.rates import Restartable, judged_errors, searched

RATES, LOOKS = (0.003, 0.01, 0.03), 4
LAYERS = {"convolutions": (16, 32), "dense": (64,)}


def with_copies(images):
    """The images (n, height, width, channels) in five places, mirrored and not: (10 n, ...)."""
    moved = [np.roll(images, step, axis) for axis in (1, 2) for step in (-2, 2)]
    return np.concatenate([one for at in (images, *moved) for one in (at, at[:, :, ::-1])])


def measure(arm, replicate):
    scale, data = replicate.scale, replicate.dataset().standardised()
    data = data if arm.more else data.first(len(data.y_train) // 4)
    if arm.augmented:
        images = with_copies(data.stored_train)
        data = replace(data, stored_train=images, y_train=np.tile(data.y_train, 10))
    half = len(data.y_test) // 2
    images, labels = data.x_test[half:], data.y_test[half:]

    def build(seeds):
        return activated(seeds, data.image_shape, data.classes, "relu", **LAYERS)

    sgd = keras.optimizers.SGD(momentum=0.9)
    network = Restartable(build, data, replicate, sgd, draws=1 + scale.members)

    def judge(history):
        logits = network.model(images, training=False)
        probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
        return {"errors": judged_errors(history, LOOKS), "probabilities": probabilities}

    order = Order("with-replacement", examples=50 * scale.updates // LOOKS)
    trials, best = searched(network, RATES, LOOKS, judge, batch_size=50, order=order)
    together = 100 * (best["probabilities"].argmax(axis=1) != labels).mean()
    metrics = {"single": best["errors"][-1], "ensemble": together, "rate": best["rate"]}
    updates = [scale.updates // LOOKS * look for look in range(1, LOOKS + 1)]
    return Measurement(metrics, {"updates": updates, "errors": best["errors"]}, trials=trials)


def single(arm):
    return metric(arm, "single")


MEANS, DEBUGGING = "Performance Metrics", "High Validation Error: Debugging"
CLAIMS = (
    rule("more-data-helps", DEBUGGING)
    .says("With four times as many images the test error is lower.")
    .must(single("more-data") < single("plain")),
    rule("augmentation-helps", DEBUGGING)
    .says("With mirrored and moved copies it is lower.")
    .must(single("augmented") < single("plain")),
    rule("ensemble-helps", MEANS)
    .says("That of an ensemble is lower than the mean one of its networks.")
    .must(metric("plain", "ensemble") < single("plain")),
    detail("all-together-help-most", MEANS)
    .says("All three together have a lower test error than each alone.")
    .must(
        metric("all", "ensemble"),
        below_each(single("more-data"), single("augmented"), metric("plain", "ensemble")),
    ),
    detail("augmentation-helps-less-than-data", DEBUGGING)
    .says("Copies help less than as many new images would: less than four times as many do.")
    .must(single("augmented") > single("more-data")),
)

RECIPE = Recipe(
    slug="every-boost",
    version=3,
    question="Do more data, augmentation and ensembles each improve the result?",
    sources=tuple(Source("training-practice-slides", title) for title in (MEANS, DEBUGGING)),
    data="cifar10",
    arms=(
        Arm("plain", "few images", more=False, augmented=False),
        Arm("more-data", "four times as many", more=True, augmented=False),
        Arm("augmented", "few images and copies", more=False, augmented=True),
        Arm("all", "four times as many, and copies", more=True, augmented=True),
    ),
    scales=(
        Scale("quick", n_train=4_000, n_test=2_000, updates=320, members=3),
        Scale("full", n_train=20_000, updates=8_000, members=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error, mean of the single networks", "errors", x="updates"),
    metrics=(
        Metric("updates", "updates"),
        Metric("errors", "test error of a single network", "percent", "look"),
        Metric("single", "test error of a single network", "percent"),
        Metric("ensemble", "test error of the ensemble", "percent"),
        Metric("rate", "best learning rate"),
    ),
)
