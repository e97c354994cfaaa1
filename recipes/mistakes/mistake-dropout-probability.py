"""A dropout probability that is left unset, or read the wrong way round, costs accuracy.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slides "Common Mistakes" and
        "Dropout Regularization"
Data:   cifar10, standardised, flattened
Cost:   quick 29 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 3 min (one of two workers, Intel Xeon)
Replay: reprise run mistake-dropout-probability --scale full

The slides' p is the probability to keep a unit, Keras's rate that to drop it. Meant is to keep 0.8;
0.8 as the rate is the wrong way round. Keras wants a rate; PyTorch, in which the lecture programs,
takes one half where nothing is said. Two hidden layers of 256, dropout after each, are ours.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import equal, metric, near, rule, train

KEEP = 0.8


def network(rate, seeds, features, classes):
    model = keras.Sequential([keras.Input((features,))])
    for name in ("hidden1", "hidden2"):
        kernel = keras.initializers.GlorotUniform(seeds.weights(name))
        model.add(keras.layers.Dense(256, "relu", kernel_initializer=kernel))
        model.add(keras.layers.Dropout(rate, seed=seeds.integer("dropout", name)))
    kernel = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model.add(keras.layers.Dense(classes, kernel_initializer=kernel))
    return model


def kept(rate, seeds):
    """Of 400,000 units: the share that one pass keeps, and the share that two passes keep."""
    dropout, ones = keras.layers.Dropout(rate, seed=seeds.integer("dropout")), np.ones((400, 1000))
    one, other = (keras.ops.convert_to_numpy(dropout(ones, training=True)) > 0 for _ in range(2))
    return {"kept": one.mean(), "kept_twice": (one & other).mean()}


def refused_unset():
    """Whether Keras refuses a dropout layer that is not told its rate."""
    try:
        keras.layers.Dropout()
    except TypeError:
        return True
    return False


def measure(arm, replicate):
    data = replicate.dataset().standardised().flattened()
    model = network(arm.rate, replicate.seeds, data.image_shape[0], data.classes)
    sgd = keras.optimizers.SGD(0.01, momentum=0.9)
    history = train(model, data, replicate, optimizer=sgd, epochs=replicate.scale.epochs)
    metrics = history.last | kept(arm.rate, replicate.seeds) | {"refused": float(refused_unset())}
    return Measurement(metrics, history.curves, diverged=history.diverged)


def lost(arm):
    return 100 * (metric(arm, "test_error") - metric("meant", "test_error"))


DROPOUT = "Dropout Regularization"
CLAIMS = (
    rule("wrong-way-round-costs-accuracy")
    .says("Dropping with the probability to keep costs accuracy.")
    .must(lost("wrong-way-round") > 0),
    rule("unset-costs-accuracy", expectation="MIXED")
    .says("A probability left at one half, where less was meant, costs accuracy.")
    .must(lost("unset") > 0),
    detail("none-costs-accuracy", expectation="MIXED")
    .says("No dropout at all costs accuracy.")
    .must(lost("none") > 0),
    detail("keras-refuses-unset", kind="exact", expectation="MATH")
    .says("Keras does not make a dropout layer without its rate.")
    .must(metric("unset", "refused"), equal(1)),
    detail("rate-is-dropped", DROPOUT, expectation="MATH")
    .says("Keras's rate 0.8 keeps a fifth of the units.")
    .must(metric("wrong-way-round", "kept"), near(1 - KEEP, absolute=0.005)),
    detail("keeps-with-p", DROPOUT, expectation="MATH")
    .says("Keras's rate 0.2 keeps four fifths of the units, as p = 0.8 does.")
    .must(metric("meant", "kept"), near(KEEP, absolute=0.005)),
    detail("each-pass-anew", DROPOUT, expectation="MATH")
    .says("Each forward pass draws anew: two passes both keep p squared of the units.")
    .must(metric("meant", "kept_twice"), near(KEEP**2, absolute=0.005)),
)

ERROR = Panel("test_error")

RECIPE = Recipe(
    slug="mistake-dropout-probability",
    version=1,
    question="What does it cost to forget dropout's probability, or to take it the wrong way?",
    sources=(Source("dl-recap-slides", "Common Mistakes"), Source("dl-recap-slides", DROPOUT)),
    data="cifar10",
    arms=(
        Arm("meant", "0.8 kept: rate 0.2", rate=0.2),
        Arm("wrong-way-round", "rate 0.8", rate=0.8),
        Arm("unset", "rate 0.5, PyTorch's own", rate=0.5),
        Arm("none", "rate 0", rate=0.0),
    ),
    scales=(Scale("quick", n_train=5_000, n_test=2_000, epochs=12), Scale("full", epochs=20)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training with four rates of dropout", ("train_loss", ERROR)),
    metrics=(
        Metric("kept", "share of units that a pass keeps"),
        Metric("kept_twice", "share of units that two passes keep"),
        Metric("refused", "number of refusals"),
    ),
)
