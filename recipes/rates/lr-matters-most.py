"""Of all hyper-parameters the learning rate is the one whose tuning changes the error most.

Source: "Lecture 7: Practical considerations for training deep models", slide "Learning Rate";
        "Training" (notes on hyper-parameters), section "Learning rate"
Data:   cifar10, standardised, flattened
Cost:   quick 35 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run lr-matters-most --scale full

Neither document gives an experiment. From usual settings (rate 0.01, momentum 0.9, batches of 32,
100 hidden units, L2 1e-4, dropout 0.2) one hyper-parameter at a time takes five values: a factor of
ten down to ten up, momentum by 1 - m; dropout, which is no size, from 0 to 0.8. What tuning changes
is the test error at the worst value minus that at the best, means over draws of the weights.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, above_each
from keras_reprise import detail, metric, rule
from keras_reprise.rates import Restartable

USUAL = {"rate": 0.01, "momentum": 0.9, "batch": 32, "units": 100, "penalty": 1e-4, "dropout": 0.2}
FACTORS = [10**power for power in (-1, -0.5, 0, 0.5, 1)]


def values(name):
    """The five values of a hyper-parameter."""
    if name == "dropout":
        return [0.0, 0.2, 0.4, 0.6, 0.8]
    if name == "momentum":
        return [round(1 - 0.1 * factor, 4) for factor in reversed(FACTORS)]
    found = [USUAL[name] * factor for factor in FACTORS]
    return [round(value) for value in found] if name in ("batch", "units") else found


def network(seeds, features, classes, units, dropout):
    def dense(size, activation, name):
        kernel = keras.initializers.GlorotUniform(seed=seeds.weights(name))
        penalty = keras.regularizers.L2(1.0)  # its strength is given when training
        return keras.layers.Dense(
            size, activation, kernel_initializer=kernel, kernel_regularizer=penalty
        )

    dropped = keras.layers.Dropout(dropout, seed=seeds.integer("dropout"))
    layers = [dense(units, "relu", "hidden"), dropped, dense(classes, None, "logits")]
    return keras.Sequential([keras.Input((features,)), *layers])


def measure(arm, replicate):
    data, draws = replicate.dataset().standardised().flattened(), replicate.scale.draws

    def trained(value):
        now = USUAL | {arm.name: value}
        made = Restartable(
            lambda seeds: network(
                seeds, data.image_shape[0], data.classes, now["units"], now["dropout"]
            ),
            data,
            replicate,
            keras.optimizers.SGD(momentum=now["momentum"]),
            draws,
        )
        errors = [
            made.train(
                now["rate"],
                replicate.scale.epochs,
                draw,
                batch_size=now["batch"],
                penalty=now["penalty"],
            ).last["test_error"]
            for draw in range(draws)
        ]
        return {"error": 100 * np.mean(errors)}

    trials = replicate.sweep([{"value": value} for value in values(arm.name)], trained)
    errors = [trial["error"] for trial in trials]
    usual = errors[values(arm.name).index(USUAL[arm.name])]
    return Measurement(
        {"change": max(errors) - min(errors), "gain": usual - min(errors)}, {"error": errors}
    )


WORDS = {
    "rate": "learning rate",
    "momentum": "momentum",
    "batch": "batch size",
    "units": "hidden units",
    "penalty": "weight of the L2 penalty",
    "dropout": "dropout rate",
}
OTHERS = [name for name in WORDS if name != "rate"]
CLAIMS = (
    rule("rate-changes-most", expectation="LIKELY")
    .says("From its worst value to its best, the rate changes the error more than {other}.")
    .must(metric("rate", "change"), above_each(*(metric(name, "change") for name in OTHERS))),
    detail("rate-gains-most", expectation="MIXED")
    .says("From the usual settings, tuning the rate alone gains more than tuning {other} alone.")
    .must(metric("rate", "gain"), above_each(*(metric(name, "gain") for name in OTHERS))),
)

RECIPE = Recipe(
    slug="lr-matters-most",
    version=2,
    question="Is the learning rate the hyper-parameter whose tuning matters most?",
    sources=(
        Source("training-practice-slides", "Learning Rate"),
        Source("hyperparameters-notes", "Learning rate"),
    ),
    data="cifar10",
    arms=tuple(Arm(name, f"five values of the {words}") for name, words in WORDS.items()),
    scales=(
        Scale("quick", n_train=1_200, n_test=1_000, epochs=5, draws=2),
        Scale("full", n_train=10_000, n_test=5_000, epochs=10, draws=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error by value", "error"),
    metrics=(
        Metric("error", "test error", "points", "value (1: the lowest)"),
        Metric("change", "test error at the worst value minus that at the best", "points"),
        Metric("gain", "test error at the usual value minus that at the best", "points"),
    ),
)
