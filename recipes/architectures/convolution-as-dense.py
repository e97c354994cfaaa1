"""Every convolution is a dense layer whose matrix is mostly zero and has many equal blocks.

Source: "Training" (notes on hyper-parameters), section "Fc to convolution"
Data:   none (random weights, standard normal images)
Cost:   quick 1 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full under 1 s (one of two workers, Intel Xeon)
Replay: reprise run convolution-as-dense --scale full

The matrix is made of the convolution's responses to images of which one number is one and all
others zero. A block belongs to one place of the input and one of the output: input channels times
output channels. Weights are 1/n, 2/n, ..., 1 in a random order, what is below 1e-6 is zero.
"""

import keras
import numpy as np

from keras_reprise import Arm, HeatMap, Measurement, Metric, Recipe, Scale, Source, detail, equal
from keras_reprise import maximum, metric, near, rule

SIDE = 6
ARMS = {  # window, stride, padding, input channels and output channels
    "one-channel": ("window of 3, one channel", 3, 1, "valid", (1, 1)),
    "channels": ("from 3 channels to 4", 3, 1, "valid", (3, 4)),
    "padded": ("with padding", 3, 1, "same", (3, 4)),
    "strided": ("with a stride of 2", 3, 2, "valid", (3, 4)),
    "whole": ("window of 6, as the image", 6, 1, "valid", (3, 4)),
}
KEYS = ("window", "stride", "padding", "channels")


def layer(arm, draw):
    """The convolution; no two of its weights are equal."""
    inputs, outputs = arm.channels
    shape = (arm.window, arm.window, inputs, outputs)
    count = np.prod(shape)
    conv = keras.layers.Conv2D(
        outputs, arm.window, arm.stride, arm.padding, kernel_initializer="zeros"
    )
    conv.build((None, SIDE, SIDE, inputs))
    weights = draw.permutation(np.arange(1, count + 1)).reshape(shape) / count
    conv.set_weights([weights, draw.standard_normal(outputs)])
    return conv


def answered(layer, x):
    """What the layer makes of each of `x`, as a row of numbers."""
    return keras.ops.convert_to_numpy(layer(x)).reshape(len(x), -1)


def matrix(conv, shape):
    """The weights (inputs, outputs) and biases (outputs,) of the dense layer that `conv` is."""
    unit_images = np.eye(np.prod(shape), dtype="float32").reshape(-1, *shape)
    bias = answered(conv, np.zeros((1, *shape), "float32"))[0]
    weights = answered(conv, unit_images) - bias
    return np.where(np.abs(weights) < 1e-6, 0, weights), bias


def measure(arm, replicate):
    channels, filters = arm.channels
    shape, draw = (SIDE, SIDE, channels), replicate.seeds.generator("data")
    conv = layer(arm, draw)
    weights, bias = matrix(conv, shape)
    dense = keras.layers.Dense(len(bias), kernel_initializer="zeros")
    dense.build((None, len(weights)))
    dense.set_weights([weights, bias])
    x = draw.standard_normal((replicate.scale.images, *shape), "float32")
    expected = answered(conv, x)
    off = np.abs(answered(dense, x.reshape(len(x), -1)) - expected).max() / np.abs(expected).max()
    places = weights.reshape(SIDE**2, channels, -1, filters).swapaxes(1, 2)
    blocks = places.reshape(-1, channels, filters)
    blocks = blocks[np.abs(blocks).max(axis=(1, 2)) > 0]
    metrics = {"off": off, "zeros": 100 * (weights == 0).mean()}
    different = np.unique(np.round(blocks, 4), axis=0)
    metrics |= {"blocks": len(blocks), "distinct": len(different)}
    trials = [
        {"output": output + 1, "input": number + 1, "weight": weights[number, output]}
        for output in range(len(bias))
        for number in range(len(weights))
    ]
    return Measurement(metrics, trials=trials if arm.name == "one-channel" else [])


EXACT = {"kind": "exact", "expectation": "MATH"}
WINDOW_OF_3 = [arm for arm, (_, window, *_) in ARMS.items() if window == 3]
CLAIMS = (
    rule("same-outputs", **EXACT)
    .says("The dense layer with the matrix gives the convolution's outputs, but for rounding.")
    .must(metric("one-channel", "off") < 1e-5, equal(1)),
    rule("mostly-zero", **EXACT)
    .says("Most of the matrix is zero.")
    .must(metric("one-channel", "zeros") > 50),
    rule("many-equal-blocks", **EXACT)
    .says("Many of its blocks are equal.")
    .must(metric("one-channel", "blocks") / metric("one-channel", "distinct") > 2),
    detail("others-same-outputs", **EXACT)
    .says("So it does with several channels, padding, a stride of two or a window as the image.")
    .must(maximum(*(metric(arm, "off") for arm in ARMS)) < 1e-5, equal(1)),
    detail("a-block-for-each-place-of-the-window", **EXACT)
    .says("With a window of 3 x 3 there are nine different blocks.")
    .must(maximum(*(abs(metric(arm, "distinct") - 9) for arm in WINDOW_OF_3)), equal(0)),
    detail("zeros-by-formula", **EXACT)
    .says("Without padding the share that is not zero is that of the window in the image.")
    .must(metric("one-channel", "zeros"), near(100 * (1 - 9 / SIDE**2), absolute=1e-6)),
    detail("whole-has-no-zeros", **EXACT)
    .says("Where the window is as large as the image nothing of the matrix is zero.")
    .must(metric("whole", "zeros"), equal(0)),
)

RECIPE = Recipe(
    slug="convolution-as-dense",
    version=1,
    question="Is a convolution a dense layer with a mostly empty matrix of equal blocks?",
    sources=Source("hyperparameters-notes", "Fc to convolution"),
    arms=tuple(
        Arm(arm, words, **dict(zip(KEYS, settings, strict=True)))
        for arm, (words, *settings) in ARMS.items()
    ),
    scales=(Scale("quick", images=100, seeds=1), Scale("full", images=10_000, seeds=1)),
    measure=measure,
    claims=CLAIMS,
    figures=HeatMap("The matrix", "output", "input", "weight", arms=("one-channel",)),
    metrics=(
        Metric("off", "largest difference of an output over the largest output", "ratio"),
        Metric("zeros", "share of the matrix that is zero", "percent"),
        Metric("blocks", "blocks that are not zero"),
        Metric("distinct", "different blocks that are not zero"),
        Metric("output", "output place"),
        Metric("input", "input place"),
        Metric("weight", "weight"),
    ),
)
