"""A separable convolution costs 1/N + 1/F^2 of an ordinary one, in weights and in operations; with one output or a window of one it costs more

Source: document 002 (002:97-99); the eight- to ninefold saving and MobileNet's numbers are from its paper (catalogue, A5a)
Data:   none (weights and multiply-accumulates are counted from Keras's layers)
Cost:   full 4 s per replicate, quick 1 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run separable-cost-analytic --scale full

F is the window, M and N are input and output channels, 16 x 16 places; biases are left out. The document's ">>" is false where
1/N + 1/F^2 is 1 or more. At both scales all pairs of a window and two channel numbers are built and counted.
"""

import keras

from keras_reprise import Arm, Claim, Curves, HeatMap, Measurement, Panel, Recipe, Scale, Source, near
from keras_reprise.flops import layer_costs

WINDOWS, PLACES = (1, 3, 5, 7), 16
ERRATUM = "X8: 002:99 writes the operations with S, the side of the feature map; the weights on 002:97 are right, without biases."
PRINTED = {(3, 32, 64): (18432, 2336), (3, 64, 128): (73728, 8768), (3, 128, 128): (147456, 17536)}  # independent counts, catalogue A5a


def counted(layer, inputs):
    """Weights and multiply-accumulates of a layer, as Keras and the package count them."""
    costs = layer_costs(keras.Sequential([keras.Input((PLACES, PLACES, inputs)), layer]))[-1]
    return costs.params, costs.macs


def pair(window, inputs, outputs):
    options = {"padding": "same", "use_bias": False}
    conv = counted(keras.layers.Conv2D(outputs, window, kernel_initializer="zeros", **options), inputs)
    separable = counted(keras.layers.SeparableConv2D(outputs, window, depthwise_initializer="zeros", pointwise_initializer="zeros", **options), inputs)
    return conv, separable


def mobilenet():
    """Parameters and multiply-accumulates (in millions) of MobileNet, and of the same network with ordinary convolutions."""
    separable = keras.applications.MobileNet(weights=None, input_shape=(224, 224, 3))
    params, macs, previous = separable.count_params(), 0, None
    full_params, full_macs = params, 0
    for cost, layer in zip(layer_costs(separable), separable.layers, strict=True):
        macs, full_macs = macs + cost.macs, full_macs + cost.macs
        if cost.kind == "DepthwiseConv2D":
            previous = cost, layer
        elif previous is not None and cost.kind == "Conv2D" and layer.kernel_size == (1, 1) and "pw" in layer.name:
            inputs, outputs, places = layer.kernel.shape[2], layer.filters, cost.macs // (layer.kernel.shape[2] * layer.filters)
            full_params += 9 * inputs * outputs - previous[0].params - cost.params
            full_macs += 9 * inputs * outputs * places - previous[0].macs - cost.macs
            previous = None
    return {"params": params / 1e6, "macs": macs / 1e6, "full_params": full_params / 1e6, "full_macs": full_macs / 1e6}


def measure(arm, replicate):
    if arm.name == "mobilenet":
        return Measurement(mobilenet())
    channels, trials = replicate.scale.channels, []
    for window in WINDOWS:
        for inputs in channels:
            for outputs in channels:
                (weights, macs), (separable_weights, separable_macs) = pair(window, inputs, outputs)
                trials.append({"window": window, "inputs": inputs, "outputs": outputs, "weights_ratio": separable_weights / weights, "operations_ratio": separable_macs / macs, "saving": weights / separable_weights} | ({"saving_of_window_3": weights / separable_weights} if window == 3 else {}))
    trials += [{"listed": f"{key}", "conv_weights": pair(*key)[0][0], "separable_weights": pair(*key)[1][0]} for key in PRINTED]
    three = [trial for trial in trials if trial.get("window") == 3 and trial["inputs"] == channels[-1]]
    off = {name: max(abs(t[name] - 1 / t["outputs"] - 1 / t["window"] ** 2) for t in trials if "window" in t) for name in ("weights_ratio", "operations_ratio")}
    return Measurement(off, curves={"outputs": [trial["outputs"] for trial in three], "saving_of_window_3": [trial["saving"] for trial in three]}, trials=trials)


def swept(arms):
    return [trial for trial in arms["sweep"].trials if "window" in trial]


def exceptions(arms, scale):
    """Pairs that break the rule "cheaper if and only if 1/N + 1/F^2 is below 1"."""
    return sum((t["weights_ratio"] < 1) != (1 / t["outputs"] + 1 / t["window"] ** 2 < 1) for t in swept(arms))


