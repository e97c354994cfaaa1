"""Very deep ReLU networks learn from He's doubled weight variance and stall from Xavier's.

Source: "Deep Network Components & Training", slide "RESEARCH...", which names He et al. (2015)
Data:   cifar10, standardised, flattened
Cost:   quick 18 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run init-relu-deep-training --scale full

The claims are those of the paper's Figs. 2 and 3. Its networks are convolutional; these are dense,
100 units wide, without batch normalisation, each at the best of a fixed set of rates.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, above
from keras_reprise import below, detail, first, metric, rule, snapshot, train

WIDTH, LN10 = 100, math.log(10)


def network(seeds, data, depth, gain):
    widths = [data.image_shape[0], *[WIDTH] * depth, data.classes]
    layers = [
        keras.layers.Dense(
            units,
            "relu" if number <= depth else None,
            kernel_initializer=keras.initializers.RandomNormal(
                0.0, math.sqrt(gain / fan_in), seeds.weights(f"layer{number}")
            ),
        )
        for number, (fan_in, units) in enumerate(zip(widths, widths[1:], strict=False), start=1)
    ]
    return keras.Sequential([keras.Input(data.image_shape), *layers])


def measure(arm, replicate):
    data = replicate.dataset().standardised().flattened()
    model, optimizer = (
        network(replicate.seeds, data, arm.depth, arm.gain),
        keras.optimizers.SGD(momentum=0.9),
    )
    restart, histories = snapshot(model, optimizer), []
    for rate in replicate.scale.rates:
        restart()
        histories.append(
            train(
                model,
                data,
                replicate,
                optimizer=optimizer,
                learning_rate=rate,
                batch_size=100,
                epochs=replicate.scale.epochs,
            )
        )
    losses = [
        history.curves["train_loss"][-1]
        if np.isfinite(history.curves["train_loss"][-1])
        else np.inf
        for history in histories
    ]
    best = int(np.argmin(losses))
    return Measurement(
        histories[best].last | {"rate": replicate.scale.rates[best]}, histories[best].curves
    )


LEARNS, STALLS = below(LN10 - 0.1), above(LN10 - 0.02)
CLAIMS = (
    rule("he-30-converges")
    .says("Thirty layers from He's weights begin to learn.")
    .of(metric("he-30", "train_loss"))
    .must(LEARNS),
    rule("xavier-30-stalls")
    .says("From Xavier's they stall.")
    .of(metric("xavier-30", "train_loss"))
    .must(STALLS),
    detail("he-22-converges")
    .says("Twenty-two layers from He's weights begin to learn.")
    .of(metric("he-22", "train_loss"))
    .must(LEARNS),
    detail("xavier-22-converges")
    .says("So do twenty-two from Xavier's.")
    .of(metric("xavier-22", "train_loss"))
    .must(LEARNS),
    detail("he-22-starts-earlier")
    .says("But He's start earlier, each at its best rate.")
    .of(first("he-22", "train_loss") - first("xavier-22", "train_loss"))
    .must(below(0.0)),
)

PANELS = (
    Panel(("train_loss",), "training loss (nats)", level=LN10, level_label="ln 10"),
    Panel(("test_error",), "test error (fraction)"),
)
RECIPE = Recipe(
    slug="init-relu-deep-training",
    version=1,
    question="Does the factor of two in He's weights decide whether a deep ReLU network trains?",
    sources=(Source("cs231n-slides", "RESEARCH..."),),
    data="cifar10",
    arms=tuple(
        Arm(f"{name}-{depth}", f"{depth} layers, variance {gain:g}/fan-in", depth=depth, gain=gain)
        for depth in (22, 30)
        for name, gain in (("xavier", 1.0), ("he", 2.0))
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=1_000, epochs=8, rates=(1e-3, 1e-2)),
        Scale("full", epochs=20, rates=(3e-4, 1e-3, 3e-3, 1e-2)),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(Curves("Training very deep ReLU networks", PANELS, columns="overlay"),),
    metrics=(Metric("train_loss", "training loss at the best rate", "nats", "epoch"),),
)
