"""A separable convolution has far fewer weights and operations than an ordinary one

Source: Training: notes on data splits and hyper-parameters, "Separable 3D Convolutioon"; the eight-
        to ninefold saving and MobileNet's numbers are from its paper
Data:   none (weights and multiply-accumulates are counted from Keras's layers)
Cost:   full 4 s per replicate, quick 1 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run separable-cost-analytic --scale full

F is the window, M and N are input and output channels, 16 x 16 places; biases are left out.
"""

import keras

from keras_reprise import Arm, HeatMap, Measurement, Metric, PrintedSeries, Recipe, Scale, Source
from keras_reprise import between, column, detail, equal, finite, first, keep, maximum, metric
from keras_reprise import minimum, printed_value, rule, same, total
from keras_reprise.flops import layer_costs

WINDOWS, PLACES = (1, 3, 5, 7), 16
PRINTED = {  # window, inputs, outputs: weights of the ordinary and the separable layer
    (3, 32, 64): (18432, 2336),
    (3, 64, 128): (73728, 8768),
    (3, 128, 128): (147456, 17536),
}


def counted(layer, inputs):
    costs = layer_costs(keras.Sequential([keras.Input((PLACES, PLACES, inputs)), layer]))[-1]
    return costs.params, costs.macs


def pair(window, inputs, outputs):
    options = {"padding": "same", "use_bias": False}
    conv = counted(
        keras.layers.Conv2D(outputs, window, kernel_initializer="zeros", **options), inputs
    )
    separable = counted(
        keras.layers.SeparableConv2D(
            outputs, window, depthwise_initializer="zeros", pointwise_initializer="zeros", **options
        ),
        inputs,
    )
    return conv, separable


def mobilenet():
    """Parameters and multiply-accumulates (millions) of MobileNet, with ordinary ones, too."""
    separable = keras.applications.MobileNet(weights=None, input_shape=(224, 224, 3))
    params, macs, previous = separable.count_params(), 0, None
    full_params, full_macs = params, 0
    for cost, layer in zip(layer_costs(separable), separable.layers, strict=True):
        macs, full_macs = macs + cost.macs, full_macs + cost.macs
        if cost.kind == "DepthwiseConv2D":
            previous = cost, layer
        elif (
            previous is not None
            and cost.kind == "Conv2D"
            and layer.kernel_size == (1, 1)
            and "pw" in layer.name
        ):
            inputs, outputs, places = (
                layer.kernel.shape[2],
                layer.filters,
                cost.macs // (layer.kernel.shape[2] * layer.filters),
            )
            full_params += 9 * inputs * outputs - previous[0].params - cost.params
            full_macs += 9 * inputs * outputs * places - previous[0].macs - cost.macs
            previous = None
    return {
        "params": params / 1e6,
        "macs": macs / 1e6,
        "full_params": full_params / 1e6,
        "full_macs": full_macs / 1e6,
    }


def measure(arm, replicate):
    if arm.name == "mobilenet":
        return Measurement(mobilenet())
    channels, trials = replicate.scale.channels, []
    for window in WINDOWS:
        for inputs in channels:
            for outputs in channels:
                (weights, macs), (separable_weights, separable_macs) = pair(window, inputs, outputs)
                trials.append(
                    {
                        "window": window,
                        "inputs": inputs,
                        "outputs": outputs,
                        "weights_ratio": separable_weights / weights,
                        "operations_ratio": separable_macs / macs,
                        "saving": weights / separable_weights,
                    }
                    | ({"saving_of_window_3": weights / separable_weights} if window == 3 else {})
                )
    trials += [
        {
            "listed": f"{key}",
            "conv_weights": pair(*key)[0][0],
            "separable_weights": pair(*key)[1][0],
        }
        for key in PRINTED
    ]
    three = [
        trial for trial in trials if trial.get("window") == 3 and trial["inputs"] == channels[-1]
    ]
    off = {
        name: max(
            abs(t[name] - 1 / t["outputs"] - 1 / t["window"] ** 2) for t in trials if "window" in t
        )
        for name in ("weights_ratio", "operations_ratio")
    }
    return Measurement(
        off,
        curves={
            "outputs": [trial["outputs"] for trial in three],
            "saving_of_window_3": [trial["saving"] for trial in three],
        },
        trials=trials,
    )


def swept(name):
    return finite(column("sweep", name))  # the listed layers have none


