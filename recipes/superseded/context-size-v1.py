"""Filters should be as large as the context; larger ones gain nothing.

Source: "Deep learning 5.6", slide "Choosing the network structure"
Data:   made: images of normal noise with two marks in a row, some pixels apart
Cost:   quick 87 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run context-size --scale full

A bright and a dark mark stand s pixels apart; the class is which of them is on the left, so that
both have to be seen at once. No mark stands so near the border that its place would tell. A layer
of 16 filters has the windows, or a stack of layers of 3 x 3 has the same receptive field; then a
ReLU, the maximum of each filter over all places, and two logits. Adam, He's weights, each network
at the best of three rates, chosen on half of the test images and judged on the other half.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import at, between, curve, detail, first, mean, rule, window
from keras_reprise.rates import Restartable, judged_errors, validation_error

RATES, FILTERS = (1e-3, 3e-3, 1e-2), 16


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
    for number, side in enumerate(windows):
        kernel = keras.initializers.HeNormal(seeds.weights(f"conv{number}"))
        model.add(keras.layers.Conv2D(FILTERS, side, activation="relu", kernel_initializer=kernel))
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
        runs = [net.train(rate, scale.epochs, batch_size=50) for rate in RATES]
        best = min(runs, key=validation_error)
        return {"error": judged_errors(best, scale.epochs)[-1]}

    fields = [scale.apart // 2 + 1, *(times * scale.apart + 1 for times in (1, 2, 4))]
    trials = replicate.sweep([{"field": field} for field in fields], trained)
    return Measurement(curves=trials.curves("field", "error"), trials=trials)


def small(arm):
    return first(arm, "error")


def fits(arm):
    return at(curve(arm, "error"), 2)


def large(arm):
    return mean(window(curve(arm, "error"), after=2))


def both(value):
    """The mean of a layer and a stack."""
    return mean(value("layer"), value("stack"))


SMALL, FITS, LARGE = "a field of s/2 + 1", "one of s + 1", "larger ones"
CLAIMS = (
    rule("smaller-loses-accuracy")
    .says("A receptive field of half the distance has more errors than one that just spans it.")
    .must(both(small) > both(fits), measures=f"Error of {SMALL} minus that of {FITS}"),
    rule("larger-gains-nothing")
    .says("Fields of two and four times the distance have no fewer errors, within a point.")
    .must(both(fits) - both(large) < 1, measures=f"Error of {FITS} minus that of {LARGE}"),
    detail("smaller-is-chance")
    .says("A field that spans no pair of marks guesses.")
    .must(both(small), between(45, 55), measures=f"Error of {SMALL}"),
    detail("just-right-is-seen")
    .says("One that just spans it has less than 10 % of errors.")
    .must(both(fits) < 10, measures=f"Error of {FITS}"),
    detail("larger-window-gains-nothing")
    .says("Larger windows of one layer have no fewer errors, within a point.")
    .must(fits("layer") - large("layer") < 1, measures=f"Error of {FITS} minus that of {LARGE}"),
    detail("higher-stack-gains-nothing")
    .says("Nor have more layers of 3 x 3.")
    .must(fits("stack") - large("stack") < 1, measures=f"Error of {FITS} minus that of {LARGE}"),
)

RECIPE = Recipe(
    slug="context-size",
    version=1,
    question="Should filters be as large as the context that matters?",
    sources=Source("fleuret-2021", "Choosing the network structure"),
    arms=(
        Arm("layer", "one layer of such windows", stacked=False),
        Arm("stack", "layers of 3 x 3", stacked=True),
    ),
    scales=(
        Scale("quick", side=24, apart=4, images=2_000, noise=0.2, epochs=15),
        Scale("full", side=48, apart=8, images=10_000, noise=0.2, epochs=30),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Error by receptive field", Panel("error", level=50.0, level_label="guess"), x="field"
    ),
    metrics=(
        Metric("field", "side of the receptive field", "pixels"),
        Metric("error", "test error", "percent", "receptive field"),
    ),
)
