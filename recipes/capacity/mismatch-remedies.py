"""On images unlike those of training the error is higher; generated ones narrow the difference.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", chart "Bias-Variance Trade-off:
        what to do when which error is high"
Data:   cifar10, standardised; validation and test images moved by up to eight pixels
Cost:   quick 23 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run mismatch-remedies --scale full

The chart does not say in what the data differ. Here each validation and test image is moved by
whole pixels, -8 to 8 to either side, and those of training are not (what leaves at one side comes
in at the other). Generated are eight copies of each training image, moved in the same way. The
other architecture is a convnet whose last maps are averaged over all places. As many updates in
all. Each arm has the best learning rate, searched for on half of the moved images from one draw of
the weights and judged on the other half from others. A remedy narrows the difference between moved
and still images: one network may err less than another on both.
"""

from dataclasses import replace

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Recipe, Scale, Source, detail
from keras_reprise import evaluate, metric, rule
from keras_reprise.models import activated
from keras_reprise.rates import Restartable, judged_errors, searched

RATES, LOOKS, COPIES = (0.003, 0.01, 0.03), 4, 8


def moved(images, draw):
    """Each image (height, width, channels) moved by -8 to 8 pixels of its own, both ways."""
    steps = draw.integers(-8, 9, (len(images), 2))
    return np.array([np.roll(one, by, (0, 1)) for one, by in zip(images, steps, strict=True)])


def averaging_convnet(seeds, image_shape, classes):
    """Three convolutions of 3x3 with stride 2 and 32 filters, the mean over places, logits."""
    layers, model = keras.layers, keras.Sequential([keras.Input(image_shape)])
    for number in range(3):
        kernel = keras.initializers.HeNormal(seeds.weights(f"conv{number}"))
        model.add(layers.Conv2D(32, 3, 2, "same", activation="relu", kernel_initializer=kernel))
    model.add(layers.GlobalAveragePooling2D())
    kernel = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model.add(layers.Dense(classes, kernel_initializer=kernel))
    return model


def measure(arm, replicate):
    scale, data = replicate.scale, replicate.dataset().standardised()
    draw, alike = replicate.seeds.generator("data"), data.x_test[len(data.y_test) // 2 :]
    data = replace(data, stored_test=moved(data.stored_test, draw))
    if arm.generated:
        images = moved(np.concatenate([data.stored_train] * COPIES), draw)
        data = replace(data, stored_train=images, y_train=np.tile(data.y_train, COPIES))
    labels = data.y_test[len(data.y_test) // 2 :]

    def build(seeds):
        if arm.convnet:
            return averaging_convnet(seeds, data.image_shape, data.classes)
        return activated(seeds, data.image_shape, data.classes, "relu", dense=(100,))

    sgd = keras.optimizers.SGD(momentum=0.9)
    network = Restartable(build, data, replicate, sgd, draws=1 + scale.draws)

    def judge(history):
        as_in_training = 100 * evaluate(network.model, alike, labels)[1].mean()
        return {"errors": judged_errors(history, LOOKS), "alike": as_in_training}

    order = Order("with-replacement", examples=50 * scale.updates // LOOKS)
    trials, best = searched(network, RATES, LOOKS, judge, batch_size=50, order=order)
    metrics = {"unlike": best["errors"][-1], "alike": best["alike"], "rate": best["rate"]}
    updates = [scale.updates // LOOKS * look for look in range(1, LOOKS + 1)]
    return Measurement(metrics, {"updates": updates, "errors": best["errors"]}, trials=trials)


def more(arm):
    """What it costs that the images are unlike those of training."""
    return metric(arm, "unlike") - metric(arm, "alike")


CLAIMS = (
    rule("unlike-data-keep-the-error-high")
    .says("On moved images the error is higher than on images as those of training.")
    .must(metric("dense", "unlike") > metric("dense", "alike")),
    rule("generated-data-narrow-the-difference")
    .says("Trained with generated images, moved in the same way, it is higher by fewer points.")
    .must(more("generated") < more("dense"), measures="Error on moved minus still images"),
    rule("convnet-narrows-the-difference")
    .says("So it is with a convnet that averages over all places.")
    .must(more("convnet") < more("dense"), measures="Error on moved minus still images"),
    detail("generated-data-help")
    .says("With generated images the error on moved ones is lower.")
    .must(metric("generated", "unlike") < metric("dense", "unlike")),
    detail("other-architecture-helps")
    .says("So it is with the convnet.")
    .must(metric("convnet", "unlike") < metric("dense", "unlike")),
)

RECIPE = Recipe(
    slug="mismatch-remedies",
    version=2,
    question="What helps where validation images are unlike those of training?",
    sources=Source("dl-recap-slides", "Bias-Variance Trade-off"),
    data="cifar10",
    arms=(
        Arm("dense", "3072-100-10", generated=False, convnet=False),
        Arm("generated", "with generated images", generated=True, convnet=False),
        Arm("convnet", "a convnet that averages", generated=False, convnet=True),
    ),
    scales=(
        Scale("quick", n_train=2_000, n_test=3_000, updates=600, draws=2),
        Scale("full", n_train=10_000, updates=6_000, draws=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Error on moved images", "errors", x="updates"),
    metrics=(
        Metric("updates", "updates"),
        Metric("errors", "error on moved test images", "percent", "look"),
        Metric("unlike", "error on moved test images", "percent"),
        Metric("alike", "error on test images as those of training", "percent"),
        Metric("rate", "best learning rate"),
    ),
)