PAPER, TABLE = "MobileNet paper", "MobileNet paper, table 4"
MILLION = "MobileNet has {printed:g} million."
SIDE = "The operations are written with S, the side of the feature map; the weights are right."
DEARER = 'The notes print ">>" without a condition: one output or a window of one makes it dearer.'
CONV, SEPARABLE = column("sweep", "conv_weights"), column("sweep", "separable_weights")
KINDS, NAMED = {"ordinary": CONV, "separable": SEPARABLE}, column("sweep", "listed")
MOBILENET = {"params": 4.2, "macs": 569.0, "full_params": 29.3, "full_macs": 4866.0}
MATH = {"kind": "exact", "expectation": "MATH"}
RATIO, MACS = swept("weights_ratio"), swept("operations_ratio")
PAIRS = 1 / swept("outputs") + 1 / swept("window") ** 2
LARGE = (swept("window") >= 3) & (swept("outputs") >= 16)
SAVINGS = keep(swept("saving"), same(swept("window"), 3.0) & (swept("outputs") >= 72))
OTHERWISE = abs((RATIO < 1) - (PAIRS < 1))
SAVED = "{} saving, window of 3, 72 outputs or more"
WEIGHTS = {"unit": "weights", "measures": "Weights"}
CLAIMS = (
    rule("weights-ratio", **MATH)
    .says("The ratio of weights is 1/N + 1/F^2.")
    .must(metric("sweep", "weights_ratio"), between(0, 1e-12)),
    detail("operations-ratio", erratum=SIDE, **MATH)
    .says("So is the ratio of operations.")
    .must(metric("sweep", "operations_ratio"), between(0, 1e-12)),
    rule("far-fewer-weights", **MATH)
    .says("With a window of 3 and 16 outputs, or more, it has less than a quarter of the weights.")
    .must(maximum(keep(RATIO, LARGE)) < 0.25, unit="ratio", measures="Largest ratio of weights"),
    detail("far-fewer-operations", **MATH)
    .says("It takes less than a quarter of the operations there, too.")
    .must(maximum(keep(MACS, LARGE)) < 0.25, unit="ratio", measures="Largest ratio of operations"),
    detail("cheaper-iff", erratum=DEARER, **MATH)
    .says("It is cheaper exactly where 1/N + 1/F^2 is below 1.")
    .must(total(OTHERWISE), equal(0), unit="pairs", measures="Pairs where it is not so"),
    printed_value("saves-at-least-8", PAPER, printed=8.0, **MATH)
    .says("With a window of 3 and 72 outputs or more it saves a factor of at least 8.")
    .must(minimum(SAVINGS) > 8.0, unit="ratio", measures=SAVED.format("Smallest")),
    printed_value("saves-at-most-9", PAPER, printed=9.0, **MATH)
    .says("And at most 9.")
    .must(maximum(SAVINGS) < 9.0, unit="ratio", measures=SAVED.format("Largest")),
    *(
        printed_value(f"weights-{key[1]}-to-{key[2]}-{kind}", printed=printed, **MATH)
        .says(f"The {kind} layer from {key[1]} to {key[2]} channels has {printed:,} weights.")
        .must(first(keep(KINDS[kind], same(NAMED, str(key)))), equal(printed), **WEIGHTS)
        for key, both in PRINTED.items()
        for kind, printed in zip(KINDS, both, strict=True)
    ),
    PrintedSeries(
        "mobilenet", MOBILENET, TABLE, arm="mobilenet", relative=0.02, says=MILLION, **MATH
    ),
)
AXES = ("inputs", "outputs", "saving_of_window_3", "inputs", "outputs", "ordinary over separable")

RECIPE = Recipe(
    slug="separable-cost-analytic",
    version=1,
    question="How much does a separable convolution save, and when does it save nothing?",
    sources=Source("hyperparameters-notes", "Separable 3D Convolutioon"),
    arms=(Arm("sweep", "pairs of layers"), Arm("mobilenet", "MobileNet, separable and not")),
    scales=(
        Scale("quick", channels=(1, 8, 32, 128), seeds=1),
        Scale("full", channels=(1, 8, 16, 32, 64, 72, 128, 256, 512), seeds=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=HeatMap("Saving of weights, window of three", *AXES, arms=("sweep",)),
    metrics=(
        Metric("weights_ratio", "largest distance of the ratio of weights from 1/N + 1/F^2"),
        Metric("operations_ratio", "largest distance of the ratio of operations from 1/N + 1/F^2"),
        Metric("params", "parameters", "million"),
        Metric("macs", "multiply-accumulates", "million"),
        Metric("full_params", "parameters with ordinary convolutions", "million"),
        Metric("full_macs", "multiply-accumulates with ordinary convolutions", "million"),
    ),
    suites=("gate",),
)
