"""A validation error promises too much where test data are unlike.

Source: "Lecture 7: Practical considerations for training deep models", slide "What If Nothing Helps
        ?"
Data:   cifar10, standardised, flattened; test images darker, noisy or moved
Cost:   quick 17 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run validation-unlike-test --scale full

The slide gives no case. A fifth of the training images is for validation, which chooses one of six
networks, 3072-u-10 with two widths at three learning rates. Test images are as they are (alike),
at half their brightness, with normal noise of a deviation of 40 of 255, or moved by four pixels
down and four to the right.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import (
    column,
    detail,
    evaluate,
    mean,
    metric,
    near,
    rank_correlation,
    rule,
    train,
)
from keras_reprise.models import dense_classifier

SETTINGS = [{"units": units, "rate": rate} for units in (20, 200) for rate in (0.003, 0.01, 0.03)]
UNLIKE = ("darker", "noisy", "moved")


def changed(images, kind, draw):
    """uint8 images (n, height, width, channels) of the kind that the test has."""
    if kind == "darker":
        return images // 2
    if kind == "noisy":
        noise = draw.normal(0, 40, images.shape)
        return np.clip(np.round(images + noise), 0, 255).astype("uint8")
    return np.roll(images, (4, 4), (1, 2)) if kind == "moved" else images


def measure(arm, replicate):
    whole, scale = replicate.dataset(), replicate.scale
    data = whole.with_validation(len(whole.y_train) // 5).standardised().flattened()
    draw = replicate.seeds.generator("data")
    images = changed(whole.stored_test, arm.name, draw)
    images = data.scaled(images.reshape(len(images), -1))

    def trained(units, rate):
        model = dense_classifier(replicate.seeds, data.image_shape[0], [units], data.classes)
        sgd = keras.optimizers.SGD(rate, momentum=0.9)
        options = {"optimizer": sgd, "batch_size": 50, "epochs": scale.epochs}
        history = train(model, data, replicate, **options)
        wrong = evaluate(model, images, whole.y_test)[1]
        return {"validation": 100 * history.last["test_error"], "test": 100 * wrong.mean()}

    trials = replicate.sweep(SETTINGS, trained)
    best = min(trials, key=lambda trial: trial["validation"])
    curves = trials.curves("validation", "test") | {"number": range(1, len(trials) + 1)}
    return Measurement({name: best[name] for name in ("validation", "test")}, curves, trials=trials)


def promised(arm):
    """By how much the test error of the chosen network is above its validation error."""
    return metric(arm, "test") - metric(arm, "validation")


def agreement(arm):
    return rank_correlation(column(arm, "validation"), column(arm, "test"))


CLAIMS = (
    rule("promises-too-much")
    .says("On test images of another kind the error is above the validation error.")
    .must(
        mean(*(promised(kind) for kind in UNLIKE)) > 0,
        measures="Test minus validation error, mean over three kinds of test images",
    ),
    rule("keeps-the-promise-where-alike")
    .says("On test images of the same kind it is the same, within three points.")
    .must(promised("alike"), near(0, absolute=3)),
    *(
        detail(f"promises-too-much-{kind}")
        .says(f"The test error is above the validation error on {kind} images.")
        .must(promised(kind) > 0)
        for kind in UNLIKE
    ),
    detail("ranks-the-networks-less-well", kind="discrete")
    .says("Validation ranks six networks less as the test does where that is unlike.")
    .must(
        mean(*(agreement(kind) for kind in UNLIKE)) < agreement("alike"),
        measures="Rank correlation of validation and test error, unlike minus alike",
    ),
)

RECIPE = Recipe(
    slug="validation-unlike-test",
    version=1,
    question="What does a validation error say of test images of another kind?",
    sources=Source("training-practice-slides", "What If Nothing Helps ?"),
    data="cifar10",
    arms=(
        Arm("alike", "test images as those of validation"),
        Arm("darker", "at half their brightness"),
        Arm("noisy", "with noise"),
        Arm("moved", "moved by four pixels"),
    ),
    scales=(Scale("quick", n_train=5_000, n_test=2_000, epochs=5), Scale("full", epochs=10)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Error of six networks",
        Panel(("validation", "test"), "error (percent)"),
        x="number",
        columns="arms",
    ),
    metrics=(
        Metric("number", "number of the network"),
        Metric("validation", "validation error", "percent", "network"),
        Metric("test", "test error", "percent", "network"),
    ),
)
