"""Simple methods err alike; complex ones are right on average, and vary.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slides "Bias-Variance
        Trade-off"; why wide networks are apart: Neal et al. (2018)
Data:   none (points in the plane whose class is drawn with a known probability)
Cost:   quick 25 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run bias-variance --scale full

The slides name methods and no problem. Ours: two inputs, uniform on [-1, 1], and two classes whose
probability waves along the first. Each method is given many training sets of 200 points and says
how probable class 1 is at 1,000 others. Bias is the squared distance of its mean answer from the
true probability, variance that of single answers from their mean; a network starts from the same
weights on every set. Simple: linear and logistic regression, Gaussian naive Bayes. Complex: a tree
grown to the end, the nearest neighbour, a network trained long.
"""

import keras
import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import detail, mean, metric, rule, snapshot, train
from keras_reprise.models import dense_classifier

POINTS = 200
METHODS = {
    "linear": LinearRegression,
    "logistic": lambda: LogisticRegression(C=1e6),
    "naive-bayes": GaussianNB,
    "tree": lambda: DecisionTreeClassifier(random_state=1),
    "neighbour": lambda: KNeighborsClassifier(1),
    "neighbours": lambda: KNeighborsClassifier(15),
}
SIMPLE, COMPLEX = ("linear", "logistic", "naive-bayes"), ("tree", "neighbour", "network")


def probability(x):
    """That of class 1 at the points x (..., 2)."""
    return 1 / (1 + np.exp(-4 * np.sin(4 * x[..., 0]) - 2 * x[..., 1]))


def fitted(name):
    """A method's answers at other points, given a training set."""

    def answers(x, y, others):
        method = METHODS[name]().fit(x, y)
        return method.predict(others) if name == "linear" else method.predict_proba(others)[:, 1]

    return answers


def trained(units, replicate):
    """The same of a network, trained from the same initial weights on every set."""
    model, adam = dense_classifier(replicate.seeds, 2, [units], 2), keras.optimizers.Adam(0.01)
    restart, options = snapshot(model, adam), {"batch_size": 50, "order": Order(passes=50)}

    def answers(x, y, others):
        restart()
        data = Dataset.of("points", x, y, x[:50], y[:50])
        train(model, data, replicate, optimizer=adam, epochs=replicate.scale.looks, **options)
        return keras.ops.convert_to_numpy(keras.ops.softmax(model(others)))[:, 1]

    return answers


def measure(arm, replicate):
    draw, draws = replicate.seeds.generator("data"), replicate.scale.draws
    others = draw.uniform(-1, 1, (1000, 2)).astype("float32")
    x = draw.uniform(-1, 1, (draws, POINTS, 2)).astype("float32")
    y = (draw.random((draws, POINTS)) < probability(x)).astype("int32")
    method = trained(arm.units, replicate) if arm.units else fitted(arm.name)
    answers = np.array([method(*one, others) for one in zip(x, y, strict=True)], "float64")
    variance = answers.var(axis=0, ddof=1).mean()
    bias = ((answers.mean(axis=0) - probability(others)) ** 2).mean() - variance / draws
    found = {"bias": bias, "variance": variance, "error": bias + variance}
    return Measurement(found, {name: [value] for name, value in found.items()})


def of(methods, name):
    return mean(*(metric(method, name) for method in methods))


CLAIMS = (
    rule("simple-are-wrong-on-average")
    .says("Simple methods agree more than they are right: their bias is above their variance.")
    .must(of(SIMPLE, "bias") > of(SIMPLE, "variance")),
    rule("complex-differ")
    .says("Complex methods are right on average and differ: their variance is above their bias.")
    .must(of(COMPLEX, "variance") > of(COMPLEX, "bias")),
    rule("simple-vary-less")
    .says("Linear, logistic and naive Bayes models vary less than trees, neighbours and networks.")
    .must(of(SIMPLE, "variance") < of(COMPLEX, "variance")),
    rule("complex-less-biased")
    .says("Trees, neighbours and networks are less biased than they.")
    .must(of(COMPLEX, "bias") < of(SIMPLE, "bias")),
    detail("one-neighbour-varies-more")
    .says("One neighbour varies more than the mean of fifteen.")
    .must(metric("neighbour", "variance") > metric("neighbours", "variance")),
    detail("one-neighbour-less-biased")
    .says("And is less biased.")
    .must(metric("neighbour", "bias") < metric("neighbours", "bias")),
    detail("wide-network-varies-more", expectation="MIXED")
    .says("A network of 512 units varies more than one of 32.")
    .must(metric("wide-network", "variance") > metric("network", "variance")),
)

RECIPE = Recipe(
    slug="bias-variance",
    version=1,
    question="Do simple methods err alike, and complex ones each in its own way?",
    sources=Source("dl-recap-slides", "Bias-Variance Trade-off"),
    arms=(
        Arm("linear", "linear regression", units=0),
        Arm("logistic", "logistic regression", units=0),
        Arm("naive-bayes", "Gaussian naive Bayes", units=0),
        Arm("tree", "a decision tree, grown to the end", units=0),
        Arm("neighbour", "the nearest neighbour", units=0),
        Arm("neighbours", "fifteen neighbours", units=0),
        Arm("network", "32 hidden units", units=32),
        Arm("wide-network", "512 hidden units", units=512),
    ),
    scales=(Scale("quick", draws=20, looks=6), Scale("full", draws=200, looks=20)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Variance and bias of eight methods", "variance", x="bias"),
    metrics=(
        Metric("bias", "squared bias"),
        Metric("variance", "variance over training sets"),
        Metric("error", "squared distance from the true probability"),
    ),
)
