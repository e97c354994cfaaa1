"""The multi-class hinge loss is the sums of its formula, and a penalty comes on top of it.

Source: "Deep Network Components & Training" (after CS231n),
        slide "Common regularization techniques"
Data:   cifar10, standardised, flattened
Cost:   quick 13 s per replicate, full 28 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run hinge-initial-loss --scale full

The slide has the formula and three penalties. The start is ours, the twin of sanity-initial-loss:
with weights of a deviation of 1e-4 all scores are equal, and each of nine wrong classes lacks the
whole margin of 1. Keras's own hinge takes the largest wrong score alone. Training, of a linear
classifier, starts from a deviation of 0.01.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Panel, Recipe, Scale
from keras_reprise import Source, detail, equal, evaluate, maximum, metric, near, rule, train

TINY = 1e-4


class MulticlassHinge(keras.losses.Loss):
    """For each wrong class by how much its score lacks the margin of 1; `y` is one-hot (n, k)."""

    def call(self, y, scores):
        right = keras.ops.sum(y * scores, axis=1, keepdims=True)
        return keras.ops.sum((1 - y) * keras.ops.maximum(scores - right + 1, 0), axis=1)


def by_formula(y, scores):
    """The slide's two sums, term by term, for classes `y` (n,)."""
    terms = [
        max(0, row[wrong] - row[right] + 1)
        for right, row in zip(y, scores, strict=True)
        for wrong in range(len(row))
        if wrong != right
    ]
    return sum(terms) / len(y)


def classifier(arm, seeds, data, deviation):
    scores = keras.layers.Dense(
        data.classes,
        kernel_initializer=keras.initializers.RandomNormal(0, deviation, seeds.weights("scores")),
        kernel_regularizer=keras.regularizers.L1L2(arm.l1, arm.l2),
    )
    return keras.Sequential([keras.Input(data.image_shape), scores])


def measure(arm, replicate):
    data, seeds = replicate.dataset().standardised().flattened(), replicate.seeds
    one_hot = np.eye(data.classes, dtype="float32")
    labels, hinge = one_hot[data.y_train], MulticlassHinge()
    tiny, model = (classifier(arm, seeds, data, deviation) for deviation in (TINY, 1e-2))
    scores, y = seeds.generator("data").standard_normal((200, data.classes)), data.y_train[:200]
    x, kernel = data.x_train[:100], model.get_weights()[0]
    first = evaluate(model, x, labels[:100], hinge)[0].mean()
    first += arm.l1 * np.abs(kernel).sum() + arm.l2 * (kernel**2).sum()
    history = train(
        model,
        Dataset.of("one-hot", data.x_train, labels, data.x_test, one_hot[data.y_test]),
        replicate,
        optimizer=keras.optimizers.SGD(1e-4),
        loss=hinge,
        order=Order("stored"),
        epochs=replicate.scale.epochs,
    )
    metrics = {
        "off_formula": abs(float(hinge(one_hot[y], scores)) - by_formula(y, scores)),
        "off_sum": abs(history.update_losses[0] / first - 1),
        "initial": evaluate(tiny, x, labels[:100], hinge)[0].mean(),
        "initial_of_keras": float(keras.losses.CategoricalHinge()(labels[:100], tiny(x))),
        "squares": (model.get_weights()[0] ** 2).sum(),
    }
    return Measurement(metrics, history.curves, diverged=history.diverged)


PENALISED = ("l2", "l1", "elastic-net")
CLAIMS = (
    rule("loss-is-the-formula", kind="exact", expectation="MATH")
    .says("The loss in Keras's operations is the slide's two sums, term by term.")
    .must(metric("none", "off_formula") < 1e-4, equal(1)),
    rule("penalty-on-top", kind="exact", expectation="MATH")
    .says("With each of three penalties training starts at the sum of hinge loss and penalty.")
    .must(maximum(*(metric(arm, "off_sum") for arm in PENALISED)) < 1e-4, equal(1)),
    detail("starts-at-nine", expectation="MATH")
    .says("With ten classes and tiny weights the hinge loss is 9.")
    .must(metric("none", "initial"), near(9.0, absolute=0.05)),
    detail("keras-starts-at-one", expectation="MATH")
    .says("Keras's CategoricalHinge, the largest wrong score alone, is 1: another loss.")
    .must(metric("none", "initial_of_keras"), near(1.0, absolute=0.05)),
    detail("l2-keeps-weights-small", kind="positive")
    .says("Trained with the penalty of squares the weights are smaller.")
    .must(metric("l2", "squares") / metric("none", "squares") < 1.0),
)

RECIPE = Recipe(
    slug="hinge-initial-loss",
    version=1,
    question="Is the hinge loss with a penalty what its formula says, and where does it start?",
    sources=Source("cs231n-slides", "Common regularization techniques"),
    data="cifar10",
    arms=(
        Arm("none", "no penalty", l1=0.0, l2=0.0),
        Arm("l2", "0.1 times the sum of squares", l1=0.0, l2=0.1),
        Arm("l1", "0.1 times the sum of sizes", l1=0.1, l2=0.0),
        Arm("elastic-net", "0.1 times that of half the squares and the sizes", l1=0.1, l2=0.05),
    ),
    scales=(Scale("quick", n_train=5_000, n_test=1_000, epochs=5), Scale("full", epochs=10)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Hinge loss with penalties", (Panel("train_loss"), Panel("test_loss"))),
    metrics=(
        Metric("off_formula", "distance of the loss from the formula"),
        Metric("off_sum", "relative distance of the first loss from hinge loss plus penalty"),
        Metric("initial", "hinge loss before training"),
        Metric("initial_of_keras", "Keras's CategoricalHinge before training"),
        Metric("squares", "sum of the squared weights after training"),
        Metric("train_loss", "training loss with its penalty", per="epoch"),
        Metric("test_loss", "test loss", per="epoch"),
    ),
)
