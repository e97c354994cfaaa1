"""A rate of 0.003 is too high for this network: it learns at first, then its cost explodes.

Source: "Deep network components and training" (after CS231n), slide "loss exploding:"
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 3 s per replicate, quick 3 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-explodes --scale full

Ten epochs of 490 updates. A run has exploded when a cost is above three times the first, the
document's own rule, or not finite. When that happens is random.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, above, at
from keras_reprise import between, count, curve, detail, metric, printed_value, rule
from keras_reprise.two_layer import UPDATES, Trainer, costs, to_the_end, tripled_at


def measure(arm, replicate):
    history = to_the_end(Trainer(replicate), 3e-3, reg=1e-6, epochs=10, updates=UPDATES)
    accuracy, exploded = history.accuracy, tripled_at(history)
    before = 10 if exploded is None else (exploded - 1) // UPDATES  # the epochs that were over
    missing = [np.nan] * (10 - history.epochs)
    return Measurement(
        metrics={
            "exploded": exploded is not None,
            "exploded_by_epoch_6": before < 6,
            "explosion_epoch": np.nan if exploded is None else exploded / UPDATES,
            "best_before": accuracy[: max(1, before)].max(),
            "last_accuracy": accuracy[-1],
        },
        curves={"cost": [*costs(history), *missing], "validation_accuracy": [*accuracy, *missing]},
        diverged=exploded is not None,
    )


COSTS = (2.186654, 2.176230, 1.942257, 1.827868)
ACCURACIES = (0.306, 0.350, 0.352, 0.310, 0.128, 0.147)
PRINTED = {"cost": {"rate-0-003": COSTS}, "validation_accuracy": {"rate-0-003": ACCURACIES}}
PANELS = (Panel("cost", log=True), "validation_accuracy")
COST, ACCURACY = curve("rate-0-003", "cost"), curve("rate-0-003", "validation_accuracy")
EXPLODED, UNTIL = metric("rate-0-003", "exploded"), metric("rate-0-003", "explosion_epoch")
SOFTMAX = "A naive softmax gives inf, a stable one large costs until the weights overflow."
CLAIMS = (
    rule("explodes", kind="share")
    .says("Within ten epochs the cost explodes, in at least four of five runs.")
    .must(EXPLODED, above(0.8)),
    detail("explodes-by-epoch-5", kind="share", erratum=SOFTMAX)
    .says("As printed, it explodes by the end of epoch 5, in at least four of five runs.")
    .must((EXPLODED > 0) & (UNTIL <= 5), above(0.8), measures="Share of runs that do"),
    detail("learned-before-exploding", printed=0.310)
    .says("It learns before it explodes.")
    .must(
        at(ACCURACY, count(range(1, 11) < UNTIL)) > 0.25,
        given=(EXPLODED > 0) & (UNTIL > 1),
        measures="Validation accuracy after the last epoch that was over when it exploded",
    ),
    detail("little-is-left-afterwards", kind="discrete", printed=0.147)
    .says("Afterwards little is left of what it learned.")
    .must(metric("rate-0-003", "last_accuracy") < 0.2, given=EXPLODED > 0),
    printed_value("cost-falls-as-printed", printed=COSTS[0] - COSTS[3])
    .says("Where it explodes after epoch 4, as printed, the cost has fallen about as far by then.")
    .must(at(COST, 1) - at(COST, 4), between(0.15, 0.6), given=(EXPLODED > 0) & (UNTIL > 4)),
)

RECIPE = Recipe(
    slug="lr-explodes",
    version=1,
    question="Is a rate of 0.003 too high for this network?",
    sources=Source("cs231n-slides", "loss exploding:"),
    data="cifar10",
    arms=(Arm("rate-0-003", "rate 0.003"),),
    scales=(Scale("quick", n_train=10_000, n_test=1_000), Scale("full", seeds=30)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training at a rate of 0.003", PANELS, printed=PRINTED),
    metrics=(
        Metric("cost", "cost of the last batch", "nats", "epoch"),
        Metric("exploded", "number of explosions within ten epochs", "share"),
        Metric("last_accuracy", "validation accuracy after the last epoch", "fraction"),
    ),
)
