"""Ensembles reduce overfitting, but suit other machine learning better.

Source: "Introduction to Deep Learning, Lecture 03", slide "Over and Under Fitting"
Data:   the 1,797 digits of scikit-learn, 300 of them to train
Cost:   quick 21 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run ensembles-elsewhere --scale full

The slide gives no experiment. What an ensemble gains is the share of the test error that it takes
away from one model trained on all 300 images, its overfitting the test error minus the training
error. Averaged are probabilities: of decision trees and of logistic regressions, each trained on a
bootstrap sample of the images (Breiman, 1996), and of 64-100-10 networks, which differ in initial
weights and batches, or have bootstrap samples, too.
"""

from dataclasses import replace

import keras
import numpy as np
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from keras_reprise import Arm, Dataset, Measurement, Metric, Curves, Panel, Recipe, Scale, Source
from keras_reprise import Order, detail, metric, rule, snapshot, train
from keras_reprise.models import dense_classifier

TRAIN = 300


def bagged(make, data, replicate, draw):
    """Probabilities for all images by one model of all training images, and by each of the others'
    bootstrap samples: (1, n, classes) and (members, n, classes)."""
    x, random = np.concatenate([data.x_train, data.x_test]), replicate.seeds.generator("data", draw)

    def fitted(chosen):
        model = make(int(random.integers(2**31)))
        return model.fit(data.x_train[chosen], data.y_train[chosen]).predict_proba(x)

    samples = [random.integers(0, TRAIN, TRAIN) for _ in range(replicate.scale.members)]
    return np.array([fitted(np.arange(TRAIN))]), np.array([fitted(sample) for sample in samples])


def networks(data, replicate, draw, bootstrap):
    """The same by networks: several of all training images; the members are these, or others of
    bootstrap samples."""
    x, adam = np.concatenate([data.x_train, data.x_test]), keras.optimizers.Adam()
    model, members = dense_classifier(replicate.seeds, 64, [100], 10), replicate.scale.members
    restart, passes = snapshot(model, adam), Order(passes=replicate.scale.epochs)
    random = replicate.seeds.generator("data", draw)

    def fitted(number, chosen):
        mine = replicate.member(1000 * draw + number)
        few = replace(data, stored_train=data.stored_train[chosen], y_train=data.y_train[chosen])
        restart()
        model.set_weights(dense_classifier(mine.seeds, 64, [100], 10).get_weights())
        train(model, few, mine, optimizer=adam, batch_size=20, epochs=1, order=passes)
        logits = model.predict(x, batch_size=len(x), verbose=0)
        return softmax(logits.astype(float), axis=1)

    singles = np.array([fitted(number, np.arange(TRAIN)) for number in range(members)])
    if not bootstrap:
        return singles, singles
    samples = random.integers(0, TRAIN, (members, TRAIN))
    return singles, np.array([fitted(number, sample) for number, sample in enumerate(samples)])


MODELS = {
    "trees": lambda seed: DecisionTreeClassifier(random_state=seed),
    "linear": lambda seed: LogisticRegression(max_iter=1000, random_state=seed),
}


def measure(arm, replicate):
    images, digits = load_digits(return_X_y=True)
    one, several, by_size = [], [], []
    for draw in range(replicate.scale.draws):
        order = replicate.seeds.generator("data", f"order {draw}").permutation(len(images))
        x, y = (images[order] / 16).astype("float32"), digits[order].astype("int32")
        data = Dataset.of("digits", x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:])
        if arm.name in MODELS:
            singles, members = bagged(MODELS[arm.name], data, replicate, draw)
        else:
            singles, members = networks(data, replicate, draw, arm.name != "networks")

        def errors(probabilities, labels=y):
            wrong = probabilities.argmax(axis=-1) != labels
            return 100 * np.array([wrong[:TRAIN].mean(), wrong[TRAIN:].mean()])

        one.append(np.mean([errors(single) for single in singles], axis=0))
        averages = np.cumsum(members, axis=0)
        by_size.append([errors(average)[1] for average in averages])
        several.append(errors(averages[-1]))
    (fitted, error), (fitted_by_all, error_of_all) = np.mean(one, axis=0), np.mean(several, axis=0)
    metrics = {
        "error": error,
        "ensemble_error": error_of_all,
        "gained": 100 * (error - error_of_all) / error,
        "gap": error - fitted,
        "ensemble_gap": error_of_all - fitted_by_all,
    }
    curves = {"ensemble": np.mean(by_size, axis=0)}
    return Measurement(metrics, curves | {"one_model": [error] * len(curves["ensemble"])})


def closes(arm):
    return metric(arm, "ensemble_gap") < metric(arm, "gap")


CLAIMS = (
    rule("networks-overfit-less")
    .says("Of networks' average test and training error differ by less than of one network.")
    .must(closes("networks")),
    rule("trees-gain-more")
    .says("An ensemble takes away a larger share of the test error of trees than of networks.")
    .must(metric("trees", "gained") > metric("networks", "gained")),
    detail("trees-gain-more-than-bagged-networks")
    .says("So it is where the networks have bootstrap samples, as the trees do.")
    .must(metric("trees", "gained") > metric("bagged-networks", "gained")),
    detail("trees-overfit-less")
    .says("The average of trees overfits less than one tree, too.")
    .must(closes("trees")),
    detail("linear-gains-less", "Breiman (1996), Bagging predictors", expectation="MIXED")
    .says("Not all other learning gains: of linear models a smaller share than of networks.")
    .must(metric("linear", "gained") < metric("networks", "gained")),
)

RECIPE = Recipe(
    slug="ensembles-elsewhere",
    version=2,
    question="Do ensembles help other kinds of models more than networks?",
    sources=Source("dl-recap-slides", "Over and Under Fitting"),
    arms=(
        Arm("networks", "networks with weights and batches of their own"),
        Arm("bagged-networks", "such networks of bootstrap samples"),
        Arm("trees", "decision trees of bootstrap samples"),
        Arm("linear", "logistic regressions of bootstrap samples"),
    ),
    scales=(
        Scale("quick", draws=3, members=10, epochs=40),
        Scale("full", draws=10, members=50, epochs=100),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Ensembles of trees, networks and linear models",
        Panel(("ensemble", "one_model"), "test error (percent)"),
        columns="arms",
    ),
    metrics=(
        Metric("ensemble", "test error of the first models averaged", "percent", "models averaged"),
        Metric("one_model", "test error of one model of all images", "percent", "models averaged"),
        Metric("error", "test error of one model", "percent"),
        Metric("ensemble_error", "test error of the ensemble", "percent"),
        Metric("gained", "share of the test error that the ensemble takes away", "percent"),
        Metric("gap", "test error minus training error of one model", "points"),
        Metric("ensemble_gap", "test error minus training error of the ensemble", "points"),
    ),
)
