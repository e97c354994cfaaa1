"""For this network the rates worth searching lie roughly between 1e-5 and 1e-3.

Source: "Deep network components and training" (after CS231n), slides "loss exploding:" and
        "MONITOR AND VISUALIZE THE LOSS CURVE"
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 23 s per replicate, quick 14 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-range-bracketing --scale full
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import column, count, detail, equal, finite, keep, mean, metric, minimum, rule
from keras_reprise import same
from keras_reprise.search import log_grid
from keras_reprise.two_layer import Trainer, to_the_end, tripled_at


def measure(arm, replicate):
    trainer, epochs, updates = Trainer(replicate), replicate.scale.epochs, replicate.scale.updates

    def trained(learning_rate):
        history = to_the_end(trainer, learning_rate, reg=1e-6, epochs=epochs, updates=updates)
        accuracy = history.accuracy[-1]
        kind = "explodes" if tripled_at(history) else "learns" if accuracy >= 0.25 else "nothing"
        return {"cost": history.update_losses[-1], "accuracy": accuracy, "kind": kind}

    trials = replicate.sweep([{"learning_rate": rate} for rate in log_grid(1e-7, 10, 17)], trained)
    rates, kinds = trials.column("learning_rate"), trials.column("kind")
    metrics = {
        "lowest_learning": rates[kinds == "learns"].min(initial=np.inf),
        "highest_learning": rates[kinds == "learns"].max(initial=0.0),
        "lowest_exploding": rates[kinds == "explodes"].min(initial=np.inf),
    }
    return Measurement(metrics, trials.curves("learning_rate", "cost", "accuracy"), trials=trials)


SLIDES = ("loss exploding:", "MONITOR AND VISUALIZE THE LOSS CURVE")
RANGE = "Rough range for learning rate we should be"
RATE, COST = column("sweep", "learning_rate"), column("sweep", "cost")
EXPLODES = same(column("sweep", "kind"), "explodes")
FALLS = keep(finite(RATE, where=COST), finite(COST) < np.log(10) - 1e-3)  # where the loss goes down
BETWEEN = (FALLS >= 1e-5) & (FALLS <= 1e-3)
LOWEST = "Lowest rate whose last cost is more than 0.001 below ln 10"
NUMBER = "Rates from 1e-5 to 1e-3 that end more than 0.001 below ln 10"
SHARE = "Share of rates from 0.003 on that explode"
COSTS = Panel("cost", log=True, level=np.log(10), level_label="ln 10")
ACCURACIES = Panel("accuracy", level=0.25, level_label="learns")
CLAIMS = (
    rule("range-begins-near-1e-5", RANGE, kind="discrete", printed=1e-5)
    .says("The lowest rate at which the loss goes down is within a factor of ten of 1e-5.")
    .must(minimum(FALLS), between(1e-6, 1e-4), measures=LOWEST),
    rule("range-ends-near-1e-3", RANGE, kind="discrete", printed=1e-3)
    .says("The highest rate that learns is within a factor of three of 1e-3.")
    .must(metric("sweep", "highest_learning"), between(1e-3 / 3, 3e-3)),
    detail("learns-in-between", RANGE, kind="discrete")
    .says("Every rate of the sweep from 1e-5 to 1e-3 brings the loss down.")
    .must(count(BETWEEN), equal(5), measures=NUMBER),
    detail("explodes-above-3e-3", kind="discrete")
    .says("Rates of 0.003 and more explode.")
    .must(mean(keep(EXPLODES, RATE >= 3e-3)) > 0.99, measures=SHARE),
    detail("low-does-nothing", "loss not going down:", kind="discrete")
    .says("Rates of 1e-6 and less do not learn.")
    .must(metric("sweep", "lowest_learning") > 1e-6),
    detail("some-rate-brings-it-down", "loss not going down:", kind="discrete")
    .says("At some rate of the sweep the loss goes down.")
    .must(count(FALLS) >= 1, measures="Rates that end more than 0.001 below ln 10"),
    detail("low-rates-leave-the-loss", "loss not going down:", kind="discrete")
    .says("At rates of 1e-6 and less the loss does not go down.")
    .must(minimum(FALLS) > 2e-6, measures=LOWEST),
)

RECIPE = Recipe(
    slug="lr-range-bracketing",
    version=1,
    question="Between which learning rates does the network learn?",
    sources=tuple(Source("cs231n-slides", slide) for slide in SLIDES),
    data="cifar10",
    arms=(Arm("sweep", "seventeen rates from 1e-7 to 10, each from the same initial weights"),),
    scales=(
        Scale("quick", n_train=10_000, n_test=1_000, epochs=2, updates=490),
        Scale("full", epochs=5, updates=490),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Which rates learn", (COSTS, ACCURACIES), x="learning_rate", x_log=True),
    metrics=(
        Metric("lowest_learning", "lowest rate of the sweep that learns"),
        Metric("highest_learning", "highest rate of the sweep that learns"),
        Metric("cost", "last cost", "nats"),
        Metric("accuracy", "validation accuracy"),
    ),
)
