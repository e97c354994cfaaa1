"""Larger batches train more images per second, until the machine is full: often a factor of two, and where the doubling ends

Source: document 002 (002:27-30); the knee above ten is Bengio's (2012), as quoted in the catalogue (A6a)
Data:   none (random pixels: only the time counts)
Cost:   full 69 s per replicate, quick 14 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run batch-size-throughput --scale full

A process is a replicate. Seconds per update are the median over timed stretches of updates in one compiled call, after warm-up. The
arm `empty` has next to nothing to compute: what remains is the update's overhead, and the claims are stated with and without it.
"""

import keras
import numpy as np
from scipy.stats import spearmanr

from keras_reprise import Arm, Claim, Curves, Measurement, Order, Panel, Recipe, Scale, Source, train
from keras_reprise.datasets import Dataset
from keras_reprise.models import small_convnet
from keras_reprise.two_layer import two_layer


def network(name, seeds):
    if name == "convnet":
        return small_convnet(seeds, (32, 32, 3), 10)
    if name == "two-layer":
        return two_layer(seeds, 3072, 10)
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(10, kernel_initializer=keras.initializers.GlorotUniform(seeds.weights("empty")))])


def pixels(name, replicate, n):
    draw = replicate.seeds.generator("data")
    shape = {"convnet": (32, 32, 3), "two-layer": (3072,), "empty": (1,)}[name]
    images, labels = draw.integers(0, 256, (n, *shape), "uint8"), draw.integers(0, 10, n).astype("int32")
    return Dataset("random pixels", images, labels, images[:10], labels[:10], 10, fingerprint="0" * 64, scaling=(np.float32(127.5), np.float32(73.9)))


def measure(arm, replicate):
    scale, data = replicate.scale, pixels(arm.name, replicate, 2048)

    def timed(batch):
        updates = int(np.clip(getattr(scale, arm.budget) // batch, 8, 500))
        model = network(arm.name, replicate.seeds)
        history = train(model, data, replicate, optimizer=keras.optimizers.SGD(), learning_rate=1e-6, batch_size=batch, epochs=1 + scale.stretches, order=Order("with-replacement", examples=batch * updates))
        step = float(np.median(history.timing.step_s[1:]))
        return {"step_s": step, "images_per_s": batch / step, "updates_per_s": 1 / step, "gflops": 1e-9 * (history.flops_per_example or 0) * batch / step}

    trials = replicate.sweep([{"batch": batch} for batch in scale.batches], timed)
    return Measurement(curves={name: [trial[name] for trial in trials] for name in trials[0]}, trials=trials)


def images_per_s(arms, arm, without_overhead):
    """Images per second at every batch size, the empty update's time taken off or not."""
    curves = arms[arm].curves
    step = curves["step_s"] - (arms["empty"].curves["step_s"] if without_overhead else 0)
    return curves["batch"] / np.maximum(step, 1e-9)


def trend(arm, without_overhead):
    def statistic(arms, scale):
        small = arms[arm].curves["batch"] <= 128
        return spearmanr(arms[arm].curves["batch"][small], images_per_s(arms, arm, without_overhead)[small]).statistic

    return statistic


def gain(arm, without_overhead):
    def statistic(arms, scale):
        batches, speed = list(arms[arm].curves["batch"]), images_per_s(arms, arm, without_overhead)
        return speed[batches.index(128)] / speed[batches.index(1)]

    return statistic


def knee(arm):
    """Smallest batch size from which every doubling gains less than a tenth."""

    def statistic(arms, scale):
        batches, speed = arms[arm].curves["batch"], images_per_s(arms, arm, False)
        per_doubling = np.diff(np.log(speed)) / np.diff(np.log2(batches))
        large = np.flatnonzero(per_doubling >= np.log(1.1))
        return batches[large[-1] + 1] if len(large) else batches[0]

    return statistic


def claims(arm):
    """What is claimed of a network, with the update's overhead and without."""
    for without in (False, True):
        suffix, words = ("-without-overhead", ", the overhead of an update taken off") if without else ("", "")
        yield Claim(f"{arm}-faster{suffix}", f"More images per second in larger batches{words}.", "002:27-28", trend(arm, without), "rank correlation", above=0.9, expectation="HW", measures=f"Spearman correlation of batch size and images per second, up to 128{words}")
        yield Claim(f"{arm}-gains-two{suffix}", f"A factor of two at least{words}.", "002:29", gain(arm, without), "ratio", above=2.0, log=True, expectation="HW", printed=2.0, measures=f"Images per second at batch 128 over those at 1{words}")
    yield Claim(f"{arm}-knee-above-10", "The gain goes on beyond a batch of ten.", "Bengio (2012), quoted in catalogue A6a", knee(arm), "images", above=10.0, log=True, expectation="HW", printed=10.0, measures="Smallest batch size from which every doubling gains less than a tenth")


RECIPE = Recipe(
    slug="batch-size-throughput",
    version=1,
    question="How many more images per second does a larger batch train on this machine?",
    sources=(Source("hyperparameters-notes", "002:27-36"),),
    arms=(
        Arm("empty", "one dense layer from one number to ten: the overhead of an update", budget="empty_images"),
        Arm("two-layer", "the 3072-50-10 network", budget="dense_images"),
        Arm("convnet", "the small convnet of cifar10-lr-drop", budget="conv_images"),
    ),
    scales=(
        Scale("quick", batches=(1, 8, 32, 128, 512), stretches=3, empty_images=10_000, dense_images=8_000, conv_images=800, seeds=3),
        Scale("full", batches=tuple(2**k for k in range(11)), stretches=7, empty_images=50_000, dense_images=30_000, conv_images=3_000),
    ),
    measure=measure,
    claims=(*claims("two-layer"), *claims("convnet")),
    figures=(
        Curves("Speed against batch size", panels=(Panel(("images_per_s",), "images per second", log=True), Panel(("updates_per_s",), "updates per second", log=True), Panel(("gflops",), "GFLOP/s", log=True)), x="batch", x_label="batch size", columns="overlay", x_log=True),
    ),
    timing=True,
)  # fmt: skip
