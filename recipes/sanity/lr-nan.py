"""A cost of nan almost always means a learning rate that is too high

Source: document 003 (003:538-568), with the printed accuracies of three epochs
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 1 s per replicate, quick 2 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-nan --scale full

Rate 1e6, penalty 1e-6. Keras's loss is computed stably, so nan comes from weights that overflow, some updates later than in the
document. What is left predicts one class for every image; the accuracy is that class's share.
"""

import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, near
from keras_reprise.two_layer import UPDATES, Trainer, tripled_at

PRINTED = 0.087


def measure(arm, replicate):
    trainer = Trainer(replicate)
    history = trainer.train(1e6, reg=1e-6, epochs=3, updates=UPDATES, decay=1.0, diverged_factor=None)
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


def metric(name):
    return lambda arms, scale: arms["high"].metrics[name]


RECIPE = Recipe(
    slug="lr-nan",
    version=1,
    question="What does a learning rate of a million do?",
    sources=(Source("cs231n-slides", "003:538-568"),),
    data="cifar10",
    arms=(Arm("high", "rate 1e6"),),
    scales=(Scale("quick", n_train=10_000, n_test=1_000), Scale("full")),
    measure=measure,
    claims=(
        Claim("nan-in-first-epoch", "The cost is no number within the first epoch.", "003:563", metric("first_not_finite"), "updates", below=UPDATES, log=True, expectation="MATH", measures="First update whose cost is not finite"),
        Claim("one-class-left", "What is left gets only images of one class right.", "003:563-565", metric("classes_right"), "classes", above=1.0, below=1.0, exact=True, expectation="MATH", measures="Number of classes among the validation images classified correctly"),
        Claim("accuracy-as-printed", "The validation accuracy is the printed one, the share of that class.", "003:563-565", metric("validation_accuracy"), "fraction", **near(PRINTED, absolute=0.02), printed=PRINTED, measures="Validation accuracy after the cost was no number"),
        Claim("abort-rule-catches-it", "The rule to stop at three times the first cost catches it no later.", "003:605", lambda arms, scale: arms["high"].metrics["abort_at"] - arms["high"].metrics["first_not_finite"], "updates", below=0.0, above=-float(UPDATES), exact=True, measures="First update above three times the first cost minus the first one that is not finite"),
    ),  # fmt: skip
    figures=(Curves("Cost at a rate of a million, first updates", panels=(Panel(("cost",), "cost (nats)", log=True),), x_label="update", columns="overlay"),),
)
