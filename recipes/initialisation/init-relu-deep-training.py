"""Thirty ReLU layers train from He's weights and stall from Xavier's; with twenty-two both train

Source: document 003 (003:285), after He et al. (2015), Figs. 2 and 3 (catalogue, A4b)
Data:   cifar10, standardised, flattened
Cost:   quick 18 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run init-relu-deep-training --scale full

The paper's networks are convolutional; these are dense, 100 units wide, without batch normalisation. Of a fixed set of rates the
best counts, for each initialisation by itself.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, snapshot, train

WIDTH, LN10 = 100, math.log(10)


def network(seeds, data, depth, gain):
    widths = [data.image_shape[0], *[WIDTH] * depth, data.classes]
    layers = [
        keras.layers.Dense(units, "relu" if number <= depth else None, kernel_initializer=keras.initializers.RandomNormal(0.0, math.sqrt(gain / fan_in), seeds.weights(f"layer{number}")))
        for number, (fan_in, units) in enumerate(zip(widths, widths[1:], strict=False), start=1)
    ]
    return keras.Sequential([keras.Input(data.image_shape), *layers])


def measure(arm, replicate):
    data = replicate.dataset().standardised().flattened()
    model, optimizer = network(replicate.seeds, data, arm.depth, arm.gain), keras.optimizers.SGD(momentum=0.9)
    restart, histories = snapshot(model, optimizer), []
    for rate in replicate.scale.rates:
        restart()
        histories.append(train(model, data, replicate, optimizer=optimizer, learning_rate=rate, batch_size=100, epochs=replicate.scale.epochs))
    losses = [history.curves["train_loss"][-1] if np.isfinite(history.curves["train_loss"][-1]) else np.inf for history in histories]
    best = int(np.argmin(losses))
    return Measurement(histories[best].last | {"rate": replicate.scale.rates[best]}, histories[best].curves)


def loss(arm):
    return lambda arms, scale: arms[arm].metrics["train_loss"]


def first(arms, scale):
    """Training loss of the first epoch, 22 layers, He minus Xavier."""
    return arms["he-22"].curves["train_loss"][0] - arms["xavier-22"].curves["train_loss"][0]


LAST = "Training loss of the last epoch, best rate"

RECIPE = Recipe(
    slug="init-relu-deep-training",
    version=1,
    question="Does the factor of two in He's weights decide whether a very deep ReLU network trains?",
    sources=(Source("cs231n-slides", "003:285"),),
    data="cifar10",
    arms=tuple(Arm(f"{name}-{depth}", f"{depth} hidden layers, weights of variance {gain:g} / fan-in", depth=depth, gain=gain) for depth in (22, 30) for name, gain in (("xavier", 1.0), ("he", 2.0))),
    scales=(Scale("quick", n_train=5_000, n_test=1_000, epochs=8, rates=(1e-3, 1e-2)), Scale("full", epochs=20, rates=(3e-4, 1e-3, 3e-3, 1e-2))),
    measure=measure,
    claims=(
        Claim("he-30-converges", "Thirty layers from He's weights learn.", "He et al. (2015), Fig. 3 (catalogue A4b)", loss("he-30"), "nats", below=LN10 - 0.1, measures=LAST),
        Claim("xavier-30-stalls", "From Xavier's they stall.", "He et al. (2015), Fig. 3 (catalogue A4b)", loss("xavier-30"), "nats", above=LN10 - 0.02, measures=LAST),
        Claim("he-22-converges", "Twenty-two layers from He's weights learn.", "He et al. (2015), Fig. 2 (catalogue A4b)", loss("he-22"), "nats", below=LN10 - 0.1, measures=LAST),
        Claim("xavier-22-converges", "So do twenty-two from Xavier's.", "He et al. (2015), Fig. 2 (catalogue A4b)", loss("xavier-22"), "nats", below=LN10 - 0.1, measures=LAST),
        Claim("he-22-starts-earlier", "But He's start earlier.", "He et al. (2015), Fig. 2 (catalogue A4b)", first, "nats", below=0.0),
    ),
    figures=(Curves("Training very deep ReLU networks", panels=(Panel(("train_loss",), "training loss (nats)", level=LN10, level_label="ln 10"), Panel(("test_error",), "test error (fraction)")), columns="overlay"),),
)  # fmt: skip
