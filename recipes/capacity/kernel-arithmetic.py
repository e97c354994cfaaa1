"""A wider kernel has more weights and leaves a narrower output, which zeros around the input undo.

Source: "Lecture 7: Practical considerations for training deep models", slides "Convolutional Kernel
        Width" and "Implicit Padding"
Data:   none (weights, sizes and multiply-accumulates are counted from Keras's layers)
Cost:   quick and full under 1 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run kernel-arithmetic --scale full

A convolution of k x k on an image of 32 x 32 x 3, a bias a filter, and a dense layer to ten outputs
behind it, whose weights tell what a narrower output costs in capacity.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, curve
from keras_reprise import detail, equal, maximum, rank_correlation, rule, total, window
from keras_reprise.flops import layer_costs

SIDE, CHANNELS = 32, 3


def counted(width, filters, padding):
    """What Keras makes of a convolution of this width, and what the formulas say of it."""
    conv = keras.layers.Conv2D(filters, width, padding=padding, kernel_initializer="zeros")
    dense = keras.layers.Dense(10, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((SIDE, SIDE, CHANNELS)), conv])
    side = model.output_shape[1]
    model.add(keras.layers.Flatten())
    model.add(dense)
    costs = {cost.name: cost for cost in layer_costs(model)}
    expected = SIDE if padding == "same" else SIDE - width + 1
    return {
        "weights": conv.count_params(),
        "side": side,
        "outputs": side * side * filters,
        "operations": costs[conv.name].macs,
        "dense_weights": dense.count_params(),
        "off_weights": conv.count_params() - (width**2 * CHANNELS + 1) * filters,
        "off_side": side - expected,
        "off_operations": costs[conv.name].macs - width**2 * CHANNELS * filters * expected**2,
    }


def measure(arm, replicate):
    widths, filters = replicate.scale.widths, replicate.scale.filters
    rows = [counted(width, filters, arm.padding) for width in widths]
    curves = {"width": widths} | {name: [row[name] for row in rows] for name in rows[0]}
    return Measurement(curves=curves)


WIDTH, PADDING = "Convolutional Kernel Width", "Implicit Padding"
EXACT = {"kind": "exact", "expectation": "MATH"}


def rises(arm, name):
    return rank_correlation(curve(arm, name))


def off(name):
    """The sum of distances from the formula, over both arms and all widths."""
    return total(abs(curve("valid", name))) + total(abs(curve("same", name)))


def beyond_one(arm, name):
    return window(curve(arm, name), after=1)


CLAIMS = (
    rule("wider-has-more-weights", WIDTH, **EXACT)
    .says("The wider the kernel, the more weights.")
    .must(rises("valid", "weights"), equal(1)),
    rule("wider-leaves-a-narrower-output", WIDTH, **EXACT)
    .says("Without padding the output is narrower, the wider the kernel.")
    .must(rises("valid", "side"), equal(-1)),
    rule("padding-keeps-the-size", PADDING, **EXACT)
    .says("With zeros around the input the output is as large as the input.")
    .must(maximum(abs(curve("same", "side") - SIDE)), equal(0)),
    detail("narrower-output-lowers-what-follows", WIDTH, **EXACT)
    .says("A dense layer behind the narrower output has fewer weights.")
    .must(rises("valid", "dense_weights"), equal(-1)),
    detail("weights-with-the-square", WIDTH, **EXACT)
    .says("There are k^2 times the input channels, and a bias, of weights in a filter.")
    .must(off("off_weights"), equal(0), unit="weights", measures="Distance from the formula"),
    detail("side-by-formula", WIDTH, **EXACT)
    .says("Without padding the output is k - 1 places narrower than the input.")
    .must(off("off_side"), equal(0), unit="places", measures="Distance from the formula"),
    detail("operations-by-formula", PADDING, **EXACT)
    .says("A place of the output takes a multiplication for each weight of a filter but its bias.")
    .must(off("off_operations"), equal(0), unit="MACs", measures="Distance from the formula"),
    detail("padding-takes-no-weights", PADDING, **EXACT)
    .says("Padding changes no number of weights of the convolution.")
    .must(maximum(abs(curve("same", "weights") - curve("valid", "weights"))), equal(0)),
    detail("padding-takes-operations", PADDING, **EXACT)
    .says("It makes more operations of every kernel wider than one place.")
    .must(
        maximum(beyond_one("valid", "operations") / beyond_one("same", "operations")) < 1, equal(1)
    ),
)
PANELS = (Panel("weights", log=True), "side", Panel("operations", log=True))

RECIPE = Recipe(
    slug="kernel-arithmetic",
    version=1,
    question="What do a wider kernel and padding do to weights, sizes and operations?",
    sources=tuple(Source("training-practice-slides", title) for title in (WIDTH, PADDING)),
    arms=(
        Arm("valid", "without padding", padding="valid"),
        Arm("same", "with zeros around the input", padding="same"),
    ),
    scales=(
        Scale("quick", widths=(1, 3, 5, 7), filters=16, seeds=1),
        Scale("full", widths=tuple(range(1, 32, 2)), filters=64, seeds=1),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Counts by the kernel's width", PANELS, x="width"),
    metrics=(
        Metric("width", "kernel's width"),
        Metric("weights", "weights of the convolution", "", "width"),
        Metric("side", "side of the output", "places", "width"),
        Metric("outputs", "numbers in the output", "", "width"),
        Metric("operations", "multiply-accumulates", "", "width"),
        Metric("dense_weights", "weights of the dense layer behind", "", "width"),
    ),
)
