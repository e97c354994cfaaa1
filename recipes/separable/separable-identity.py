"""A convolution mixes its input channels, a depthwise one does not, a separable one does it after.

Source: "Training" (notes on hyper-parameters), section "Separable 3D Convolutioon"
Data:   none (one random image of 8 x 8 places and 6 channels)
Cost:   quick under 1 s per replicate, full under 1 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run separable-identity --scale full

Channels are mixed where changing one input channel changes an output channel. Windows of 3 x 3,
random weights; 6 output channels, so that a depthwise layer has as many.
"""

import keras
import numpy as np

from keras_reprise import Arm, HeatMap, Measurement, Metric, Recipe, Scale, Source, column, detail
from keras_reprise import equal, keep, maximum, metric, minimum, rule, same

CHANNELS = 6


def layers(seeds):
    """One layer of each kind, by its arm's name."""

    def normal(name):
        return keras.initializers.RandomNormal(0, 0.3, seeds.weights(name))

    conv, options = keras.layers, {"padding": "same", "use_bias": False}
    spatial, pointwise = normal("depthwise"), normal("pointwise")
    return {
        "ordinary": conv.Conv2D(CHANNELS, 3, kernel_initializer=normal("conv"), **options),
        "depthwise": conv.DepthwiseConv2D(3, depthwise_initializer=spatial, **options),
        "separable": conv.SeparableConv2D(
            CHANNELS, 3, depthwise_initializer=spatial, pointwise_initializer=pointwise, **options
        ),
    }


def image(layer, x):
    return keras.ops.convert_to_numpy(layer(x))


def by_parts(separable, x):
    """What the layer's parts give: depthwise, then a window of one; and one kernel of both."""
    spatial, pointwise = separable.get_weights()
    options = {"padding": "same", "use_bias": False, "kernel_initializer": "zeros"}
    depthwise = keras.layers.DepthwiseConv2D(
        3, padding="same", use_bias=False, depthwise_initializer="zeros"
    )
    window_of_one = keras.layers.Conv2D(CHANNELS, 1, **options)
    product = keras.layers.Conv2D(CHANNELS, 3, **options)
    for layer, kernel in (
        (depthwise, spatial),
        (window_of_one, pointwise),
        (product, spatial * pointwise[0, 0]),  # (3, 3, in, 1) times (in, out)
    ):
        layer.build((None, 8, 8, CHANNELS))
        layer.set_weights([kernel])
    return image(window_of_one, depthwise(x)), image(product, x)


def measure(arm, replicate):
    layer, draw = layers(replicate.seeds)[arm.name], replicate.seeds.generator("data")
    x, trials = draw.standard_normal((1, 8, 8, CHANNELS), "float32"), []
    before = image(layer, x)
    for changed in range(CHANNELS):
        other = x.copy()
        other[..., changed] += draw.standard_normal((8, 8), "float32")
        moved = np.abs(image(layer, other) - before).max(axis=(0, 1, 2))
        kinds = ["own" if changed == channel else "other" for channel in range(CHANNELS)]
        trials += [
            {"input": changed + 1, "output": channel + 1, "moved": moved[channel], "kind": kind}
            for channel, kind in enumerate(kinds)
        ]
    if arm.name != "separable":
        return Measurement({}, trials=trials)
    parts, product = by_parts(layer, x)
    metrics = {
        "off_parts": np.abs(before - parts).max(),
        "off_product": np.abs(before - product).max(),
    }
    return Measurement(metrics, trials=trials)


MOVED = {arm: column(arm, "moved") for arm in ("ordinary", "depthwise", "separable")}
EXACT = {"kind": "exact", "expectation": "MATH"}
APART = keep(MOVED["depthwise"], same(column("depthwise", "kind"), "other"))
CLAIMS = (
    rule("ordinary-mixes", **EXACT)
    .says("In an ordinary convolution every input channel moves every output channel.")
    .must(minimum(MOVED["ordinary"]) > 0, equal(1)),
    rule("depthwise-keeps-apart", **EXACT)
    .says("In a depthwise one no input channel moves another output channel, by exactly nothing.")
    .must(maximum(APART), equal(0)),
    rule("depthwise-then-window-of-one", **EXACT)
    .says("A separable one is a depthwise one, then an ordinary one with a window of one.")
    .must(metric("separable", "off_parts") < 1e-5, equal(1)),
    detail("separable-mixes", **EXACT)
    .says("Together every input channel moves every output channel again.")
    .must(minimum(MOVED["separable"]) > 0, equal(1)),
    detail("one-kernel", **EXACT)
    .says("It is an ordinary one whose kernel is the product of both.")
    .must(metric("separable", "off_product") < 1e-5, equal(1)),
)

RECIPE = Recipe(
    slug="separable-identity",
    version=1,
    question="Which output channels does an input channel reach, and what is a separable layer?",
    sources=Source("hyperparameters-notes", "Separable 3D Convolutioon"),
    arms=(
        Arm("ordinary", "Conv2D"),
        Arm("depthwise", "DepthwiseConv2D"),
        Arm("separable", "SeparableConv2D"),
    ),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=CLAIMS,
    figures=HeatMap(
        "How far a changed input channel moves the outputs", "input", "output", "moved"
    ),
    metrics=(
        Metric("moved", "largest change of the output"),
        Metric("input", "input channel"),
        Metric("output", "output channel"),
        Metric("off_parts", "largest distance from the two layers one after the other"),
        Metric("off_product", "largest distance from one layer with the product of both kernels"),
    ),
)
