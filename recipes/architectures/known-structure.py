"""A known structure is a better start than one of one's own.

Source: "Deep learning 5.6", slide "Choosing the network structure"
Data:   cifar10, standardised
Cost:   quick 29 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run known-structure --scale full

The known structure is the author's small convnet, as in cifar10-lr-drop. A variation changes one
thing of it: a window, a pooling, the dense layer or, at full scale only, the number of filters; one
changes two, with a third convolution and a pooling less. One's own is drawn at random: one to three
convolutions, their windows and poolings, and the dense layer. Filters are scaled so that an image
takes as many multiply-accumulates as the known, within a tenth. Each has its best rate of plain
SGD, searched for on half of the test images and judged on the other half, after a few passes: a
start, not the end of a search.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Recipe, Scale, Source, curve
from keras_reprise import detail, mean, metric, rule
from keras_reprise.models import initialisers
from keras_reprise.rates import Restartable, best_run, judged_errors

RATES = (0.03, 0.1)
KNOWN = {"windows": (5, 5), "pools": (3, 2), "growth": 2, "dense": 200}
VARIATIONS = (
    {"windows": (3, 5)},
    {"pools": (2, 2)},
    {"dense": 100},
    {"windows": (5, 5, 3), "pools": (3, 1, 1)},
    {"windows": (5, 3)},
    {"growth": 1},
)


def network(seeds, shape, classes, windows, pools, growth, dense, filters):
    """Convolutions with max-pool and ReLU each, a dense layer, logits; weights as PyTorch's."""
    layers, model, inputs = keras.layers, keras.Sequential([keras.Input(shape)]), shape[-1]
    for number, (window, pool) in enumerate(zip(windows, pools, strict=True)):
        units, name = filters * growth**number, f"conv{number}"
        weights = initialisers("pytorch", seeds, name, window * window * inputs)
        model.add(layers.Conv2D(units, window, **weights))
        model.add(layers.MaxPooling2D(pool))
        model.add(layers.ReLU())
        inputs = units
    model.add(layers.Flatten())
    for units, activation, name in ((dense, "relu", "dense"), (classes, None, "logits")):
        weights = initialisers("pytorch", seeds, name, model.output_shape[-1])
        model.add(layers.Dense(units, activation, **weights))
    return model


def operations(shape, classes, windows, pools, growth, dense, filters):
    """Multiply-accumulates of an image; 0 where the maps are too small for the windows."""
    side, total, inputs = shape[0], 0, shape[-1]
    for number, (window, pool) in enumerate(zip(windows, pools, strict=True)):
        side, units = side - window + 1, filters * growth**number
        if side < pool:
            return 0
        total, side, inputs = total + side**2 * window**2 * inputs * units, side // pool, units
    return total + side**2 * inputs * dense + dense * classes


def scaled(shape, classes, structure):
    """The structure with filters that make it as dear as the known one; None if none do."""
    aim = operations(shape, classes, **KNOWN, filters=32)
    found = [operations(shape, classes, **structure, filters=number) for number in range(1, 513)]
    best = int(np.argmin(np.abs(np.array(found) - aim)))
    close = abs(found[best] / aim - 1) < 0.1
    return structure | {"filters": best + 1} if close else None


def drawn(shape, classes, draw):
    """A structure at random, of as many operations; neither the known one nor a variation."""
    while True:
        depth = int(draw.integers(1, 4))
        structure = {
            "windows": tuple(int(one) for one in draw.choice((3, 5, 7, 9), depth)),
            "pools": tuple(int(one) for one in draw.choice((1, 2, 3), depth)),
            "growth": int(draw.choice((1, 2))),
            "dense": int(draw.choice((50, 100, 200, 400))),
        }
        others = [KNOWN | change for change in ({}, *VARIATIONS)]
        if structure not in others and (found := scaled(shape, classes, structure)) is not None:
            return found


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    shape, classes, draw = data.image_shape, data.classes, replicate.seeds.generator("search")
    structures = {
        "known": [KNOWN | {"filters": 32}],
        "variations": [scaled(shape, classes, KNOWN | change) for change in VARIATIONS],
        "own": [drawn(shape, classes, draw) for _ in range(scale.own)],
    }[arm.name][: scale.own]

    def trained(number):
        def build(seeds):
            return network(seeds, shape, classes, **structures[number])

        net = Restartable(build, data, replicate)
        order = Order(passes=scale.passes)
        settings = {"batch_size": 50, "order": order, "diverged_factor": None}
        rate, history = best_run(net, RATES, 1, **settings)
        found = {"error": judged_errors(history, 1)[-1], "rate": rate}
        return found | {name: str(value) for name, value in structures[number].items()}

    trials = replicate.sweep([{"number": number} for number in range(len(structures))], trained)
    errors = np.sort(trials.column("error"))
    return Measurement({"error": errors.mean()}, {"errors": errors}, trials=trials)


KNOWN_ERROR, OWN = metric("known", "error"), curve("own", "errors")
CLAIMS = (
    rule("known-beats-own")
    .says("The known structure has a lower error than the mean of one's own.")
    .must(KNOWN_ERROR < metric("own", "error")),
    rule("variations-beat-own")
    .says("So have its variations, on average.")
    .must(metric("variations", "error") < metric("own", "error")),
    detail("few-own-beat-known", kind="discrete")
    .says("Less than a quarter of one's own have a lower error than the known structure.")
    .must(mean(OWN < KNOWN_ERROR) < 0.25, measures="Share of one's own structures that beat it"),
    detail("known-beats-variations")
    .says("The known structure has a lower error than the mean of its variations.")
    .must(KNOWN_ERROR < metric("variations", "error")),
)

RECIPE = Recipe(
    slug="known-structure",
    version=3,
    question="Is a structure known to work a better start than one of one's own?",
    sources=Source("fleuret-2021", "Choosing the network structure"),
    data="cifar10",
    arms=(
        Arm("known", "the small convnet"),
        Arm("variations", "the small convnet with one thing changed"),
        Arm("own", "structures drawn at random"),
    ),
    scales=(
        Scale("quick", n_train=1_000, n_test=1_000, own=5, passes=3),
        Scale("full", n_train=20_000, own=16, passes=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error of each structure, sorted", "errors"),
    metrics=(
        Metric("error", "test error", "percent"),
        Metric("errors", "test error", "percent", "structure"),
        Metric("rate", "best rate"),
    ),
)
