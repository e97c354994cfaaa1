"""When the network overfits, a higher learning rate helps.

Source: "Introduction to Deep Learning" (recap), slide "Learning Rate", on when to increase it
Data:   cifar10, standardised, flattened
Cost:   quick 8 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 43 s (one of two workers, Intel Xeon)
Replay: reprise run lr-higher-when-overfitting --scale full

The slide says neither network nor rates, nor whether the rate is raised during training or the next
training begins with a higher one: both are measured. 3072-100-10, plain SGD, batches of 100, on so
few images that nearly all are learned; rate 0.01 and 0.1, which does not diverge (lr-u-curve).
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Recipe, Scale, Source, at, curve, detail, metric
from keras_reprise import minimum, rule, train
from keras_reprise.models import dense_classifier
from keras_reprise.schedules import steps


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    before, after = arm.rates
    history = train(
        dense_classifier(replicate.seeds, data.image_shape[0], [100], data.classes),
        data,
        replicate,
        optimizer=keras.optimizers.SGD(),
        learning_rate=steps({0: before, scale.change: after}),
        epochs=scale.epochs,
        fork_at=[scale.change],
    )
    return Measurement(history.last, history.curves, diverged=history.diverged)


def lower(arm, name):
    """A metric of the arm minus that of the rate that was kept."""
    return metric(arm, name) - metric("kept", name)


LOSS = curve("kept", "test_loss")
CLAIMS = (
    rule("raised-tests-better", expectation="MIXED")
    .says("With the rate raised, training ends with a lower test error than with the rate kept.")
    .must(100 * lower("raised", "test_error") < 0),
    rule("high-tests-better", expectation="MIXED")
    .says("Trained at the higher rate from the start, it does, too.")
    .must(100 * lower("high", "test_error") < 0),
    detail("raised-lower-test-loss", expectation="MIXED")
    .says("With the rate raised, the test loss ends lower.")
    .must(lower("raised", "test_loss") < 0),
    detail("high-lower-test-loss", expectation="MIXED")
    .says("Trained at the higher rate from the start, it does, too.")
    .must(lower("high", "test_loss") < 0),
    detail("it-overfitted")
    .says("When the rate is raised, the network overfits: its test loss is past the minimum.")
    .must(at(LOSS, "change") > minimum(LOSS, before="change")),
)

RECIPE = Recipe(
    slug="lr-higher-when-overfitting",
    version=1,
    question="Does a higher learning rate help against overfitting?",
    sources=Source("dl-recap-slides", "Learning Rate"),
    data="cifar10",
    arms=(
        Arm("kept", "rate 0.01 throughout", rates=(0.01, 0.01)),
        Arm("raised", "rate 0.01, then 0.1", rates=(0.01, 0.1)),
        Arm("high", "rate 0.1 throughout", rates=(0.1, 0.1)),
    ),
    scales=(
        Scale("quick", n_train=1_000, n_test=2_000, epochs=60, change=40),
        Scale("full", n_train=5_000, epochs=120, change=80),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Errors and loss", ("train_error", "test_error", "test_loss")),
)
