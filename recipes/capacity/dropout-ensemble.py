"""The mean of many passes with dropout predicts like one pass without it.

Source: "Introduction to Deep Learning, Lecture 03", slide "Dropout Regularization"
Data:   the 1,797 digits of scikit-learn, 1,000 of them to train
Cost:   quick 54 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run dropout-ensemble --scale full

The slide names the ensemble alone. A 64-256-256-10 network with ReLUs, dropout after each hidden
layer, Adam and batches of 50 are ours; averaged are the probabilities of 200 passes.
"""

from functools import partial

import keras
import numpy as np
from sklearn.datasets import load_digits

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import between, detail, maximum, metric, rule
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable

PASSES = (1, 2, 5, 10, 20, 50, 100, 200)


def measure(arm, replicate):
    images, digits = load_digits(return_X_y=True)
    order = replicate.seeds.generator("data").permutation(len(images))
    x, y = (images[order] / 16).astype("float32"), digits[order].astype("int32")
    data = Dataset.of("digits", x[:1000], y[:1000], x[1000:], y[1000:])
    options = {"normalisation": "none", "dropout": arm.rate}
    build = partial(normalised_dense, features=64, hidden=[256, 256], classes=10, **options)
    network = Restartable(build, data, replicate, keras.optimizers.Adam(), replicate.scale.draws)
    found = []
    for draw in range(replicate.scale.draws):
        network.train(1e-3, replicate.scale.epochs, draw, batch_size=50)

        def probabilities(training):
            logits = network.model(data.x_test, training=training)
            return keras.ops.convert_to_numpy(keras.ops.softmax(logits))

        without = probabilities(False).argmax(axis=1)
        sums = np.cumsum([probabilities(True) for _ in range(PASSES[-1])], axis=0)
        answers = [sums[n - 1].argmax(axis=1) for n in PASSES]
        right = [100 * (answer == data.y_test).mean() for answer in (*answers, without)]
        found.append([*right, 100 * (answers[-1] == without).mean()])
    *by_passes, without, agree = np.mean(found, axis=0)
    metrics = {"one": by_passes[0], "mean": by_passes[-1], "without": without, "agree": agree}
    curves = {"passes": PASSES, "by_passes": by_passes, "no_dropout": [without] * len(PASSES)}
    return Measurement(metrics, curves)


RATES = {"rate-20": 0.2, "rate-50": 0.5, "rate-80": 0.8}


def gain(arm):
    return metric(arm, "mean") - metric(arm, "without")


CLAIMS = (
    rule("mean-of-passes-predicts-alike", kind="discrete")
    .says("The mean of 200 passes with dropout is right as often as one pass without.")
    .must(gain("rate-50"), between(-1, 1)),
    detail("same-classes")
    .says("Both give one class to 99 % of the digits.")
    .must(metric("rate-50", "agree") > 99),
    detail("mean-beats-one-pass")
    .says("The mean is right more often than one pass with dropout, as an ensemble is.")
    .must(metric("rate-50", "mean") - metric("rate-50", "one") > 0),
    detail("predicts-alike-at-other-rates", kind="discrete")
    .says("They are right equally often with the rates 0.2 and 0.8, too.")
    .must(maximum(abs(gain("rate-20")), abs(gain("rate-80"))), between(0, 1)),
)
ACCURACY = Panel(("by_passes", "no_dropout"), "test accuracy (percent)")

RECIPE = Recipe(
    slug="dropout-ensemble",
    version=1,
    question="Does one pass without dropout predict like the mean of many with it?",
    sources=Source("dl-recap-slides", "Dropout Regularization"),
    arms=tuple(Arm(arm, f"{rate} dropped", rate=rate) for arm, rate in RATES.items()),
    scales=(Scale("quick", draws=2, epochs=20), Scale("full", draws=10, epochs=100)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Mean of passes with dropout", ACCURACY, x="passes", x_log=True, columns="arms"),
    metrics=(
        Metric("mean", "accuracy of the mean of 200 passes", "percent"),
        Metric("without", "accuracy without dropout", "percent"),
        Metric("one", "accuracy of one pass with dropout", "percent"),
        Metric("agree", "digits of which both say one class", "percent"),
        Metric("by_passes", "mean of passes with dropout", "percent", "passes"),
        Metric("no_dropout", "one pass without", "percent", "passes"),
        Metric("passes", "passes averaged"),
    ),
)
