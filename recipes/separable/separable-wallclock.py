"""Cheaper in operations is not faster on the clock: separable against ordinary convolutions, forward and training step

Source: document 002 (002:97-99)
Data:   none (standard normal feature maps)
Cost:   full 59 s per replicate, quick 7 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run separable-wallclock --scale full

A process is a replicate; it times single compiled layers on data that lie on the device: an ordinary convolution, Keras's
SeparableConv2D, and DepthwiseConv2D with a 1 x 1 convolution, same padding, as many outputs as inputs. A step is forward and
backward pass. Whether separable is faster depends on hardware and library: the sign per configuration is the finding.
"""

import keras
import numpy as np

from keras_reprise import Arm, Claim, Measurement, Recipe, Scale, Scatter, Source, timed_calls

KINDS = ("conv", "separable", "depthwise")


def layer(kind, seeds, window, channels):
    def initialiser(name):
        return keras.initializers.GlorotUniform(seeds.weights(name))

    options = {"padding": "same", "use_bias": False}
    if kind == "conv":
        return [keras.layers.Conv2D(channels, window, kernel_initializer=initialiser("conv"), **options)]
    if kind == "separable":
        return [keras.layers.SeparableConv2D(channels, window, depthwise_initializer=initialiser("depthwise"), pointwise_initializer=initialiser("pointwise"), **options)]
    return [keras.layers.DepthwiseConv2D(window, depthwise_initializer=initialiser("depthwise"), **options), keras.layers.Conv2D(channels, 1, kernel_initializer=initialiser("pointwise"), **options)]


def measure(arm, replicate):
    scale = replicate.scale

    def timed(window, channels, side, batch):
        x = replicate.seeds.generator("data").standard_normal((batch, side, side, channels), "float32")
        seconds = {}
        for kind in KINDS:
            model = keras.Sequential([keras.Input((side, side, channels)), *layer(kind, replicate.seeds, window, channels)])
            seconds[kind] = float(np.median(timed_calls(model, x, backward=arm.backward, calls=30, budget_s=scale.budget_s)))
        macs = batch * side * side * window * window * channels * channels
        theory = 1 / (1 / channels + 1 / window**2)
        passes = 3 if arm.backward else 1
        return {
            "theory": theory, "speedup": seconds["conv"] / seconds["separable"], "speedup_depthwise": seconds["conv"] / seconds["depthwise"],
            "gflops_conv": 2e-9 * passes * macs / seconds["conv"], "gflops_separable": 2e-9 * passes * macs / theory / seconds["separable"],
            "size": f"{side} x {side}", **{f"{kind}_s": value for kind, value in seconds.items()},
        }  # fmt: skip

    settings = [
        {"window": window, "channels": channels, "side": side, "batch": batch}
        for window in scale.windows for channels in scale.channels for side in scale.sides for batch in scale.batches
        if batch * side * side * channels <= scale.largest
    ]  # fmt: skip
    trials = replicate.sweep(settings, timed)
    speedups = np.array([trial["speedup"] for trial in trials])
    theory = np.array([trial["theory"] for trial in trials])
    rates = np.array([(trial["gflops_conv"], trial["gflops_separable"]) for trial in trials])
    metrics = {
        "faster": np.mean(speedups > 1),
        "below_theory": np.mean(speedups < theory),
        "lower_rate": np.mean(rates[:, 1] < rates[:, 0]),
        "speedup": np.exp(np.log(speedups).mean()),
        "speedup_depthwise": np.exp(np.log([trial["speedup_depthwise"] for trial in trials]).mean()),
        "theory": np.exp(np.log(theory).mean()),
    }
    return Measurement(metrics, trials=trials)


def metric(arm, name):
    return lambda arms, scale: arms[arm].metrics[name]


def claims(arm, what):
    """What is claimed of the forward pass, and of the training step."""
    return (
        Claim(f"{arm}-faster", f"Separable convolutions are faster: {what}.", "002:99", metric(arm, "speedup"), "ratio", above=1.0, log=True, expectation="HW", measures="Seconds of the ordinary over those of the separable layer, geometric mean over the configurations"),
        Claim(f"{arm}-always-faster", f"They are faster in every configuration: {what}.", "002:99", metric(arm, "faster"), "share", above=0.999, expectation="HW", measures="Share of the configurations in which the separable layer is faster"),
        Claim(f"{arm}-less-than-promised", f"They gain less than the operations promise: {what}.", "catalogue A5b", metric(arm, "below_theory"), "share", above=0.9, measures="Share of the configurations whose speed-up is below the ratio of operations"),
        Claim(f"{arm}-lower-rate", f"They do fewer operations per second: {what}.", "catalogue A5b", metric(arm, "lower_rate"), "share", above=0.9, measures="Share of the configurations in which the separable layer does fewer operations per second"),
    )  # fmt: skip


RECIPE = Recipe(
    slug="separable-wallclock",
    version=1,
    question="Are separable convolutions faster on this machine, and where?",
    sources=(Source("hyperparameters-notes", "002:97-99"),),
    arms=(Arm("forward", "forward pass", backward=False), Arm("step", "forward and backward pass", backward=True)),
    scales=(
        Scale("quick", windows=(3, 5), channels=(16, 64), sides=(8, 32), batches=(1, 32), largest=2**21, budget_s=0.15, seeds=3),
        Scale("full", windows=(3, 5), channels=(16, 64, 256), sides=(8, 16, 32, 64), batches=(1, 32, 128), largest=2**21, budget_s=0.3, seeds=6),
    ),
    measure=measure,
    claims=(*claims("forward", "forward pass"), *claims("step", "forward and backward pass")),
    figures=(
        Scatter("Measured against promised speed-up, by window and channels", "theory", "speedup", "ratio of operations, ordinary over separable", "measured speed-up", color="size", color_label="feature map", log=("x", "y"), diagonal=True),
        Scatter("Operations per second", "gflops_conv", "gflops_separable", "ordinary convolution (GFLOP/s)", "separable convolution (GFLOP/s)", color="size", color_label="feature map", log=("x", "y"), diagonal=True),
    ),
    timing=True,
)  # fmt: skip
