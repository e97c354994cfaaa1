"""A rate of 0.003 is too high for this network: it learns at first, then its cost explodes.

Source: "Deep network components and training" (after CS231n), slide "loss exploding:",
        with the printed costs and accuracies of six epochs
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 3 s per replicate, quick 3 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-explodes --scale full

Ten epochs of 490 updates at both scales. A run has exploded when a cost is above three times the
first one, the document's own rule, or not finite. When that happens is random.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, above
from keras_reprise import at, below, between, count, curve, detail, metric, printed_value, rule
from keras_reprise.two_layer import UPDATES, Trainer, costs, tripled_at

COSTS = (2.186654, 2.176230, 1.942257, 1.827868)
ACCURACIES = (0.306, 0.350, 0.352, 0.310, 0.128, 0.147)
EPOCHS = 10


def measure(arm, replicate):
    history = Trainer(replicate).train(
        3e-3, reg=1e-6, epochs=EPOCHS, updates=UPDATES, decay=1.0, diverged_factor=None
    )
    exploded, accuracy = tripled_at(history), 1 - np.array(history.curves["test_error"])
    epoch = EPOCHS + 1 if exploded is None else -(-exploded // UPDATES)
    padding = np.full(EPOCHS - history.epochs, np.nan)
    return Measurement(
        metrics={
            "exploded": float(exploded is not None),
            "exploded_by_epoch_6": float(epoch <= 6),
            "explosion_epoch": np.nan if exploded is None else exploded / UPDATES,
            "best_before": accuracy[: max(1, epoch - 1)].max(),
            "last_accuracy": accuracy[-1],
        },
        curves={
            "cost": np.append(costs(history), padding),
            "validation_accuracy": np.append(accuracy, padding),
        },
        diverged=exploded is not None,
    )


COST, ACCURACY = curve("rate-0-003", "cost"), curve("rate-0-003", "validation_accuracy")
EXPLODED, UNTIL = metric("rate-0-003", "exploded"), metric("rate-0-003", "explosion_epoch")

CLAIMS = (
    rule("explodes")
    .says("Within ten epochs the cost explodes, in at least four of five runs.")
    .of(EXPLODED)
    .must(above(0.8), kind="share"),
    detail("explodes-by-epoch-6")
    .says("As printed, it explodes by epoch 6, in at least four of five runs.")
    .of(metric("rate-0-003", "exploded_by_epoch_6"))
    .must(
        above(0.8),
        kind="share",
        erratum="A naive softmax gives inf, a stable one large costs until the weights overflow.",
    ),
    detail("learned-before-exploding")
    .says("It learns before it explodes.")
    .of(
        at(ACCURACY, count(range(1, EPOCHS + 1) < UNTIL)),
        given=(EXPLODED > 0) & (UNTIL > 1),
        measures="Validation accuracy after the last epoch that was over when it exploded",
    )
    .must(above(0.25), printed=0.310),
    detail("chance-afterwards")
    .says("Afterwards little is left of what it learned.")
    .of(metric("rate-0-003", "last_accuracy"))
    .must(below(0.2), kind="discrete", printed=0.147),
    printed_value("cost-falls-as-printed")
    .says("Where it explodes after epoch 4, as printed, the cost has fallen about as far by then.")
    .of(at(COST, 1) - at(COST, 4), given=(EXPLODED > 0) & (UNTIL > 4))
    .must(between(0.15, 0.6), printed=COSTS[0] - COSTS[3]),
)

FIGURE = Curves(
    "Training at a rate of 0.003",
    panels=(
        Panel(("cost",), "cost (nats)", log=True),
        Panel(("validation_accuracy",), "validation accuracy (fraction)"),
    ),
    columns="overlay",
    printed={"cost": {"rate-0-003": COSTS}, "validation_accuracy": {"rate-0-003": ACCURACIES}},
)

RECIPE = Recipe(
    slug="lr-explodes",
    version=1,
    question="Is a rate of 0.003 too high for this network?",
    sources=(Source("cs231n-slides", "loss exploding:"),),
    data="cifar10",
    arms=(Arm("rate-0-003", "rate 0.003"),),
    scales=(Scale("quick", n_train=10_000, n_test=1_000), Scale("full", seeds=30)),
    measure=measure,
    claims=CLAIMS,
    figures=(FIGURE,),
    metrics=(
        Metric("cost", "cost of the last batch", "nats", "epoch"),
        Metric("validation_accuracy", "validation accuracy", "fraction", "epoch"),
        Metric("exploded", "number of explosions within ten epochs", "share"),
        Metric("exploded_by_epoch_6", "number of explosions within six epochs", "share"),
        Metric("explosion_epoch", "number of epochs to the explosion", "epochs"),
        Metric("last_accuracy", "validation accuracy after the last epoch", "fraction"),
    ),
)
