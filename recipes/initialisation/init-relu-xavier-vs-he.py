"""ReLU halves the signal's power at every layer, so its weights need twice the variance.

Source: "Deep Network Components & Training", slide "RESEARCH..."; "Training" (notes on
        hyper-parameters), section "Hyper parameters of model"; He et al. (2015); table of cs231n
Data:   none (1,000 standard normal inputs of 500 features; a replicate averages several draws)
Cost:   full 35 s per replicate, quick 2 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run init-relu-xavier-vs-he --scale full
"""

import math

import keras

from keras_reprise import Arm, Curves, HistogramGrid, Panel, PrintedSeries, Recipe, Scale, Source
from keras_reprise import between, detail, first, last, mean, near, rule
from keras_reprise.activations import OF_LAYERS, LayerStatistics, forward
from keras_reprise.models import dense_stack


def measure(arm, replicate):
    def initialiser(fan_in, seed):
        return keras.initializers.RandomNormal(0.0, math.sqrt(arm.gain / fan_in), seed)

    statistics = LayerStatistics(0.0, 3.0, bins=30)
    for draw in range(replicate.scale.draws):
        x = replicate.seeds.generator("data", draw).standard_normal((1000, 500), "float32")
        model = dense_stack(replicate.seeds, 500, [500] * 10, "relu", initialiser, draw)
        statistics.add(forward(model, x))
    return statistics.measurement()


LECTURE, RERUN = "cs231n 2017 lecture 6", "public rerun of cs231n 2017 lecture 6"
XAVIER = (0.58348, 0.42625, 0.30635, 0.23351, 0.15980, 0.11001, 0.07977, 0.05965, 0.04146, 0.02879)
HE = (  # mean and standard deviation by layer; all of one network each, whence wide intervals
    *((0.562488, 0.825232), (0.553614, 0.827835), (0.545867, 0.813855), (0.565396, 0.826902)),
    *((0.547678, 0.834092), (0.587103, 0.860035), (0.596867, 0.870610), (0.623214, 0.889348)),
    *((0.567498, 0.845357), (0.552531, 0.844523)),
)
HE_MEAN, HE_STD = (tuple(column) for column in zip(*HE, strict=True))
SAYS = "Layer {key} of the {arm} network has about the value that a run printed, {printed:g}."
ABOUT = {"says": SAYS, "relative": 0.15, "kind": "positive"}
TABLE = {"std": {"xavier": XAVIER, "he": HE_STD}, "mean": {"he": HE_MEAN}}
LAYER_NAMES = tuple(map(str, range(1, 11)))
NOTES = Source("hyperparameters-notes", "Hyper parameters of model")
CLAIMS = (
    rule("xavier-halves-power", kind="positive")
    .says("With Xavier weights ReLU layers shrink the spread by the root of two each, on average.")
    .must(
        (last("xavier", "std") / first("xavier", "std")) ** (1 / 9),
        near(math.sqrt(0.5), absolute=0.03),
    ),
    rule("he-keeps-power", kind="positive")
    .says("With He weights the mean square stays that of the input, 1, on average over the layers.")
    .must(mean("he", "second_moment"), between(0.85, 1.15)),
    detail("he-beats-xavier-at-depth", kind="exact")
    .says("After ten layers the He network's spread is over twenty times the Xavier network's.")
    .must(last("he", "std") / last("xavier", "std") > 20.0),
    detail("he-first-layer-std", kind="positive")
    .says("The first He layer has the standard deviation of theory, the root of 1 - 1/pi.")
    .must(first("he", "std"), near(math.sqrt(1 - 1 / math.pi), relative=0.01)),
    detail("he-first-layer-mean", kind="positive")
    .says("The first He layer has the mean of theory, the root of 1/pi.")
    .must(first("he", "mean"), near(math.sqrt(1 / math.pi), relative=0.01)),
    PrintedSeries("std-xavier-layer", XAVIER, RERUN, "xavier", "std", **ABOUT),
    PrintedSeries("std-he-layer", HE_STD, LECTURE, "he", "std", **ABOUT),
    PrintedSeries("mean-he-layer", HE_MEAN, LECTURE, "he", "mean", **ABOUT),
)

RECIPE = Recipe(
    slug="init-relu-xavier-vs-he",
    version=1,
    question="Why do ReLU networks need twice the weight variance of tanh networks?",
    sources=(Source("cs231n-slides", "RESEARCH..."), NOTES),
    arms=(
        Arm("xavier", "normal weights of variance 1 / fan-in", gain=1.0),
        Arm("he", "normal weights of variance 2 / fan-in", gain=2.0),
    ),
    scales=(Scale("quick", draws=6), Scale("full", draws=20, seeds=12)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Signal by depth", (Panel("mean", log=True), Panel("std", log=True)), printed=TABLE),
        HistogramGrid("Activations per layer", LAYER_NAMES, ("layer",), "activation", "layer"),
    ),
    suites=("quickstart", "gate"),
    metrics=OF_LAYERS,
)
