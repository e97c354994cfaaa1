"""At a learning rate that is far too high the cost is soon no finite number.

Source: "Deep network components and training" (after CS231n),
        slide "loss exploding: learning rate too high", with the printed accuracy
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 1 s per replicate, quick 2 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-nan --scale full

The slide takes such a cost for a sign of such a rate. Shown is the other direction, what a rate of
a million does, at a penalty of 1e-6. Keras's loss is computed stably, so nan comes from weights
that overflow, some updates later than on the slide. What is left predicts the first class for every
image.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import detail, metric, near, printed_value, rule, setting
from keras_reprise.two_layer import UPDATES, Trainer, tripled_at


def measure(arm, replicate):
    trainer = Trainer(replicate)
    history = trainer.train(
        1e6, reg=1e-6, epochs=3, updates=UPDATES, decay=1.0, diverged_factor=None
    )
    finite = np.isfinite(history.update_losses)
    right = ~history.test_wrong[-1]
    return Measurement(
        metrics={
            "first_not_finite": float(np.argmin(finite)) + 1 if not finite.all() else np.inf,
            "abort_at": tripled_at(history) or np.inf,
            "validation_accuracy": right.mean(),
            "classes_right": len(np.unique(trainer.data.y_test[right])),
        },
        curves={"cost": history.update_losses[:20]},
        diverged=history.diverged,
    )


FIRST_NOT_FINITE = metric("high", "first_not_finite")

CLAIMS = (
    rule("nan-in-first-epoch", kind="discrete", expectation="MATH")
    .says("At a rate of a million the cost is no finite number within the first epoch.")
    .must(FIRST_NOT_FINITE < UPDATES),
    printed_value("share-of-first-class-as-printed", kind="discrete", printed=0.087)
    .says("The validation accuracy is the printed one: the first class's share of the images.")
    .must(
        metric("high", "validation_accuracy"),
        near(0.087, absolute=5e-4),
        given=setting("n_train", 50_000) >= 50_000,
    ),
    detail("abort-rule-fires-before-nan", "CROSS-VALIDATION STRATEGY", kind="discrete")
    .says("The cost is above three times the first one before it is no number.")
    .must(metric("high", "abort_at") - FIRST_NOT_FINITE, between(-UPDATES, -1)),
)

COST = Panel(("cost",), "cost (nats)", log=True)
FIGURE = Curves("Cost of the first updates", panels=COST, x_label="update")

RECIPE = Recipe(
    slug="lr-nan",
    version=1,
    question="What does a learning rate of a million do?",
    sources=Source("cs231n-slides", "loss exploding: learning rate too high"),
    data="cifar10",
    arms=(Arm("high", "rate 1e6"),),
    scales=(Scale("quick", n_train=10_000, n_test=1_000), Scale("full")),
    measure=measure,
    claims=CLAIMS,
    figures=FIGURE,
    metrics=(
        Metric("first_not_finite", "first update whose cost is not finite", "updates"),
        Metric("abort_at", "first update above three times the first cost", "updates"),
        Metric("validation_accuracy", "validation accuracy after the last epoch", "fraction"),
        Metric("n_train", "number of training images"),
    ),
)
