"""Where the loss falls very slowly, a higher learning rate makes it fall faster.

Source: "Introduction to Deep Learning" (recap), slide "Learning Rate", on when to increase it
Data:   cifar10, standardised
Cost:   quick 55 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 5 min (one of two workers, Intel Xeon)
Replay: reprise run lr-higher-when-slow --scale full

The slide names no network and no rates: the small convnet of cifar10-lr-drop, plain SGD, batches of
100; the slow rate is 0.001, a hundredth of that recipe's, and is multiplied by ten.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Recipe, Scale, Source, at, curve, detail, first
from keras_reprise import last, rule, train
from keras_reprise.models import small_convnet
from keras_reprise.schedules import steps


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    before, after = arm.rates
    history = train(
        small_convnet(replicate.seeds, data.image_shape, data.classes),
        data,
        replicate,
        optimizer=keras.optimizers.SGD(),
        learning_rate=steps({0: before, scale.change: after}),
        epochs=scale.epochs,
        fork_at=[scale.change],
    )
    return Measurement(curves=history.curves, diverged=history.diverged)


LOSS = curve("raised", "train_loss")
CLAIMS = (
    rule("raised-ends-lower")
    .says("With the rate raised the training loss ends lower than with the rate kept.")
    .must(last("raised", "train_loss") < last("kept", "train_loss")),
    detail("falls-faster-than-before")
    .says("It falls more in the epochs after the rate was raised than in as many before.")
    .must(at(LOSS, "change") - last(LOSS) > first(LOSS) - at(LOSS, "change")),
    detail("test-loss-ends-lower")
    .says("So does the test loss.")
    .must(last("raised", "test_loss") < last("kept", "test_loss")),
)

RECIPE = Recipe(
    slug="lr-higher-when-slow",
    version=1,
    question="Does a higher learning rate help where the loss falls very slowly?",
    sources=Source("dl-recap-slides", "Learning Rate"),
    data="cifar10",
    arms=(
        Arm("kept", "rate 0.001 throughout", rates=(0.001, 0.001)),
        Arm("raised", "rate 0.001, then 0.01", rates=(0.001, 0.01)),
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=1_000, epochs=9, change=5),
        Scale("full", epochs=19, change=10),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Loss through the epochs", ("train_loss", "test_loss")),
)
