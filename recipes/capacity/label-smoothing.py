"""Label smoothing reduces overfitting.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slides "Regularization
        Techniques" and "Over and Under Fitting"; smoothing by a tenth is Szegedy et al.'s (2016)
Data:   cifar10, standardised, flattened
Cost:   quick 27 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run label-smoothing --scale full

The slide only names it. 3072-200-200-10 with ReLUs on few images, trained until it fits them, with
Keras's cross-entropy and its label smoothing of 0, 0.1 and 0.3. Overfitting is read in two ways: as
the test error of networks that all fit their training images, and as the slides have it, as a test
loss (of the labels as they are) that rises while training goes on. Each arm has the best learning
rate, searched for on half of the test images from one draw of the weights. Judged are others: their
errors on the other half, the rise of their test loss on all test images.
"""

from dataclasses import replace

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import detail, maximum, metric, rule
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable, judged_errors, searched

RATES = (0.003, 0.01, 0.03)


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised().flattened(), replicate.scale.epochs
    one_hot, sizes = np.eye(data.classes, dtype="float32"), (data.image_shape[0], [200, 200])
    half = len(data.y_test) // 2
    data = replace(data, y_train=one_hot[data.y_train], y_test=one_hot[data.y_test])

    def build(seeds):
        return normalised_dense(seeds, *sizes, data.classes, "relu", "none")

    sgd = keras.optimizers.SGD(momentum=0.9)
    network = Restartable(build, data, replicate, sgd, draws=1 + replicate.scale.draws)

    def judge(history):
        def probabilities(images):
            outputs = network.model(images, training=False)
            return keras.ops.convert_to_numpy(keras.ops.softmax(outputs))

        fitted = probabilities(data.x_train).argmax(axis=1) == data.y_train.argmax(axis=1)
        sure = probabilities(data.x_test[half:]).max(axis=1).mean()
        errors, losses = judged_errors(history, epochs), np.array(history.curves["test_nll"])
        return {
            "train_error": 100 * (1 - fitted.mean()),
            "test_error": errors[-1],
            "errors": errors,
            "losses": losses,
            "rise": losses[-1] - losses.min(),
            "too_sure": 100 * sure - (100 - errors[-1]),
        }

    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=arm.smoothing)
    nll = keras.metrics.CategoricalCrossentropy("nll", from_logits=True)
    options = {"batch_size": 50, "metrics": [nll], "loss": loss}
    trials, best = searched(network, RATES, epochs, judge, **options)
    curves = {name: best.pop(name) for name in ("errors", "losses")}
    return Measurement(best, curves, trials=trials)


NAMED, OVER, CALIBRATED = (
    "Regularization Techniques",
    "Over and Under Fitting",
    "Müller et al. (2019)",
)
CLAIMS = (
    rule("lower-test-error", NAMED)
    .says("With label smoothing of 0.1 the test error is lower.")
    .must(metric("tenth", "test_error") < metric("none", "test_error")),
    rule("test-loss-rises-less", OVER)
    .says("And the test loss rises less from its lowest value to the end of training.")
    .must(metric("tenth", "rise") < metric("none", "rise"), unit="nats"),
    detail("both-fit-their-training-images", NAMED, kind="discrete")
    .says("With and without it less than one training image of a hundred is wrong in the end.")
    .must(maximum(metric("tenth", "train_error"), metric("none", "train_error")) < 1),
    detail("more-smoothing-lowers-it-further", NAMED, expectation="MIXED")
    .says("With a smoothing of 0.3 the test error is lower still.")
    .must(metric("three-tenths", "test_error") < metric("tenth", "test_error")),
    detail("less-sure-of-itself", CALIBRATED)
    .says("The network overrates itself less: its largest probability minus its accuracy is lower.")
    .must(metric("tenth", "too_sure") < metric("none", "too_sure")),
)

RECIPE = Recipe(
    slug="label-smoothing",
    version=3,
    question="Does label smoothing reduce overfitting?",
    sources=tuple(Source("dl-recap-slides", title) for title in (NAMED, OVER)),
    data="cifar10",
    arms=(
        Arm("none", "labels as they are", smoothing=0.0),
        Arm("tenth", "smoothed by 0.1", smoothing=0.1),
        Arm("three-tenths", "smoothed by 0.3", smoothing=0.3),
    ),
    scales=(
        Scale("quick", n_train=1_000, n_test=1_500, epochs=16, draws=2),
        Scale("full", n_train=10_000, epochs=80, draws=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Through the epochs", (Panel("losses"), Panel("errors"))),
    metrics=(
        Metric("losses", "test loss of the labels as they are", "nats", "epoch"),
        Metric("errors", "test error", "percent", "epoch"),
        Metric("train_error", "training error", "percent"),
        Metric("test_error", "test error", "percent"),
        Metric("rise", "rise of the test loss from its lowest value", "nats"),
        Metric("too_sure", "mean largest probability minus the accuracy", "points"),
        Metric("rate", "best learning rate"),
    ),
)
