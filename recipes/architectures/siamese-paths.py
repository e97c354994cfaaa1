"""Inputs of one kind should share one path of weights.

Source: "Deep learning 5.6", slide "Choosing the network structure"
Data:   pairs of the 1,797 digits of scikit-learn, 1,000 of them to train
Cost:   quick 26 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run siamese-paths --scale full

Do two different digits belong to one class? Half of the pairs do. Each digit goes through a ReLU
layer of 64 units and one of 32, by the same weights or by weights of its own; the absolute
difference of both goes to 32 ReLU units and a logit. As a difference suits equal paths, both ways
are tried with the paths' ends beside each other in its place, too. A further network has weights of
its own and as many in all as the first. Adam, batches of 50; each has its best rate at each number
of pairs, searched for on half of the test pairs and judged on the other half, after equal updates.
"""

import keras
import numpy as np
from sklearn.datasets import load_digits

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import between, detail, first, last, metric, rule, snapshot, train
from keras_reprise.rates import rate_search

RATES, LOSS = (1e-3, 3e-3), keras.losses.BinaryCrossentropy(from_logits=True)


def network(seeds, widths, shared, subtracted):
    """From both digits beside each other (128 numbers) to the logit that they are of one class."""

    def dense(units, name, activation="relu"):
        kernel = keras.initializers.HeNormal(seeds.weights(name))
        return keras.layers.Dense(units, activation, kernel_initializer=kernel)

    inputs = keras.Input((128,))
    paths = [
        [dense(units, f"path{n}/{units}") for units in widths] for n in range(1 + (not shared))
    ]
    ends = [inputs[:, :64], inputs[:, 64:]]
    for number, path in enumerate((paths[0], paths[-1])):
        for layer in path:
            ends[number] = layer(ends[number])
    x = keras.ops.abs(ends[0] - ends[1]) if subtracted else keras.layers.Concatenate()(ends)
    return keras.Model(inputs, dense(1, "logit", None)(dense(32, "joint")(x)))


def pairs(x, y, count, draw):
    """So many pairs (count, 128) of different images, half of one class, and whether they are."""
    first, same = draw.integers(len(x), size=count), np.arange(count) % 2
    second = [
        draw.choice(np.flatnonzero(((y == y[one]) == bool(alike)) & (np.arange(len(y)) != one)))
        for one, alike in zip(first, same, strict=True)
    ]
    return np.concatenate([x[first], x[second]], axis=1), same.astype("int32")


def measure(arm, replicate):
    scale, draw = replicate.scale, replicate.seeds.generator("data")
    images, digits = load_digits(return_X_y=True)
    order = draw.permutation(len(images))
    x, y = (images[order] / 16).astype("float32"), digits[order]
    fitted = pairs(x[:1000], y[:1000], max(scale.pairs), draw)
    judged = pairs(x[1000:], y[1000:], scale.test_pairs, draw)
    model = network(replicate.seeds, arm.widths, arm.shared, arm.subtracted)
    optimizer, half = keras.optimizers.Adam(), scale.test_pairs // 2
    restart = snapshot(model, optimizer)

    def trained(pairs):
        data, errors = Dataset.of("pairs", fitted[0][:pairs], fitted[1][:pairs], *judged), {}
        batches = Order("with-replacement", examples=50 * scale.updates)
        settings = {"loss": LOSS, "batch_size": 50, "epochs": 1, "order": batches}

        def tried(rate):
            restart()
            train(model, data, replicate, optimizer=optimizer, learning_rate=rate, **settings)
            said = keras.ops.convert_to_numpy(model(judged[0]))[:, 0] > 0
            wrong = 100 * (said != judged[1])
            errors[rate] = wrong[half:].mean()
            return wrong[:half].mean()

        found = rate_search(RATES, tried)
        rate = min(found, key=found.get)
        return {"error": errors[rate], "rate": rate}

    trials = replicate.sweep([{"pairs": count} for count in scale.pairs], trained)
    metrics = {"error": trials.column("error").mean(), "weights": model.count_params()}
    return Measurement(metrics, trials.curves("pairs", "error", "rate"), trials=trials)


ARMS = {
    "shared": ("one path of weights for both", (64, 32), True, True),
    "separate": ("a path for each, as wide", (64, 32), False, True),
    "separate-narrow": ("a path for each, as many weights in all", (39, 20), False, True),
    "shared-beside": ("one path, its ends beside each other", (64, 32), True, False),
    "separate-beside": ("a path for each, their ends beside each other", (64, 32), False, False),
}
FEWEST = first("separate", "error") - first("shared", "error")
CLAIMS = (
    rule("shared-is-better")
    .says("With one shared path the error is lower than with two of its width.")
    .must(metric("shared", "error") < metric("separate", "error")),
    rule("shared-is-better-at-equal-weights")
    .says("And lower than with two that have as many weights together.")
    .must(metric("shared", "error") < metric("separate-narrow", "error")),
    detail("better-with-the-most-pairs")
    .says("With the most pairs to learn from, too, it is lower than with two of its width.")
    .must(last("shared", "error") < last("separate", "error")),
    detail("better-beside-each-other")
    .says("And so it is where the paths' ends lie beside each other instead of being subtracted.")
    .must(metric("shared-beside", "error") < metric("separate-beside", "error")),
    detail("gain-shrinks-with-pairs")
    .says("What sharing gains is more with the fewest pairs than with the most.")
    .must(FEWEST - (last("separate", "error") - last("shared", "error")) > 0),
    detail("equal-weights", kind="exact", expectation="MATH")
    .says("The narrow paths and the shared one have equal weights, within 1 %.")
    .must(metric("separate-narrow", "weights") / metric("shared", "weights"), between(0.99, 1.01)),
)

RECIPE = Recipe(
    slug="siamese-paths",
    version=2,
    question="Should two inputs of one kind go through the same weights?",
    sources=Source("fleuret-2021", "Choosing the network structure"),
    arms=tuple(
        Arm(arm, words, widths=widths, shared=shared, subtracted=subtracted)
        for arm, (words, widths, shared, subtracted) in ARMS.items()
    ),
    scales=(
        Scale("quick", pairs=(500, 2_000, 10_000), test_pairs=4_000, updates=1_000),
        Scale("full", pairs=(500, 1_000, 2_000, 5_000, 10_000), test_pairs=10_000, updates=5_000),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Same class or not: error by number of pairs", "error", x="pairs", x_log=True),
    metrics=(
        Metric("pairs", "pairs to learn from"),
        Metric("error", "test error", "percent", "number of pairs"),
        Metric("weights", "number of weights"),
        Metric("rate", "best rate", "", "number of pairs"),
    ),
)
