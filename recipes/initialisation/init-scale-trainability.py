"""Weights of 0.01 are about fine in a small network and fail in a deep one.

Source: "Deep Network Components & Training", slides "Weight Initialization" and "BATCH
        NORMALIZATION"; "Training" (notes on hyper-parameters), "Hyper parameters of model";
        Harakeh, lecture 7, "Default Baseline Models"
Data:   cifar10, standardised, flattened
Cost:   full 5 min per replicate, quick 24 s (one of two workers, 2 cores, TensorFlow 2.21)
Replay: reprise run init-scale-trainability --scale full

The slides give no set-up; width, rates and epochs are ours. The last layer always has Xavier's
weights. Each network has the better of two rates, by the accuracy on the very images that judge it,
which helps all alike; its training loss is the lower one of the two.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, HeatMap, Measurement, Metric, Recipe, Scale, Source, column, detail
from keras_reprise import first, keep, maximum, mean, minimum, rule, same, snapshot, train

WIDTH, DEPTHS, RATES = 50, (2, 5, 10), (0.03, 0.2)
DEVIATIONS = {
    "0.01": lambda fan_in: 0.01,
    "xavier": lambda fan_in: math.sqrt(1 / fan_in),
    "he": lambda fan_in: math.sqrt(2 / fan_in),
    "1.0": lambda fan_in: 1.0,
}


def network(seeds, data, depth, initial, batch_norm):
    widths, layers = (
        [data.image_shape[0], *[WIDTH] * depth, data.classes],
        [keras.Input(data.image_shape)],
    )
    for number, (fan_in, units) in enumerate(zip(widths, widths[1:], strict=False), start=1):
        deviation = DEVIATIONS[initial if number <= depth else "xavier"](fan_in)
        layers.append(
            keras.layers.Dense(
                units,
                kernel_initializer=keras.initializers.RandomNormal(
                    0.0, deviation, seeds.weights(f"layer{number}")
                ),
            )
        )
        if number <= depth:
            layers += [keras.layers.BatchNormalization(epsilon=1e-5)] if batch_norm else []
            layers.append(keras.layers.ReLU())
    return keras.Sequential(layers)


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale

    def trained(depth, initial):
        model, optimizer = (
            network(replicate.seeds, data, depth, initial, arm.batch_norm),
            keras.optimizers.SGD(),
        )
        restart, found = snapshot(model, optimizer), []
        for rate in RATES:
            restart()
            history = train(
                model,
                data,
                replicate,
                optimizer=optimizer,
                learning_rate=rate,
                batch_size=100,
                epochs=scale.epochs,
            )
            loss = history.curves["train_loss"][-1]
            found.append(
                (
                    100 * (1 - history.curves["test_error"][-1]),
                    loss if np.isfinite(loss) else np.inf,
                    rate,
                )
            )
        accuracy, loss, rate = max(found)
        return {"accuracy": accuracy, "train_loss": min(row[1] for row in found), "best_rate": rate}

    trials = replicate.sweep(
        [{"depth": depth, "initial": initial} for depth in DEPTHS for initial in DEVIATIONS],
        trained,
    )
    return Measurement(trials=trials)


def trial(depth, initial, name="accuracy"):
    """A number of the network without batch normalisation."""
    deep = same(column("plain", "depth"), depth)
    return first(keep(column("plain", name), deep & same(column("plain", "initial"), initial)))


def spread(arm):
    """Range of the accuracies of ten layers over the initialisations."""
    found = keep(column(arm, "accuracy"), same(column(arm, "depth"), 10))
    return maximum(found) - minimum(found)


GAIN = column("batch-norm", "accuracy") - column("plain", "accuracy")
BETTER = "Share of the twelve networks that are more accurate with batch normalisation"
OTHERS = {"xavier": "Xavier's weights", "he": "He's weights", "1.0": "weights of 1"}
CLAIMS = (
    *(
        rule(f"small-weights-as-good-as-{other.replace('.', '-')}")
        .says(f"In a network of two layers weights of 0.01 are about as good as {words}.")
        .must(trial(2, "0.01") - trial(2, other) > -2.0)
        for other, words in OTHERS.items()
    ),
    rule("small-weights-stuck-when-deep")
    .says("In a network of ten layers they learn nothing.")
    .must(trial(10, "0.01", "train_loss") > 2.29),
    detail("he-learns-when-deep", "RESEARCH...")
    .says("From He's weights ten layers learn: they are over five points better.")
    .must(trial(10, "he") - trial(10, "0.01") > 5.0),
    detail("batch-norm-forgives", "BATCH NORMALIZATION", kind="positive")
    .says("With batch normalisation the choice matters less than half as much.")
    .must(spread("batch-norm") / spread("plain") < 0.5),
    detail("batch-norm-depends-less", "BATCH NORMALIZATION", kind="positive")
    .says("With batch normalisation the accuracy depends less on the initialisation.")
    .must(spread("batch-norm") / spread("plain") < 1.0),
    detail("fan-in-learns-when-deep", "Hyper parameters of model")
    .says("Scaled by the root of the fan-in, ten layers learn: they are over five points better.")
    .must(trial(10, "xavier") - trial(10, "0.01") > 5.0),
    detail("batch-norm-helps-most", "Default Baseline Models", kind="discrete")
    .says("Batch normalisation pays: with it more than half of the networks test better.")
    .must(
        mean(column("batch-norm", "accuracy") > column("plain", "accuracy")) > 0.5, measures=BETTER
    ),
    *(
        detail(f"batch-norm-helps-from-{initial}", "Default Baseline Models")
        .says(f"From {OTHERS[initial]} networks test better with it, mean of three depths.")
        .must(
            mean(keep(GAIN, same(column("plain", "initial"), initial))) > 0,
            measures=f"Accuracy with batch normalisation minus without, from {OTHERS[initial]}",
        )
        for initial in ("xavier", "he")
    ),
)
SLIDES = ("Weight Initialization", "RESEARCH...", "BATCH NORMALIZATION")
AXES = ("hidden layers", "standard deviation of the weights", "test accuracy (percent)")

RECIPE = Recipe(
    slug="init-scale-trainability",
    version=2,
    question="Does the size of the initial weights decide whether a network learns?",
    sources=(
        *(Source("cs231n-slides", slide) for slide in SLIDES),
        Source("hyperparameters-notes", "Hyper parameters of model"),
        Source("training-practice-slides", "Default Baseline Models"),
    ),
    data="cifar10",
    arms=(
        Arm("plain", "without batch normalisation", batch_norm=False),
        Arm("batch-norm", "batch normalisation before every ReLU", batch_norm=True),
    ),
    scales=(Scale("quick", n_train=2_500, n_test=1_000, epochs=8), Scale("full", epochs=5)),
    measure=measure,
    claims=CLAIMS,
    figures=HeatMap("Accuracy of the networks", "depth", "initial", "accuracy", *AXES),
    metrics=(
        Metric("accuracy", "accuracy at the best rate", "percent"),
        Metric("train_loss", "lower final training loss of the two rates", "nats"),
        Metric("depth", "number of hidden layers"),
        Metric("initial", "initialisation"),
    ),
)
