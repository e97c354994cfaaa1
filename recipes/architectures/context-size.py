"""Filters should be as large as the context; larger ones gain nothing.

Source: "Deep learning 5.6", slide "Choosing the network structure"
Data:   made: images of normal noise with two marks in a row, some pixels apart
Cost:   quick 29 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run context-size --scale full

A bright and a dark mark stand s pixels apart; the class is which of them is on the left, so that
both have to be seen at once. No mark stands so near the border that its place would tell. A layer
of 16 filters has the windows, or a stack of layers of 3 x 3 has the same receptive field; then a
ReLU, the maximum of each filter over all places, and two logits. Adam, He's weights, each network
at its best rate, searched for on half of the test images and judged on the other half.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Panel, Recipe, Scale
from keras_reprise import Source, at, between, curve, detail, first, last, mean, rule
from keras_reprise.rates import Restartable, best_run, judged_errors

RATES, FILTERS = (3e-3, 1e-2), 16


def images(scale, count, draw):
    """Images (count, side, side, 1) and which of the two marks is on the left."""
    side, apart = scale.side, scale.apart
    x = scale.noise * draw.standard_normal((count, side, side, 1), "float32")
    y = draw.integers(0, 2, count).astype("int32")
    row = draw.integers(apart, side - apart, count)
    left = draw.integers(apart, side - 2 * apart, count)
    sign = np.where(y == 0, 1.0, -1.0).astype("float32")
    x[np.arange(count), row, left, 0] += sign
    x[np.arange(count), row, left + apart, 0] -= sign
    return x, y


def network(seeds, side, windows):
    """Convolutions without padding, each with a ReLU, the maximum over places, two logits."""
    model = keras.Sequential([keras.Input((side, side, 1))])
    for number, width in enumerate(windows):
        kernel = keras.initializers.HeNormal(seeds.weights(f"conv{number}"))
        model.add(keras.layers.Conv2D(FILTERS, width, activation="relu", kernel_initializer=kernel))
    model.add(keras.layers.GlobalMaxPooling2D())
    kernel = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model.add(keras.layers.Dense(2, kernel_initializer=kernel))
    return model


def measure(arm, replicate):
    scale, draw = replicate.scale, replicate.seeds.generator("data")
    data = Dataset.of("marks", *images(scale, scale.images, draw), *images(scale, 2_000, draw))

    def trained(field):
        windows = [3] * ((field - 1) // 2) if arm.stacked else [field]

        def build(seeds):
            return network(seeds, scale.side, windows)

        net = Restartable(build, data, replicate, keras.optimizers.Adam())
        order = Order(passes=scale.passes)
        rate, history = best_run(net, RATES, 1, batch_size=50, order=order)
        return {"error": judged_errors(history, 1)[-1], "rate": rate}

    fields = [scale.apart // 2 + 1, *(times * scale.apart + 1 for times in (1, 2, 4))]
    trials = replicate.sweep([{"field": field} for field in fields], trained)
    return Measurement(curves=trials.curves("field", "error", "rate"), trials=trials)


LAYER, STACK = curve("layer", "error"), curve("stack", "error")
SMALL, OF_SMALL = mean(first("layer", "error"), first("stack", "error")), "a field of s/2 + 1"
FITS, OF_FITS = mean(at(LAYER, 2), at(STACK, 2)), "one of s + 1"
TWICE, OF_TWICE = mean(at(LAYER, 3), at(STACK, 3)), "one of 2s + 1"
FOUR, OF_FOUR = mean(last("layer", "error"), last("stack", "error")), "one of 4s + 1"
CLAIMS = (
    rule("smaller-loses-accuracy")
    .says("A receptive field of half the distance has more errors than one that just spans it.")
    .must(SMALL > FITS, measures=f"Error of {OF_SMALL} minus that of {OF_FITS}"),
    rule("twice-gains-nothing", kind="discrete")
    .says("A field of twice the distance has no fewer errors, within a point.")
    .must(FITS - TWICE < 1, measures=f"Error of {OF_FITS} minus that of {OF_TWICE}"),
    detail("smaller-is-chance")
    .says("A field that spans no pair of marks guesses.")
    .must(SMALL, between(45, 55), measures=f"Error of {OF_SMALL}"),
    detail("just-right-is-seen")
    .says("One that just spans it has less than 10 % of errors.")
    .must(FITS < 10, measures=f"Error of {OF_FITS}"),
    detail("twice-is-trained")
    .says("Nor does it fail to train: it has less than 10 % of errors.")
    .must(TWICE < 10, measures=f"Error of {OF_TWICE}"),
    detail("wider-window-gains-nothing")
    .says("A window of one layer as wide as that has no fewer errors, within a point.")
    .must(at(LAYER, 2) - at(LAYER, 3) < 1, measures=f"Error of {OF_FITS} minus that of {OF_TWICE}"),
    detail("twice-the-layers-gain-nothing")
    .says("Nor has a stack of twice as many layers of 3 x 3.")
    .must(at(STACK, 2) - at(STACK, 3) < 1, measures=f"Error of {OF_FITS} minus that of {OF_TWICE}"),
    detail("four-times-gains-nothing")
    .says("Nor have fields of four times the distance.")
    .must(FITS - FOUR < 1, measures=f"Error of {OF_FITS} minus that of {OF_FOUR}"),
)

RECIPE = Recipe(
    slug="context-size",
    version=3,
    question="Should filters be as large as the context that matters?",
    sources=Source("fleuret-2021", "Choosing the network structure"),
    arms=(
        Arm("layer", "one layer of such windows", stacked=False),
        Arm("stack", "layers of 3 x 3", stacked=True),
    ),
    scales=(
        Scale("quick", side=20, apart=4, images=1_200, noise=0.2, passes=15),
        Scale("full", side=48, apart=8, images=10_000, noise=0.2, passes=30),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Error by receptive field", Panel("error", level=50.0, level_label="guess"), x="field"
    ),
    metrics=(
        Metric("field", "side of the receptive field", "pixels"),
        Metric("error", "test error", "percent", "receptive field"),
        Metric("rate", "best rate", "", "receptive field"),
    ),
)
