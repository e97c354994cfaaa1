"""Inputs of one kind should share one path of weights.

Source: "Deep learning 5.6", slide "Choosing the network structure"
Data:   pairs of the 1,797 digits of scikit-learn, 1,000 of them to train
Cost:   quick 17 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run siamese-paths --scale full

Do two digits belong to one class? Half of the pairs do. Each digit goes through a ReLU layer of 64
units and one of 32, by the same weights or by weights of its own; the absolute difference of both
goes to 32 ReLU units and a logit. The third network has weights of its own and as many in all as
the first. Adam, batches of 50; each has the best of three rates at each number of pairs, chosen on
half of the test pairs and judged on the other half, after equal updates.
"""

import keras
import numpy as np
from sklearn.datasets import load_digits

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import between, detail, first, last, metric, rule, snapshot, train

RATES, LOSS = (3e-4, 1e-3, 3e-3), keras.losses.BinaryCrossentropy(from_logits=True)


def network(seeds, widths, shared):
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
    x = dense(32, "joint")(keras.ops.abs(ends[0] - ends[1]))
    return keras.Model(inputs, dense(1, "logit", None)(x))


def pairs(x, y, count, draw):
    """So many pairs (count, 128), half of one class, and whether they are."""
    first, same = draw.integers(len(x), size=count), np.arange(count) % 2
    second = [
        draw.choice(np.flatnonzero((y == y[one]) == bool(alike)))
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
    model, optimizer = network(replicate.seeds, arm.widths, arm.shared), keras.optimizers.Adam()
    restart, half = snapshot(model, optimizer), scale.test_pairs // 2

    def trained(pairs):
        data, found = Dataset.of("pairs", fitted[0][:pairs], fitted[1][:pairs], *judged), []
        batches = Order("with-replacement", examples=50 * scale.updates)
        settings = {"loss": LOSS, "batch_size": 50, "epochs": 1, "order": batches}
        for rate in RATES:
            restart()
            train(model, data, replicate, optimizer=optimizer, learning_rate=rate, **settings)
            said = keras.ops.convert_to_numpy(model(judged[0]))[:, 0] > 0
            wrong = 100 * (said != judged[1])
            found.append((wrong[:half].mean(), wrong[half:].mean()))
        return {"error": min(found)[1]}

    trials = replicate.sweep([{"pairs": count} for count in scale.pairs], trained)
    metrics = {"error": trials.column("error").mean(), "weights": model.count_params()}
    return Measurement(metrics, trials.curves("pairs", "error"), trials=trials)


ARMS = {
    "shared": ("one path of weights for both", (64, 32), True),
    "separate": ("a path for each, as wide", (64, 32), False),
    "separate-narrow": ("a path for each, as many weights in all", (39, 20), False),
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
    .says("So it is with the most pairs to learn from.")
    .must(last("shared", "error") < last("separate", "error")),
    detail("gain-shrinks-with-pairs")
    .says("What sharing gains is more with the fewest pairs than with the most.")
    .must(FEWEST - (last("separate", "error") - last("shared", "error")) > 0),
    detail("equal-weights", kind="exact", expectation="MATH")
    .says("The narrow paths and the shared one have equal weights, within 1 %.")
    .must(metric("separate-narrow", "weights") / metric("shared", "weights"), between(0.99, 1.01)),
)

RECIPE = Recipe(
    slug="siamese-paths",
    version=1,
    question="Should two inputs of one kind go through the same weights?",
    sources=Source("fleuret-2021", "Choosing the network structure"),
    arms=tuple(
        Arm(arm, words, widths=widths, shared=shared)
        for arm, (words, widths, shared) in ARMS.items()
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
    ),
)
