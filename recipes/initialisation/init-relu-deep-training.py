"""Very deep ReLU networks learn from He's doubled weight variance and stall from Xavier's.

Source: "Deep Network Components & Training", slide "RESEARCH...", which names He et al. (2015)
Data:   cifar10, standardised, flattened
Cost:   quick 18 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run init-relu-deep-training --scale full

The claims are those of the paper's Figs. 2 and 3. Its networks are convolutional; these are dense,
100 units wide, without batch normalisation. Of a fixed set of rates the best counts, for each
initialisation by itself.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Panel, Recipe, Scale, Source, snapshot, train
from keras_reprise import Claim, Metric, above, below, first, metric

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


SLIDE = "RESEARCH..."


def ends(id, says, arm, must, role="detail"):
    """A claim of the training loss at the end."""
    return Claim(id, says, SLIDE, value=metric(arm, "train_loss"), must=must, role=role)


LEARNS, STALLS = below(LN10 - 0.1), above(LN10 - 0.02)
CLAIMS = (
    ends(
        "he-30-converges",
        "Thirty layers from He's weights begin to learn.",
        "he-30",
        LEARNS,
        "rule",
    ),
    ends("xavier-30-stalls", "From Xavier's they stall.", "xavier-30", STALLS, "rule"),
    ends("he-22-converges", "Twenty-two layers from He's weights begin to learn.", "he-22", LEARNS),
    ends("xavier-22-converges", "So do twenty-two from Xavier's.", "xavier-22", LEARNS),
    Claim(
        "he-22-starts-earlier",
        "But He's start earlier, each at its best rate.",
        SLIDE,
        value=first("he-22", "train_loss") - first("xavier-22", "train_loss"),
        must=below(0.0),
    ),
)

GAINS = (("xavier", 1.0), ("he", 2.0))
PANELS = (
    Panel(("train_loss",), "training loss (nats)", level=LN10, level_label="ln 10"),
    Panel(("test_error",), "test error (fraction)"),
)
RECIPE = Recipe(
    slug="init-relu-deep-training",
    version=1,
    question="Does the factor of two in He's weights decide whether a deep ReLU network trains?",
    sources=(Source("cs231n-slides", SLIDE),),
    data="cifar10",
    arms=tuple(
        Arm(
            f"{name}-{depth}",
            f"{depth} hidden layers, weights of variance {gain:g} / fan-in",
            depth=depth,
            gain=gain,
        )
        for depth in (22, 30)
        for name, gain in GAINS
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
