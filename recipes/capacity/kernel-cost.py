"""A wider kernel takes time and memory for its weights; its narrower output saves some of both.

Source: "Lecture 7: Practical considerations for training deep models", slides "Convolutional Kernel
        Width" and "Implicit Padding"
Data:   none (standard normal feature maps)
Cost:   quick 22 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run kernel-cost --scale full

Three convolutions one after the other, with as many filters as input channels, on maps of 32 x 32;
seconds are medians of compiled passes, with padding and without in turn. Memory is that of the
weights and of a batch's outputs, counted from the shapes, 4 bytes a number.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, curve
from keras_reprise import detail, exp, first, last, log, mean, rule, timed_calls, window

LAYERS, SIDE = 3, 32


def network(width, padding, filters, seeds):
    model = keras.Sequential([keras.Input((SIDE, SIDE, filters))])
    for number in range(LAYERS):
        kernel = keras.initializers.HeNormal(seeds.weights(f"conv{number}"))
        options = {"padding": padding, "activation": "relu", "kernel_initializer": kernel}
        model.add(keras.layers.Conv2D(filters, width, **options))
    return model


def measure(arm, replicate):
    scale, seeds = replicate.scale, replicate.seeds
    x = seeds.generator("data").standard_normal((scale.batch, SIDE, SIDE, scale.filters), "float32")
    timing = {"backward": arm.backward, "calls": 15, "budget_s": scale.budget_s}

    def cost(width):
        models = {name: network(width, name, scale.filters, seeds) for name in ("valid", "same")}
        seconds = {name: [] for name in models}
        for _ in range(scale.rounds):  # in turn, so that the machine's other work meets both
            for name, model in models.items():
                seconds[name] += list(timed_calls(model, x, **timing))
        found = {"weights_kib": models["valid"].count_params() / 256}
        for name, model in models.items():
            numbers = sum(np.prod(layer.output.shape[1:]) for layer in model.layers)
            found[f"{name}_ms"] = 1e3 * float(np.median(seconds[name]))
            found[f"{name}_mib"] = scale.batch * numbers / 2**18
        return found

    trials = replicate.sweep([{"width": width} for width in (1, 3, 5, 7)], cost)
    return Measurement(curves=trials.curves(*trials[0]), trials=trials)


WIDTH, PADDING = "Convolutional Kernel Width", "Implicit Padding"
EXACT = {"kind": "exact", "expectation": "MATH"}
HARDWARE = {"kind": "positive", "expectation": "HW"}


def wide_over_narrow(name, arm="step"):
    return last(arm, name) / first(arm, name)


def padded_over_not(unit, arm="step"):
    """The geometric mean over the kernels wider than one place."""
    padded, without = (window(curve(arm, f"{name}_{unit}"), after=1) for name in ("same", "valid"))
    return exp(mean(log(padded / without)))


SEVEN_OVER_ONE = "{} of the kernel of 7 over those of 1"
PADDED = "{} with padding over those without, geometric mean over kernels of 3, 5 and 7"
CLAIMS = (
    rule("wider-takes-time", WIDTH, **HARDWARE)
    .says("A pass with kernels of 7 takes longer than one with kernels of 1, without padding.")
    .must(wide_over_narrow("valid_ms") > 1, measures=SEVEN_OVER_ONE.format("Seconds")),
    rule("wider-takes-memory-for-weights", WIDTH, **EXACT)
    .says("Its weights take more memory.")
    .must(wide_over_narrow("weights_kib") > 1, measures=SEVEN_OVER_ONE.format("Bytes")),
    rule("narrower-output-saves-memory", WIDTH, **EXACT)
    .says("Its narrower outputs take less.")
    .must(wide_over_narrow("valid_mib") < 1, measures=SEVEN_OVER_ONE.format("Bytes")),
    rule("padding-takes-time", PADDING, **HARDWARE)
    .says("With padding a pass takes longer than without.")
    .must(padded_over_not("ms") > 1, measures=PADDED.format("Seconds")),
    rule("padding-takes-memory", PADDING, **EXACT)
    .says("With padding outputs take more memory than without.")
    .must(padded_over_not("mib") > 1, measures=PADDED.format("Bytes")),
    detail("padding-takes-time-forward", PADDING, **HARDWARE)
    .says("So does the forward pass alone.")
    .must(padded_over_not("ms", "forward") > 1, measures=PADDED.format("Seconds")),
    detail("wider-takes-time-with-padding", WIDTH, **HARDWARE)
    .says("A wider kernel takes more time with padding, too.")
    .must(wide_over_narrow("same_ms") > 1, measures=SEVEN_OVER_ONE.format("Seconds")),
    detail("less-time-than-operations", WIDTH, **HARDWARE)
    .says("It takes less than the 49 times that its operations are, with padding.")
    .must(wide_over_narrow("same_ms") < 49, measures=SEVEN_OVER_ONE.format("Seconds")),
)
PANELS = (
    Panel(("valid_ms", "same_ms"), "time of a pass (ms)", log=True),
    Panel("weights_kib", log=True),
    Panel(("valid_mib", "same_mib"), "memory of the outputs (MiB)"),
)

RECIPE = Recipe(
    slug="kernel-cost",
    version=1,
    question="What do a wider kernel and padding cost in time and memory?",
    sources=tuple(Source("training-practice-slides", title) for title in (WIDTH, PADDING)),
    arms=(
        Arm("forward", "forward pass", backward=False),
        Arm("step", "forward and backward pass", backward=True),
    ),
    scales=(
        Scale("quick", batch=32, filters=32, rounds=3, budget_s=0.15),
        Scale("full", batch=128, filters=64, rounds=5, budget_s=1.0),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Cost by the kernel's width", PANELS, x="width", columns="arms"),
    metrics=(
        Metric("width", "kernels' width"),
        Metric("valid_ms", "pass without padding", "ms", "width"),
        Metric("same_ms", "pass with padding", "ms", "width"),
        Metric("weights_kib", "memory of the weights", "KiB", "width"),
        Metric("valid_mib", "outputs without padding", "MiB", "width"),
        Metric("same_mib", "outputs with padding", "MiB", "width"),
    ),
    timing=True,
)