def savings(select):
    return lambda arms, scale: select(t["saving"] for t in swept(arms) if t["window"] == 3 and t["outputs"] >= 72)


def metric(name, arm="mobilenet"):
    return lambda arms, scale: arms[arm].metrics[name]


def listed(key, index):
    return lambda arms, scale: next(t for t in arms["sweep"].trials if t.get("listed") == f"{key}")[("conv_weights", "separable_weights")[index]]


def dearer(arms, scale):
    """Largest ratio of weights, separable over ordinary, in the sweep."""
    return max(t["weights_ratio"] for t in swept(arms))


EXACT = {"exact": True, "expectation": "MATH"}

RECIPE = Recipe(
    slug="separable-cost-analytic",
    version=1,
    question="How much does a separable convolution save, and when does it save nothing?",
    sources=(Source("hyperparameters-notes", "002:89-99"),),
    arms=(Arm("sweep", "pairs of layers over windows and channels"), Arm("mobilenet", "MobileNet as Keras builds it, and with ordinary convolutions")),
    scales=(Scale("quick", channels=(1, 8, 32, 128), seeds=1), Scale("full", channels=(1, 8, 16, 32, 64, 72, 128, 256, 512), seeds=3)),
    measure=measure,
    claims=(
        Claim("weights-ratio", "The ratio of weights is 1/N + 1/F^2.", "002:97", metric("weights_ratio", "sweep"), above=0.0, below=1e-12, measures="Largest distance of the counted ratio of weights from 1/N + 1/F^2", **EXACT),
        Claim("operations-ratio", "So is the ratio of operations.", "002:99", metric("operations_ratio", "sweep"), above=0.0, below=1e-12, measures="Largest distance of the counted ratio of operations from 1/N + 1/F^2", erratum=ERRATUM, **EXACT),
        Claim("cheaper-iff", "It is cheaper exactly where 1/N + 1/F^2 is below 1.", "002:97", exceptions, "pairs", above=0.0, below=0.0, **EXACT),
        Claim("always-far-cheaper", "A separable convolution always has far fewer weights.", "002:97", dearer, "ratio", below=1.0, exact=True, expectation="FALSE-AS-STATED", erratum="With one output channel or a window of one the separable layer has more weights (catalogue A5a, C2)."),
        Claim("saves-at-least-8", "With a window of three and 72 outputs or more it saves a factor of at least 8.", "MobileNet paper (catalogue A5a)", savings(min), "ratio", above=8.0, printed=8.0, measures="Smallest saving for a window of 3 and 72 outputs or more", **EXACT),
        Claim("saves-at-most-9", "And at most 9.", "MobileNet paper (catalogue A5a)", savings(max), "ratio", below=9.0, printed=9.0, measures="Largest saving for a window of 3 and 72 outputs or more", **EXACT),
        *(Claim(f"weights-{key[1]}-to-{key[2]}-{kind}", f"{key[1]} to {key[2]} channels: the {kind} layer has {value:,} weights.", "catalogue A5a", listed(key, index), "weights", **near(value), printed=value, measures=f"Weights of the {kind} layer", **EXACT) for key, values in PRINTED.items() for index, (kind, value) in enumerate(zip(("ordinary", "separable"), values, strict=True))),
        *(Claim(f"mobilenet-{name.replace('_', '-')}", f"MobileNet: {text}.", "MobileNet paper, table 4 (catalogue A5a)", metric(name), "million", **near(value, relative=0.02), printed=value, measures=f"{text.capitalize()}, in millions", **EXACT) for name, text, value in (("params", "parameters", 4.2), ("macs", "multiply-accumulates", 569.0), ("full_params", "parameters with ordinary convolutions", 29.3), ("full_macs", "multiply-accumulates with ordinary convolutions", 4866.0))),
    ),  # fmt: skip
    figures=(
        HeatMap("Saving of weights, window of three", "inputs", "outputs", "saving_of_window_3", "input channels", "output channels", "ordinary over separable", arms=("sweep",)),
        Curves("Saving against output channels, window of three", panels=(Panel(("saving_of_window_3",), "ordinary over separable weights", level=9.0, level_label="limit, 9"),), x="outputs", x_label="output channels", columns="overlay", x_log=True),
    ),
    suites=("gate",),
)  # fmt: skip
