"""For sequences take gated recurrent networks (LSTM, GRU).

Source: "Lecture 7: Practical considerations for training deep models", slides "Default Baseline
        Models"; the task is the adding problem of Hochreiter and Schmidhuber (1997)
Data:   made: random numbers, two of which are marked
Cost:   quick 34 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run gated-sequences --scale full

The slides give no experiment. At each step there is a number between 0 and 1 and a mark, which is 1
at one place of the first half and one of the second; the target is the sum of both numbers. Always
to say 1 has a mean squared error of 1/6. Networks of about 2,500 weights: GRU, LSTM, ungated
recurrent units (tanh, orthogonal first weights), and a dense ReLU layer that sees all steps at
once. Adam, batches of 50; each has its best rate at each length, searched for on half of the test
sequences and judged on the other half, after equal updates.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Panel, Recipe, Scale
from keras_reprise import Source, below_each, detail, first, last, maximum, minimum, rule
from keras_reprise.rates import Restartable, best_run

RATES, LOSS = (3e-3, 1e-2), keras.losses.MeanSquaredError()
UNITS = {"gru": 27, "lstm": 23, "ungated": 48}
WEIGHTS = 2_500


def sequences(count, length, draw):
    """Numbers and marks (count, length, 2) and sums (count, 1)."""
    x = np.zeros((count, length, 2), "float32")
    x[..., 0] = draw.random((count, length))
    places = draw.integers(0, length // 2, (2, count)) + np.array([[0], [length - length // 2]])
    for place in places:
        x[np.arange(count), place, 1] = 1
    return x, (x[..., 0] * x[..., 1]).sum(axis=1, keepdims=True)


def network(seeds, kind, length):
    layers, x = keras.layers, keras.Input((length, 2))
    glorot = keras.initializers.GlorotUniform
    inputs, kernel = x, {"kernel_initializer": glorot(seeds.weights("kernel"))}
    if kind == "dense":
        width = max(1, round((WEIGHTS - 1) / (2 * length + 2)))
        x = layers.Dense(width, "relu", **kernel)(layers.Flatten()(x))
    else:
        made = {"gru": layers.GRU, "lstm": layers.LSTM, "ungated": layers.SimpleRNN}[kind]
        recurrent = keras.initializers.Orthogonal(seed=seeds.weights("recurrent"))
        x = made(UNITS[kind], recurrent_initializer=recurrent, **kernel)(x)
    return keras.Model(inputs, layers.Dense(1, kernel_initializer=glorot(seeds.weights("sum")))(x))


def choice(history):
    """The mean squared error of the first half of the test sequences."""
    return history.test_losses[-1].ravel()[:1000].mean()


def measure(arm, replicate):
    scale = replicate.scale
    order = Order("with-replacement", examples=50 * scale.updates // scale.looks)

    def trained(length):
        draw = replicate.seeds.generator("data", length)
        parts = [sequences(count, length, draw) for count in (scale.sequences, 2_000)]
        data = Dataset.of("adding", *parts[0], *parts[1])

        def build(seeds):
            return network(seeds, arm.name, length)

        net = Restartable(build, data, replicate, keras.optimizers.Adam())
        settings = {"loss": LOSS, "batch_size": 50, "order": order}
        rate, history = best_run(net, RATES, scale.looks, choice, **settings)
        error = float(history.test_losses[-1].ravel()[1000:].mean())
        return {"error": error, "rate": rate, "weights": net.model.count_params()}

    trials = replicate.sweep([{"length": length} for length in scale.lengths], trained)
    return Measurement(curves=trials.curves("length", "error", "weights", "rate"), trials=trials)


SOLVED, GATED, OTHERS = 0.02, ("gru", "lstm"), ("ungated", "dense")
OTHER_ERRORS = [last(arm, "error") for arm in OTHERS]
CLAIMS = (
    *(
        rule(f"{arm}-is-better")
        .says(f"At the greatest length the {arm.upper()} has a lower error than both others.")
        .must(last(arm, "error"), below_each(*OTHER_ERRORS))
        for arm in GATED
    ),
    detail("gated-solve-it")
    .says("Both gated networks solve it there: their error is below 0.02.")
    .must(maximum(*(last(arm, "error") for arm in GATED)) < SOLVED),
    detail("others-do-not")
    .says("Neither of the others does.")
    .must(minimum(*OTHER_ERRORS) > SOLVED),
    detail("ungated-solve-the-shortest")
    .says("Ungated units solve the shortest.")
    .must(first("ungated", "error") < SOLVED),
)
WORDS = {
    "gru": "gated recurrent units",
    "lstm": "long short-term memory",
    "ungated": "ungated recurrent units",
    "dense": "a dense layer over all steps",
}

RECIPE = Recipe(
    slug="gated-sequences",
    version=3,
    question="Do sequences need gated recurrent networks?",
    sources=Source("training-practice-slides", "Default Baseline Models"),
    arms=tuple(Arm(arm, words) for arm, words in WORDS.items()),
    scales=(
        Scale("quick", lengths=(4, 10, 20), sequences=3_000, updates=300, looks=2),
        Scale("full", lengths=(10, 50, 100), sequences=50_000, updates=6_000, looks=10),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Adding problem", Panel("error", log=True, level=SOLVED, level_label="solved"), x="length"
    ),
    metrics=(
        Metric("length", "length of the sequences"),
        Metric("error", "mean squared error", "", "length"),
        Metric("weights", "number of weights", "", "length"),
        Metric("rate", "best rate", "", "length"),
    ),
)
