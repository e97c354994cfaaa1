"""Larger batches get more images per second out of a machine

Source: Training: notes on data splits, hyper-parameters and optimisation, section "Batching"; that
        the gain goes on above ten, Bengio (2012)
Data:   none (random pixels: only the time counts)
Cost:   full 69 s per replicate, quick 14 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run batch-size-throughput --scale full

The notes speak of the time of a whole training; here it is that of an image, from the median over
stretches of updates in one compiled call. The arm `empty` shows an update's overhead.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Order, Panel, Recipe, Scale, Source, at, count
from keras_reprise import curve, detail, first, log, maximum, nearest, rule, train, window
from keras_reprise.datasets import Dataset
from keras_reprise.models import small_convnet
from keras_reprise.two_layer import two_layer


def network(name, seeds):
    if name == "convnet":
        return small_convnet(seeds, (32, 32, 3), 10)
    if name == "two-layer":
        return two_layer(seeds, 3072, 10)
    return keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(
                10, kernel_initializer=keras.initializers.GlorotUniform(seeds.weights("empty"))
            ),
        ]
    )


def pixels(name, replicate, n):
    draw = replicate.seeds.generator("data")
    shape = {"convnet": (32, 32, 3), "two-layer": (3072,), "empty": (1,)}[name]
    images, labels = (
        draw.integers(0, 256, (n, *shape), "uint8"),
        draw.integers(0, 10, n).astype("int32"),
    )
    return Dataset(
        "random pixels",
        images,
        labels,
        images[:10],
        labels[:10],
        10,
        fingerprint="0" * 64,
        scaling=(np.float32(127.5), np.float32(73.9)),
    )


def measure(arm, replicate):
    scale, data = replicate.scale, pixels(arm.name, replicate, 2048)

    def timed(batch):
        updates = int(np.clip(getattr(scale, arm.budget) // batch, 8, 500))
        model = network(arm.name, replicate.seeds)
        history = train(
            model,
            data,
            replicate,
            optimizer=keras.optimizers.SGD(),
            learning_rate=1e-6,
            batch_size=batch,
            epochs=1 + scale.stretches,
            order=Order("with-replacement", examples=batch * updates),
        )
        step = float(np.median(history.timing.step_s[1:]))
        return {
            "step_s": step,
            "images_per_s": batch / step,
            "updates_per_s": 1 / step,
            "gflops": 1e-9 * (history.flops_per_example or 0) * batch / step,
        }

    trials = replicate.sweep([{"batch": batch} for batch in scale.batches], timed)
    return Measurement(
        curves={name: [trial[name] for trial in trials] for name in trials[0]}, trials=trials
    )


def of_batch(arm, name, size):
    """The value of a curve at a batch size."""
    return at(curve(arm, name), nearest(curve(arm, "batch"), size))


def computing(arm, size):
    """Seconds of an update beyond those of the empty one."""
    return of_batch(arm, "step_s", size) - of_batch("empty", "step_s", size)


def steps(row):
    """The logarithm of each value of a row over the one before it."""
    return log(window(row, after=1)) - log(window(row, since=1, before=count(row) - 1))


def knee(arm):
    """The last batch size that still trains a tenth more images than half of it."""
    batch = curve(arm, "batch")
    gains = steps(curve(arm, "images_per_s")) >= steps(batch) * np.log(1.1) / np.log(2)
    return maximum(first(batch), maximum(window(batch, after=1) * gains))


def claims(arm):
    """What is claimed of a network, with the overhead of an update and without."""
    gain = of_batch(arm, "images_per_s", 128) / of_batch(arm, "images_per_s", 1)
    net = 128 * computing(arm, 1) / computing(arm, 128)
    some = (computing(arm, 1) > 0) & (computing(arm, 128) > 0)
    return (
        rule(f"{arm}-more-images", kind="positive", expectation="HW")
        .says("A batch of 128 trains a tenth more images per second than single ones, at least.")
        .must(gain > 1.1, unit="ratio", measures=RATIO),
        detail(f"{arm}-gains-two", kind="positive", printed=2.0, expectation="HW")
        .says("A batch of 128 trains twice as many images per second as single ones, at least.")
        .must(gain > 2.0, unit="ratio", measures=RATIO),
        detail(f"{arm}-gains-two-net", kind="positive", expectation="HW")
        .says("It trains twice as many also with the overhead of an update taken off.")
        .must(net > 2.0, given=some, unit="ratio", measures=f"{RATIO}, the empty update taken off"),
        detail(
            f"{arm}-knee-above-10", "Bengio (2012)", kind="discrete", printed=10.0, expectation="HW"
        )
        .says("The gain goes on beyond a batch of ten.")
        .must(knee(arm) > 10.0, unit="images", measures=KNEE),
    )


RATIO = "Images per second at batch 128 over those at 1"
KNEE = "Smallest batch size from which every doubling gains less than a tenth"
PANELS = (
    Panel(("images_per_s",), "images per second", log=True),
    Panel(("updates_per_s",), "updates per second", log=True),
)
BATCH = {"x": "batch", "x_label": "batch size", "x_log": True}
QUICK = {"empty_images": 10_000, "dense_images": 8_000, "conv_images": 800}
FULL = {"empty_images": 50_000, "dense_images": 30_000, "conv_images": 3_000}

RECIPE = Recipe(
    slug="batch-size-throughput",
    version=1,
    question="How many more images per second does a larger batch train on this machine?",
    sources=Source("hyperparameters-notes", "Batching"),
    arms=(
        Arm("empty", "one dense layer, from one number to ten", budget="empty_images"),
        Arm("two-layer", "the 3072-50-10 network", budget="dense_images"),
        Arm("convnet", "the small convnet of cifar10-lr-drop", budget="conv_images"),
    ),
    scales=(
        Scale("quick", batches=(1, 8, 32, 128, 512), stretches=3, **QUICK, seeds=3),
        Scale("full", batches=tuple(2**k for k in range(11)), stretches=7, **FULL),
    ),
    measure=measure,
    claims=(*claims("two-layer"), *claims("convnet")),
    figures=Curves("Speed against batch size", PANELS, **BATCH),
    timing=True,
)
