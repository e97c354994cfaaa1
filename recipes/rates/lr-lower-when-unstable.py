"""When the loss explodes or fluctuates, a lower learning rate makes it fall again.

Source: "Introduction to Deep Learning" (recap), slide "Learning Rate", on when to decay it
Data:   cifar10, standardised, flattened
Cost:   quick 6 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 83 s (one of two workers, Intel Xeon)
Replay: reprise run lr-lower-when-unstable --scale full

The slide names neither network nor rates: 3072-100-10, SGD with momentum 0.9, batches of 100. The
rate is lowered after as many epochs as the scale says that a loss fluctuated or is exploded; at
full scale it recovers by itself later. A run in which the loss did not do what its arm is called
says nothing, nor does one without a loss.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, at, curve
from keras_reprise import detail, last, log, metric, rule, train
from keras_reprise.models import dense_classifier
from keras_reprise.schedules import steps


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    change = scale.exploded if arm.name.startswith("exploding") else scale.fluctuated
    before, after = arm.rates
    history = train(
        dense_classifier(replicate.seeds, data.image_shape[0], [100], data.classes),
        data,
        replicate,
        optimizer=keras.optimizers.SGD(momentum=0.9),
        learning_rate=steps({0: before, change: after}),
        epochs=scale.epochs,
        fork_at=[change],
        diverged_factor=None,
    )
    loss = history.curves["train_loss"]
    rises = (np.diff(loss[:change]) > 0).sum()
    return Measurement(
        {"rises": rises, "started": history.initial["test_loss"]},
        {"train_loss": loss, "test_error": history.curves["test_error"]},
    )


LOSS = {arm: curve(arm, "train_loss") for arm in ("exploding-lowered", "exploding-kept")}
FALL = {arm: log(last(loss) / at(loss, "exploded")) for arm, loss in LOSS.items()}
STARTED = metric("exploding-lowered", "started")
EXPLODED = at(LOSS["exploding-lowered"], "exploded") > STARTED
MEASURES = "Logarithm of the training loss at the end over that when the rate was lowered"
MORE = "The same logarithm minus that with the rate kept"
CLAIMS = (
    rule("fluctuating-loss-falls")
    .says("A loss that fluctuates is lower in the end with the rate lowered than with it kept.")
    .must(
        last("fluctuating-lowered", "train_loss") < last("fluctuating-kept", "train_loss"),
        given=metric("fluctuating-lowered", "rises") > 0,
    ),
    rule("exploded-loss-falls")
    .says("A loss that exploded falls again once the rate is lowered.")
    .must(FALL["exploding-lowered"] < 0, given=EXPLODED, measures=MEASURES),
    detail("exploded-loss-does-not-fall-by-itself")
    .says("More than with the rate kept.")
    .must(FALL["exploding-lowered"] < FALL["exploding-kept"], given=EXPLODED, measures=MORE),
    detail("exploded-training-learns-again", expectation="MIXED")
    .says("What exploded ends below the loss that it began with, so it learns again.")
    .must(last("exploding-lowered", "train_loss") < STARTED, given=EXPLODED),
)

RECIPE = Recipe(
    slug="lr-lower-when-unstable",
    version=2,
    question="Does a lower learning rate help where the loss explodes or fluctuates?",
    sources=Source("dl-recap-slides", "Learning Rate"),
    data="cifar10",
    arms=(
        Arm("fluctuating-kept", "rate 0.04 throughout", rates=(0.04, 0.04)),
        Arm("fluctuating-lowered", "rate 0.04, then 0.004", rates=(0.04, 0.004)),
        Arm("exploding-kept", "rate 0.05 throughout", rates=(0.05, 0.05)),
        Arm("exploding-lowered", "rate 0.05, then 0.005", rates=(0.05, 0.005)),
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=500, epochs=14, fluctuated=8, exploded=8),
        Scale("full", epochs=20, fluctuated=10, exploded=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Lowering the rate", (Panel("train_loss", log=True), Panel("test_error"))),
    metrics=(
        Metric("rises", "epochs at which the loss rose before the rate was lowered"),
        Metric("started", "loss before training", "nats"),
        Metric("exploded", "epoch before the rate is lowered"),
    ),
)
