"""Separable convolutions are faster on the clock, by less than their operations promise

Source: Training: notes on data splits and hyper-parameters, "Separable 3D Convolutioon"
Data:   none (standard normal feature maps)
Cost:   full 59 s per replicate, quick 7 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run separable-wallclock --scale full

It times single compiled layers: an ordinary convolution, Keras's SeparableConv2D, and a
DepthwiseConv2D with a 1 x 1 convolution, same padding, as many outputs as inputs.
"""

import keras
import numpy as np

from keras_reprise import Arm, Measurement, Metric, Recipe, Scale, Scatter, Source, column, detail
from keras_reprise import metric, minimum, rule, timed_calls

KINDS = ("conv", "separable", "depthwise")


def layer(kind, seeds, window, channels):
    def initialiser(name):
        return keras.initializers.GlorotUniform(seeds.weights(name))

    options = {"padding": "same", "use_bias": False}
    if kind == "conv":
        return [
            keras.layers.Conv2D(channels, window, kernel_initializer=initialiser("conv"), **options)
        ]
    if kind == "separable":
        return [
            keras.layers.SeparableConv2D(
                channels,
                window,
                depthwise_initializer=initialiser("depthwise"),
                pointwise_initializer=initialiser("pointwise"),
                **options,
            )
        ]
    return [
        keras.layers.DepthwiseConv2D(
            window, depthwise_initializer=initialiser("depthwise"), **options
        ),
        keras.layers.Conv2D(channels, 1, kernel_initializer=initialiser("pointwise"), **options),
    ]


def measure(arm, replicate):
    scale = replicate.scale

    def timed(window, channels, side, batch):
        x = replicate.seeds.generator("data").standard_normal(
            (batch, side, side, channels), "float32"
        )
        seconds = {}
        for kind in KINDS:
            model = keras.Sequential(
                [
                    keras.Input((side, side, channels)),
                    *layer(kind, replicate.seeds, window, channels),
                ]
            )
            seconds[kind] = float(
                np.median(
                    timed_calls(model, x, backward=arm.backward, calls=30, budget_s=scale.budget_s)
                )
            )
        macs = batch * side * side * window * window * channels * channels
        theory = 1 / (1 / channels + 1 / window**2)
        passes = 3 if arm.backward else 1
        return {
            "theory": theory,
            "speedup": seconds["conv"] / seconds["separable"],
            "speedup_depthwise": seconds["conv"] / seconds["depthwise"],
            "gflops_conv": 2e-9 * passes * macs / seconds["conv"],
            "gflops_separable": 2e-9 * passes * macs / theory / seconds["separable"],
            "size": f"{side} x {side}",
            **{f"{kind}_s": value for kind, value in seconds.items()},
        }

    settings = [
        {"window": window, "channels": channels, "side": side, "batch": batch}
        for window in scale.windows
        for channels in scale.channels
        for side in scale.sides
        for batch in scale.batches
        if batch * side * side * channels <= scale.largest
    ]
    trials = replicate.sweep(settings, timed)
    speedups = np.array([trial["speedup"] for trial in trials])
    theory = np.array([trial["theory"] for trial in trials])
    rates = np.array([(trial["gflops_conv"], trial["gflops_separable"]) for trial in trials])
    metrics = {
        "faster": np.mean(speedups > 1),
        "below_theory": np.mean(speedups < theory),
        "lower_rate": np.mean(rates[:, 1] < rates[:, 0]),
        "speedup": np.exp(np.log(speedups).mean()),
        "speedup_depthwise": np.exp(
            np.log([trial["speedup_depthwise"] for trial in trials]).mean()
        ),
        "theory": np.exp(np.log(theory).mean()),
    }
    return Measurement(metrics, trials=trials)


def claims(arm, what):
    return (
        rule(f"{arm}-faster", kind="positive", expectation="HW")
        .says(f"Separable convolutions are faster in the {what}.")
        .must(metric(arm, "speedup") > 1.0),
        detail(f"{arm}-faster-in-every-configuration", kind="positive", expectation="HW")
        .says(f"In the {what} they are faster in every configuration.")
        .must(
            minimum(column(arm, "speedup")) > 1.0, measures="Lowest speed-up of the configurations"
        ),
        detail(f"{arm}-less-than-promised", kind="discrete")
        .says(f"In the {what} nine of ten gain less than the operations promise.")
        .must(metric(arm, "below_theory") > 0.9),
    )


SPEEDUPS = ("theory", "speedup", "promised speed-up, by operations", "measured speed-up")
RATES = ("gflops_conv", "gflops_separable", "ordinary (GFLOP/s)", "separable (GFLOP/s)")
LOOK = {"color": "size", "color_label": "feature map", "log": ("x", "y"), "diagonal": True}
QUICK = {"windows": (3, 5), "channels": (16, 64), "sides": (8, 32), "batches": (1, 32)}
FULL = {"channels": (16, 64, 256), "sides": (8, 16, 32, 64), "batches": (1, 32, 128)}

RECIPE = Recipe(
    slug="separable-wallclock",
    version=1,
    question="Are separable convolutions faster on this machine, and where?",
    sources=Source("hyperparameters-notes", "Separable 3D Convolutioon"),
    arms=(
        Arm("forward", "forward pass", backward=False),
        Arm("step", "forward and backward pass", backward=True),
    ),
    scales=(
        Scale("quick", **QUICK, largest=2**21, budget_s=0.15, seeds=3),
        Scale("full", **(QUICK | FULL), largest=2**21, budget_s=0.3),
    ),
    measure=measure,
    claims=(*claims("forward", "forward pass"), *claims("step", "forward and backward pass")),
    figures=(
        Scatter("Measured against promised speed-up", *SPEEDUPS, **LOOK),
        Scatter("Operations per second", *RATES, **LOOK),
    ),
    metrics=(
        Metric("speedup", "speed-up, geometric mean over the configurations", "ratio"),
        Metric("below_theory", "share of configurations sped up by less than promised", "share"),
    ),
    timing=True,
)
