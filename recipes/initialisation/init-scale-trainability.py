"""Whether a deep network learns is decided by the size of its first weights, unless batch normalisation repairs them

Source: document 003 (003:219, 003:229, 003:388)
Data:   cifar10, standardised, flattened
Cost:   quick 42 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run init-scale-trainability --scale full

Dense ReLU networks of 2, 5 and 10 hidden layers from four initialisations; of a fixed set of rates the best counts. The documents
give no set-up; width, rates and epochs are ours. The last layer has Xavier's weights throughout.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Claim, HeatMap, Measurement, Recipe, Scale, Source, snapshot, train

WIDTH, DEPTHS, RATES = 50, (2, 5, 10), (0.03, 0.2)
DEVIATIONS = {"0.01": lambda fan_in: 0.01, "xavier": lambda fan_in: math.sqrt(1 / fan_in), "he": lambda fan_in: math.sqrt(2 / fan_in), "1.0": lambda fan_in: 1.0}


def network(seeds, data, depth, initial, batch_norm):
    widths, layers = [data.image_shape[0], *[WIDTH] * depth, data.classes], [keras.Input(data.image_shape)]
    for number, (fan_in, units) in enumerate(zip(widths, widths[1:], strict=False), start=1):
        deviation = DEVIATIONS[initial if number <= depth else "xavier"](fan_in)
        layers.append(keras.layers.Dense(units, kernel_initializer=keras.initializers.RandomNormal(0.0, deviation, seeds.weights(f"layer{number}"))))
        if number <= depth:
            layers += [keras.layers.BatchNormalization(epsilon=1e-5)] if batch_norm else []
            layers.append(keras.layers.ReLU())
    return keras.Sequential(layers)


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale

    def trained(depth, initial):
        model, optimizer = network(replicate.seeds, data, depth, initial, arm.batch_norm), keras.optimizers.SGD()
        restart, found = snapshot(model, optimizer), []
        for rate in RATES:
            restart()
            history = train(model, data, replicate, optimizer=optimizer, learning_rate=rate, batch_size=100, epochs=scale.epochs)
            loss = history.curves["train_loss"][-1]
            found.append((100 * (1 - history.curves["test_error"][-1]), loss if np.isfinite(loss) else np.inf, rate))
        accuracy, loss, rate = max(found)
        return {"accuracy": accuracy, "train_loss": min(row[1] for row in found), "best_rate": rate}

    trials = replicate.sweep([{"depth": depth, "initial": initial} for depth in DEPTHS for initial in DEVIATIONS], trained)
    return Measurement(trials=trials)


def value(arms, arm, depth, initial, name="accuracy"):
    return next(trial[name] for trial in arms[arm].trials if (trial["depth"], trial["initial"]) == (depth, initial))


def spread(arms, arm, depth):
    found = [value(arms, arm, depth, initial) for initial in DEVIATIONS]
    return max(found) - min(found)


def shallow(arms, scale):
    """Accuracy of two layers from 0.01 minus that from the best of the four initialisations."""
    return value(arms, "plain", 2, "0.01") - max(value(arms, "plain", 2, initial) for initial in DEVIATIONS)


RECIPE = Recipe(
    slug="init-scale-trainability",
    version=1,
    question="Does the size of the initial weights decide whether a network learns?",
    sources=(Source("cs231n-slides", "003:219"), Source("cs231n-slides", "003:229"), Source("cs231n-slides", "003:388")),
    data="cifar10",
    arms=(Arm("plain", "without batch normalisation", batch_norm=False), Arm("batch-norm", "batch normalisation before every ReLU", batch_norm=True)),
    scales=(Scale("quick", n_train=4_000, n_test=1_000, epochs=8), Scale("full", epochs=5)),
    measure=measure,
    claims=(
        Claim("small-weights-fine-when-shallow", "Weights of 0.01 are about as good as any in a network of two layers.", "003:219", shallow, "points", above=-2.0),
        Claim("small-weights-stuck-when-deep", "In a network of ten layers they learn nothing.", "003:219, 003:229", lambda arms, scale: value(arms, "plain", 10, "0.01", "train_loss"), "nats", above=2.29, measures="Last training loss of ten layers from 0.01, best rate"),
        Claim("he-learns-when-deep", "From He's weights ten layers learn.", "003:285", lambda arms, scale: value(arms, "plain", 10, "he") - value(arms, "plain", 10, "0.01"), "points", above=5.0, measures="Accuracy of ten layers from He's weights minus that from 0.01"),
        Claim("batch-norm-forgives", "With batch normalisation the choice matters less than half as much.", "003:388", lambda arms, scale: spread(arms, "batch-norm", 10) / spread(arms, "plain", 10), "ratio", below=0.5, log=True, measures="Range of the accuracies of ten layers over the initialisations, with over without batch normalisation"),
    ),
    figures=(HeatMap("Accuracy by depth and initialisation", "depth", "initial", "accuracy", "hidden layers", "standard deviation of the initial weights", "test accuracy (percent)"),),
)  # fmt: skip
