"""With ReLU divide the fan-in by two: Xavier weights halve the signal's power at every layer, He weights keep it

Source: documents 002 and 003 (002:61, 003:285); the printed tables are those of the lecture behind document 003
Data:   none (1,000 standard normal inputs of 500 features)
Cost:   full 35 s per replicate, quick 2 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run init-relu-xavier-vs-he --scale full

The documents name the rule and its paper but print no table; the two tables here are one network each, printed in
public material (catalogue, A4b), whence their wide intervals. A replicate averages several draws.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Claim, Curves, HistogramGrid, Measurement, Panel, Recipe, Scale, Source, near
from keras_reprise.activations import LayerStatistics, forward
from keras_reprise.models import dense_stack

LAYERS, UNITS, INPUTS = 10, 500, 1000
PRINTED = {
    "std": {
        "xavier": (0.58348, 0.42625, 0.30635, 0.23351, 0.15980, 0.11001, 0.07977, 0.05965, 0.04146, 0.02879),
        "he": (0.825232, 0.827835, 0.813855, 0.826902, 0.834092, 0.860035, 0.870610, 0.889348, 0.845357, 0.844523),
    },
    "mean": {"he": (0.562488, 0.553614, 0.545867, 0.565396, 0.547678, 0.587103, 0.596867, 0.623214, 0.567498, 0.552531)},
}
WHERE = {"xavier": "public rerun of cs231n 2017 lecture 6 (catalogue A4b)", "he": "cs231n 2017 lecture 6 (catalogue A4b)"}
WORDS = {"std": "standard deviation", "mean": "mean"}


def measure(arm, replicate) -> Measurement:
    statistics = LayerStatistics(0.0, 3.0, bins=30)
    for draw in range(replicate.scale.draws):
        x = replicate.seeds.generator("data", draw).standard_normal((INPUTS, UNITS), np.float32)
        model = dense_stack(
            replicate.seeds,
            UNITS,
            [UNITS] * LAYERS,
            "relu",
            lambda fan_in, seed: keras.initializers.RandomNormal(0.0, math.sqrt(arm.gain / fan_in), seed=seed),
            draw,
        )
        statistics.add(forward(model, x))
    return statistics.measurement()


def row(curve, arm, layer):
    """The claim that one printed row comes out; it is one network's, so 15 % are allowed."""
    printed = PRINTED[curve][arm][layer - 1]
    return Claim(
        f"{curve}-{arm}-layer-{layer}",
        f"Layer {layer} of the {arm} network has about the {WORDS[curve]} that the table prints.",
        WHERE[arm],
        lambda arms, scale: arms[arm].curves[curve][layer - 1],
        measures=f"{WORDS[curve].capitalize()} of the activations of layer {layer}, mean over the draws",
        **near(printed, relative=0.15),
        log=True,
        expectation="VERIFIED-HERE",
        printed=printed,
    )


def xavier_ratio(arms, scale):
    """Geometric mean of std(layer l+1) / std(layer l) over the layers."""
    std = arms["xavier"].curves["std"]
    return (std[-1] / std[0]) ** (1 / (LAYERS - 1))


def he_power(arms, scale):
    """Mean square of the activations, over all layers and draws."""
    return arms["he"].curves["second_moment"].mean()


def he_over_xavier(arms, scale):
    """Standard deviation of layer 10 with He weights over that with Xavier weights."""
    return arms["he"].curves["std"][-1] / arms["xavier"].curves["std"][-1]


def first_layer(curve):
    return lambda arms, scale: arms["he"].curves[curve][0]


RECIPE = Recipe(
    slug="init-relu-xavier-vs-he",
    version=1,
    question="Why do ReLU networks need twice the weight variance of tanh networks?",
    sources=(Source("hyperparameters-notes", "002:61"), Source("cs231n-slides", "003:285")),
    arms=(
        Arm("xavier", "normal weights of variance 1 / fan-in", gain=1.0),
        Arm("he", "normal weights of variance 2 / fan-in", gain=2.0),
    ),
    scales=(Scale("quick", draws=6), Scale("full", draws=20, seeds=12)),
    measure=measure,
    claims=(
        Claim("xavier-halves-power", "With Xavier weights every ReLU layer shrinks the spread by the root of two.", "002:61, 003:285", xavier_ratio, **near(math.sqrt(0.5), absolute=0.03), log=True, expectation="MATH"),
        Claim("he-keeps-power", "With He weights the mean square of the activations stays what it was at the input, 1.", "003:285", he_power, above=0.85, below=1.15, expectation="MATH"),
        Claim("he-beats-xavier-at-depth", "After ten layers the He network's spread is more than twenty times the Xavier network's.", "003:285", he_over_xavier, above=20.0, log=True, expectation="VERIFIED-HERE"),
        Claim("he-first-layer-std", "The first He layer has the standard deviation of theory, the root of 1 - 1/pi.", "catalogue A4b", first_layer("std"), measures="Standard deviation of layer 1", **near(math.sqrt(1 - 1 / math.pi), relative=0.01), log=True, expectation="MATH"),
        Claim("he-first-layer-mean", "The first He layer has the mean of theory, the root of 1/pi.", "catalogue A4b", first_layer("mean"), measures="Mean of layer 1", **near(math.sqrt(1 / math.pi), relative=0.01), log=True, expectation="MATH"),
        *(row(curve, arm, layer) for curve, arms in PRINTED.items() for arm in arms for layer in range(1, LAYERS + 1)),
    ),  # fmt: skip
    figures=(
        Curves(
            "Activations against depth",
            panels=(Panel(("mean",), "mean of the activations", log=True), Panel(("std",), "standard deviation", log=True)),
            x_label="layer",
            columns="overlay",
            printed=PRINTED,
        ),
        HistogramGrid("Activations per layer", tuple(map(str, range(1, LAYERS + 1))), ("layer",), "activation", "layer"),
    ),
    suites=("quickstart", "gate"),
)
