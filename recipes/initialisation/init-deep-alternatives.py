"""Orthogonal, random-walk or LSUV weights make very deep nets trainable.

Source: "Deep Network Components & Training", slide "RESEARCH...", which names Saxe et al. (2013),
        Sussillo and Abbott (2014), Kraehenbuehl et al. (2015), Mishkin and Matas (2015)
Data:   cifar10, standardised, flattened
Cost:   quick 24 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run init-deep-alternatives --scale full

The slide prints the papers' titles alone. The network is that of init-relu-deep-training: thirty
ReLU layers of 100 units without batch normalisation, at the best of the same rates. Orthogonal
weights have the gain sqrt(2) of the ReLU; those of the random walk are normal with the gain
sqrt(2) exp(1.2 / (max(n, 6) - 2.4)) of Sussillo and Abbott; the data-dependent ones are Mishkin and
Matas's LSUV: orthonormal, then divided layer by layer by the deviation of its output for 1,000
images before the ReLU, until its variance is one within a tenth. Xavier's weights are there for
comparison.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import curve, detail, maximum, metric, rule, snapshot, train

LN10, LAYERS, UNITS = math.log(10), 30, 100


def weights(kind, fan_in, seed):
    if kind == "xavier":
        return keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal", seed)
    if kind == "random-walk":
        gain = math.sqrt(2) * math.exp(1.2 / (max(fan_in, 6) - 2.4))
        return keras.initializers.RandomNormal(0.0, gain / math.sqrt(fan_in), seed)
    return keras.initializers.Orthogonal(math.sqrt(2) if kind == "orthogonal" else 1.0, seed)


def network(kind, seeds, data):
    model, fan_in = keras.Sequential([keras.Input(data.image_shape)]), data.image_shape[0]
    for number in range(1, LAYERS + 2):
        units = UNITS if number <= LAYERS else data.classes
        kernel = weights(kind, fan_in, seeds.weights(f"layer{number}"))
        model.add(keras.layers.Dense(units, kernel_initializer=kernel))
        if number <= LAYERS:
            model.add(keras.layers.ReLU())
        fan_in = units
    return model


def deviations(model, x, *, scale=False):
    """The deviation of every hidden layer's output before the ReLU; LSUV's way, with `scale`."""
    found = []
    for layer in model.layers[:-1]:
        if isinstance(layer, keras.layers.Dense):
            for _ in range(10 if scale else 0):
                spread = float(keras.ops.std(layer(x)))
                if abs(spread**2 - 1) < 0.1:
                    break
                layer.kernel.assign(layer.kernel / spread)
            found.append(float(keras.ops.std(layer(x))))
        x = layer(x)
    return found


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised().flattened(), replicate.scale.epochs
    model, x = network(arm.name, replicate.seeds, data), data.x_train[:1000]
    spread = deviations(model, x, scale=arm.name == "lsuv")
    sgd = keras.optimizers.SGD(momentum=0.9)
    restart, runs = snapshot(model, sgd), []
    for rate in replicate.scale.rates:
        restart()
        runs.append(train(model, data, replicate, optimizer=sgd, learning_rate=rate, epochs=epochs))
    losses = [run.last["train_loss"] for run in runs]
    best = losses.index(min(losses, key=lambda loss: loss if math.isfinite(loss) else math.inf))
    metrics = runs[best].last | {"rate": replicate.scale.rates[best]}
    return Measurement(metrics, runs[best].curves | {"spread": np.array(spread)})


WORDS = {
    "orthogonal": "orthogonal weights",
    "random-walk": "the random walk's weights",
    "lsuv": "weights scaled on data (LSUV)",
}
CLAIMS = (
    *(
        rule(f"{name}-learns")
        .says(f"Thirty ReLU layers begin to learn from {words}.")
        .must(metric(name, "train_loss") < LN10 - 0.1)
        for name, words in WORDS.items()
    ),
    detail("xavier-stalls", "He et al. (2015), Delving deep into rectifiers")
    .says("From Xavier's they stall.")
    .must(metric("xavier", "train_loss") > LN10 - 0.02),
    detail("lsuv-keeps-the-spread", "Mishkin and Matas (2015)", kind="discrete", expectation="MATH")
    .says("LSUV gives every layer's output a deviation of one within a tenth.")
    .must(maximum(abs(curve("lsuv", "spread") - 1)), between(0, 0.1)),
)

RECIPE = Recipe(
    slug="init-deep-alternatives",
    version=1,
    question="Do orthogonal, random-walk and data-dependent weights make deep networks learn?",
    sources=Source("cs231n-slides", "RESEARCH..."),
    data="cifar10",
    arms=(
        *(Arm(name, words) for name, words in WORDS.items()),
        Arm("xavier", "Xavier's weights, variance 1/fan-in"),
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=1_000, epochs=8, rates=(1e-3, 1e-2)),
        Scale("full", epochs=20, rates=(3e-4, 1e-3, 3e-3, 1e-2)),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves(
            "Thirty ReLU layers",
            (Panel("train_loss", level=LN10, level_label="ln 10"), "test_error"),
        ),
        Curves("Spread through the layers before training", Panel("spread", log=True)),
    ),
    metrics=(
        Metric("train_loss", "training loss at the best rate", "nats", "epoch"),
        Metric("spread", "deviation of the output before the ReLU", "", "layer"),
    ),
)
