"""Bracket the learning rate first: too low does nothing, too high explodes, and what learns lies between 1e-5 and 1e-3

Source: document 003 (003:591, 744)
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 23 s per replicate, quick 14 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-range-bracketing --scale full

Seventeen rates from 1e-7 to 10. A rate explodes when a cost is above three times the first or not finite, learns when the
validation accuracy reaches 0.25, and does nothing otherwise.
"""

import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source
from keras_reprise.search import log_grid
from keras_reprise.two_layer import Trainer, tripled_at

RATES = log_grid(1e-7, 10.0, 17)
LEARNS = 0.25


def measure(arm, replicate):
    trainer, scale = Trainer(replicate), replicate.scale

    def trained(learning_rate):
        history = trainer.train(learning_rate, reg=1e-6, epochs=scale.epochs, updates=scale.updates, decay=1.0, diverged_factor=None)
        accuracy = 1 - history.curves["test_error"][-1]
        exploded = tripled_at(history) is not None
        kind = "explodes" if exploded else "learns" if accuracy >= LEARNS else "nothing"
        return {"cost": history.update_losses[-1], "accuracy": accuracy, "kind": kind}

    trials = replicate.sweep([{"learning_rate": rate} for rate in RATES], trained)
    rates = {kind: [t["learning_rate"] for t in trials if t["kind"] == kind] for kind in ("nothing", "learns", "explodes")}
    return Measurement(
        metrics={
            "lowest_learning": min(rates["learns"], default=np.inf),
            "highest_learning": max(rates["learns"], default=0.0),
            "lowest_exploding": min(rates["explodes"], default=np.inf),
        },
        curves={"learning_rate": RATES, **{name: [t[name] for t in trials] for name in ("cost", "accuracy")}},
        trials=trials,
    )


def metric(name):
    return lambda arms, scale: arms["sweep"].metrics[name]


def explodes_above(arms, scale):
    """Share of the rates of 0.003 and more that explode."""
    kinds = [trial["kind"] for trial in arms["sweep"].trials if trial["learning_rate"] >= 3e-3]
    return sum(kind == "explodes" for kind in kinds) / len(kinds)


RECIPE = Recipe(
    slug="lr-range-bracketing",
    version=1,
    question="Between which learning rates does the network learn?",
    sources=(Source("cs231n-slides", "003:591"), Source("cs231n-slides", "003:744")),
    data="cifar10",
    arms=(Arm("sweep", "seventeen rates from 1e-7 to 10, each from the same initial weights"),),
    scales=(Scale("quick", n_train=10_000, n_test=1_000, epochs=2, updates=490), Scale("full", epochs=5, updates=490)),
    measure=measure,
    claims=(
        Claim("learns-above-1e-5", "Some rate above 1e-5 learns.", "003:591", metric("highest_learning"), above=1e-5, log=True, printed=1e-5, measures="Highest rate of the sweep that learns"),
        Claim("learns-below-1e-3", "Some rate below 1e-3 learns.", "003:591", metric("lowest_learning"), below=1e-3, log=True, printed=1e-3, measures="Lowest rate of the sweep that learns"),
        Claim("explodes-above-3e-3", "Rates of 0.003 and more explode.", "003:589", explodes_above, "share", above=0.99, printed=3e-3),
        Claim("low-does-nothing", "Rates far below the range do nothing.", "003:511", metric("lowest_learning"), above=1e-6, log=True, measures="Lowest rate of the sweep that learns"),
    ),
    figures=(Curves("Which rates learn", panels=(Panel(("cost",), "cost of the last batch (nats)", log=True, level=np.log(10), level_label="ln 10"), Panel(("accuracy",), "validation accuracy (fraction)", level=LEARNS, level_label="learns")), x="learning_rate", x_label="learning rate", columns="overlay", x_log=True),),
)  # fmt: skip
