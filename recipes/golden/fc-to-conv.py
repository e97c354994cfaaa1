"""A dense layer is a convolution whose window is as large as its input.

Source: "Training" (notes on hyper-parameters), section "Fc to convolution"
Data:   none (standard normal feature maps)
Cost:   quick under a second per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run fc-to-conv --scale full

Full scale is the documented layer: 7 x 7 x 512 features into 4,096 units. The larger image is the
384 x 384 one of the notes behind the section: 12 x 12 features, 36 windows.
"""

import keras
import numpy as np

from keras_reprise import Arm, HeatMap, Measurement, Metric, Recipe, Scale, Source, between, detail
from keras_reprise import equal, metric, printed_value, rule, timed_calls

WINDOW = 7


def documented_weights():
    """How many weights Keras gives the layer that the document describes, biases left out."""
    layer = keras.layers.Conv2D(4096, WINDOW, use_bias=False, kernel_initializer="zeros")
    layer.build((None, WINDOW, WINDOW, 512))
    return layer.count_params()


def layers(replicate, arm):
    """The dense layer on one window and the convolution with the same weights."""
    scale, seeds = replicate.scale, replicate.seeds
    shape = (WINDOW, WINDOW, scale.channels)
    dense = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(
                scale.units,
                kernel_initializer=keras.initializers.RandomNormal(0, 0.01, seeds.weights("dense")),
            ),
        ]
    )
    conv = keras.Sequential(
        [
            keras.Input((None, None, scale.channels)),
            keras.layers.Conv2D(scale.units, WINDOW, kernel_initializer="zeros"),
        ]
    )
    kernel, bias = dense.get_weights()
    conv.set_weights([kernel.reshape(*shape, scale.units), bias])
    return dense, conv


def measure(arm, replicate):
    dense, conv = layers(replicate, arm)
    size = WINDOW + arm.shifts - 1
    x = replicate.seeds.generator("data").standard_normal(
        (1, size, size, replicate.scale.channels), "float32"
    )
    places = [(i, j) for i in range(arm.shifts) for j in range(arm.shifts)]
    crops = np.concatenate([x[:, i : i + WINDOW, j : j + WINDOW] for i, j in places])
    one_by_one = np.concatenate([keras.ops.convert_to_numpy(dense(crop[None])) for crop in crops])
    at_once = keras.ops.convert_to_numpy(conv(x)).reshape(len(places), -1)
    crop_s = np.median(timed_calls(dense, crops[:1], calls=5, budget_s=0.3)) * len(places)
    pass_s = np.median(timed_calls(conv, x, calls=5, budget_s=0.3))
    return Measurement(
        metrics={
            "difference": np.abs(at_once - one_by_one).max() / np.abs(one_by_one).max(),
            "params_difference": conv.count_params() - dense.count_params(),
            "documented_weights": documented_weights(),
            "results": len(at_once),
            "crops_over_pass": crop_s / pass_s,
        },
        trials=[
            {"row": i + 1, "column": j + 1, "score": float(value)}
            for (i, j), value in zip(places, at_once[:, 0], strict=True)
        ],
    )


ROUNDING = between(0.0, 1e-4)  # 0 on some machines
CLAIMS = (
    rule("identical-result", kind="discrete")
    .says("The convolution gives the dense layer's result, to a ten-thousandth of the largest.")
    .must(metric("one-window", "difference"), ROUNDING),
    detail("same-weights", kind="exact")
    .says("It has as many parameters.")
    .must(metric("one-window", "params_difference"), equal(0)),
    printed_value("documented-weights", kind="exact", printed=102_760_448)
    .says("The layer of the example has 7 * 7 * 512 * 4,096 weights, biases left out.")
    .must(metric("one-window", "documented_weights"), equal(102_760_448)),
    detail("six-by-six", kind="exact")
    .says("A 384 x 384 image gives 6 x 6 results.")
    .must(metric("larger-image", "results"), equal(36)),
    detail("crops-identical", kind="discrete")
    .says("They are those of 36 crops.")
    .must(metric("larger-image", "difference"), ROUNDING),
    detail("one-pass-cheaper", kind="positive")
    .says("One pass is cheaper than 36 crops one by one.")
    .must(metric("larger-image", "crops_over_pass") > 1.0),
)
AXES = ("row", "column", "score", "window, from the top", "window, from the left", "score")

RECIPE = Recipe(
    slug="fc-to-conv",
    version=2,
    question="Is a dense layer the same as a convolution with a window as large as its input?",
    sources=Source("hyperparameters-notes", "Fc to convolution"),
    arms=(
        Arm("one-window", "an input as large as the window", shifts=1),
        Arm("larger-image", "an input five cells larger: 36 windows", shifts=6),
    ),
    scales=(Scale("quick", channels=32, units=64), Scale("full", channels=512, units=4096)),
    measure=measure,
    claims=CLAIMS,
    timing=True,
    figures=HeatMap("The map of one unit's scores", *AXES, arms=("larger-image",)),
    metrics=(
        Metric("difference", "largest difference of a result over the largest result", "ratio"),
        Metric("params_difference", "difference of the numbers of parameters"),
        Metric("crops_over_pass", "seconds for 36 crops over seconds for one pass", "ratio"),
    ),
)
