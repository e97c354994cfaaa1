"""A rate of 0.003 learns for some epochs and then explodes: what looks fine at first may still be too high

Source: document 003 (003:570-591), with the printed costs of six epochs
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 3 s per replicate, quick 3 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-explodes --scale full

Ten epochs of 490 updates at both scales. The document's cost becomes inf because its softmax is not computed stably; here a run
has exploded when a cost is above three times the first one, the document's own rule, or not finite. When that happens is random.
"""

import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, near
from keras_reprise.two_layer import UPDATES, Trainer, costs, tripled_at

COSTS = (2.186654, 2.176230, 1.942257, 1.827868)
ACCURACIES = (0.306, 0.350, 0.352, 0.310, 0.128, 0.147)
EPOCHS = 10
ERRATUM = "0.3: inf is what a naive softmax gives; a stable one gives large finite costs until the weights overflow."


def measure(arm, replicate):
    history = Trainer(replicate).train(3e-3, reg=1e-6, epochs=EPOCHS, updates=UPDATES, decay=1.0, diverged_factor=None)
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
        curves={"cost": np.append(costs(history), padding), "validation_accuracy": np.append(accuracy, padding)},
        diverged=exploded is not None,
    )


def metric(name):
    return lambda arms, scale: arms["rate-0-003"].metrics[name]


RECIPE = Recipe(
    slug="lr-explodes",
    version=1,
    question="Is a rate of 0.003 too high for this network?",
    sources=(Source("cs231n-slides", "003:570-591"),),
    data="cifar10",
    arms=(Arm("rate-0-003", "rate 0.003"),),
    scales=(Scale("quick", n_train=10_000, n_test=1_000), Scale("full", seeds=30)),
    measure=measure,
    claims=(
        Claim("explodes", "Within ten epochs the cost explodes, in at least four of five runs.", "003:589", metric("exploded"), "share", above=0.8, proportion=True, measures="Whether a cost within ten epochs is above three times the first, or not finite"),
        Claim("explodes-by-epoch-6", "As printed, by epoch 6, in at least four of five runs.", "003:584-585", metric("exploded_by_epoch_6"), "share", above=0.8, proportion=True, erratum=ERRATUM, measures="Whether a cost within six epochs is above three times the first, or not finite"),
        Claim("learned-first", "It learns before it explodes.", "003:570-591", metric("best_before"), "fraction", above=0.25, measures="Best validation accuracy after an epoch before the explosion"),
        Claim("chance-afterwards", "Afterwards little is left.", "003:584-585", metric("last_accuracy"), "fraction", below=0.2, measures="Validation accuracy after the last epoch"),
        *(Claim(f"cost-{epoch}", f"The cost of epoch {epoch} is near the printed one.", "003:580-583", lambda arms, scale, epoch=epoch: arms["rate-0-003"].curves["cost"][epoch - 1], "nats", **near(printed, absolute=0.5), printed=printed, measures=f"Cost of the last batch of epoch {epoch}") for epoch, printed in enumerate(COSTS, start=1)),
    ),  # fmt: skip
    figures=(Curves("Training at a rate of 0.003", panels=(Panel(("cost",), "cost (nats)", log=True), Panel(("validation_accuracy",), "validation accuracy (fraction)")), columns="overlay", printed={"cost": {"rate-0-003": COSTS}, "validation_accuracy": {"rate-0-003": ACCURACIES}}),),
)
