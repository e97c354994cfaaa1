"""For short vectors of fixed size take fully connected networks.

Source: "Lecture 7: Practical considerations for training deep models", slides "Default Baseline
        Models"
Data:   tables of scikit-learn: wine (178 of 13 numbers), breast cancer (569 of 30), and digits
        (1,797 of 64 pixels, or of 16 means of four pixels if quick, in one random order)
Cost:   quick 43 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run dense-for-vectors --scale full

The slides name neither networks nor data. Of about 5,000 weights: two dense ReLU layers, two
convolutions over the numbers in the table's order, or a GRU that reads them one after the other.
Half of the rows, by which numbers are standardised, are trained on, at every table for as many
updates: Adam, batches of 50. Each network has its best rate at each table, searched for on half of
the other rows; the errors are those of all other rows, means of further draws of the halves.
"""

import keras
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import below_each, between, column, detail, first, keep, maximum, metric
from keras_reprise import rule, same
from keras_reprise.rates import Restartable, best_run

RATES, WEIGHTS = (3e-3, 1e-2), 5_000
TABLES = {"wine": load_wine, "cancer": load_breast_cancer, "digits": load_digits}


def network(seeds, kind, numbers, classes, width):
    layers = keras.layers

    def glorot(name):
        return {"kernel_initializer": keras.initializers.GlorotUniform(seeds.weights(name))}

    x = inputs = keras.Input((numbers,))
    if kind == "dense":
        x = layers.Dense(width, "relu", **glorot("one"))(x)
        x = layers.Dense(width, "relu", **glorot("two"))(x)
    else:
        x = layers.Reshape((numbers, 1))(x)
    if kind == "convolutions":
        x = layers.Conv1D(width, 3, padding="same", activation="relu", **glorot("one"))(x)
        x = layers.Conv1D(width, 3, padding="same", activation="relu", **glorot("two"))(x)
        x = layers.Flatten()(x)
    if kind == "gru":
        recurrent = keras.initializers.Orthogonal(seed=seeds.weights("recurrent"))
        x = layers.GRU(width, recurrent_initializer=recurrent, **glorot("one"))(x)
    return keras.Model(inputs, layers.Dense(classes, **glorot("logits"))(x))


def count(kind, numbers, classes, width):
    """The network's weights."""
    if kind == "dense":
        return (numbers + 1) * width + (width + 1) * width + (width + 1) * classes
    if kind == "convolutions":
        return 4 * width + (3 * width + 1) * width + (numbers * width + 1) * classes
    return 3 * (width + 3) * width + (width + 1) * classes


def rows(table, draw, side):
    """The table in a random order of its rows, and of its columns where they are pixels.

    Half of the rows are to train. Of digits there are so many pixels a side, means of all.
    """
    x, y = TABLES[table](return_X_y=True)
    if table == "digits":
        x = x.reshape(-1, side, 8 // side, side, 8 // side).mean(axis=(2, 4)).reshape(len(y), -1)
        x = x[:, draw.permutation(x.shape[1])]
    order, half = draw.permutation(len(y)), len(y) // 2
    x, y = x[order], y[order].astype("int32")
    x = (x - x[:half].mean(axis=0)) / (x[:half].std(axis=0) + 1e-6)
    return Dataset.of(
        table, x[:half].astype("float32"), y[:half], x[half:].astype("float32"), y[half:]
    )


def measure(arm, replicate):
    scale = replicate.scale
    order = Order("with-replacement", examples=50 * scale.updates)
    settings = {"epochs": 1, "batch_size": 50, "order": order}

    def trained(table):
        draw, errors = replicate.seeds.generator("data", table), []

        def drawn():
            """A network before another draw of the rows."""
            data = rows(table, draw, scale.side)
            shape = data.image_shape[0], data.classes
            width = min(range(1, 100), key=lambda one: abs(count(arm.name, *shape, one) - WEIGHTS))

            def build(seeds):
                return network(seeds, arm.name, *shape, width)

            return Restartable(build, data, replicate, keras.optimizers.Adam())

        rate, _ = best_run(drawn(), RATES, **settings)
        for _ in range(scale.draws):
            net = drawn()
            errors.append(100 * net.train(rate, **settings).test_wrong[-1].mean())
        found = {"error": np.mean(errors), "rate": rate, "weights": net.model.count_params()}
        return found | {"numbers": net.data.image_shape[0]}

    trials = replicate.sweep([{"table": table} for table in TABLES], trained)
    curves = {"numbers": trials.column("numbers"), "errors": trials.column("error")}
    curves |= {"rate": trials.column("rate")}
    return Measurement({"error": trials.column("error").mean()}, curves, trials=trials)


ARMS = {"dense": "dense layers", "convolutions": "convolutions", "gru": "gated recurrent units"}
COUNTS = [column(arm, "weights") for arm in ARMS]


def error(arm, table):
    return first(keep(column(arm, "error"), same(column(arm, "table"), table)))


CLAIMS = (
    rule("dense-is-best")
    .says("Of three tables dense layers have the lowest mean error.")
    .must(metric("dense", "error"), below_each(*(metric(arm, "error") for arm in list(ARMS)[1:]))),
    *(
        detail(f"dense-is-best-{table}")
        .says(f"So it is with the table {table}.")
        .must(error("dense", table), below_each(*(error(arm, table) for arm in list(ARMS)[1:])))
        for table in TABLES
    ),
    detail("equal-weights", kind="exact", expectation="MATH")
    .says("All networks have 5,000 weights, within a tenth.")
    .must(maximum(*(maximum(abs(one / WEIGHTS - 1)) for one in COUNTS)), between(0, 0.1)),
)

RECIPE = Recipe(
    slug="dense-for-vectors",
    version=3,
    question="Are fully connected networks the choice for short vectors?",
    sources=Source("training-practice-slides", "Default Baseline Models"),
    arms=tuple(Arm(arm, words) for arm, words in ARMS.items()),
    scales=(
        Scale("quick", side=4, updates=200, draws=3),
        Scale("full", side=8, updates=2_000, draws=10),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Test error by length of the vectors: wine, cancer, digits", "errors", x="numbers"
    ),
    metrics=(
        Metric("numbers", "numbers in a vector"),
        Metric("errors", "test error", "percent", "table"),
        Metric("error", "test error", "percent"),
        Metric("weights", "number of weights"),
        Metric("rate", "best rate", "", "table"),
    ),
)
