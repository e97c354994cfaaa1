"""A sigmoid's outputs are all positive, so the gradients of all weights into a unit have one sign.

Source: "Deep Network Components & Training" (after CS231n), slide "Sigmoid"
Data:   none (standard normal inputs)
Cost:   quick 3 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run gradient-signs --scale full

The slide says that the outputs are not centred; what follows from it stands in the course's notes,
which add that a batch's sum may have both signs again. Twenty inputs, two hidden layers of 50
units, ten classes, weights by Xavier; the weights are those into the second layer. A unit without
any gradient (a ReLU that is off) is not counted.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, between, detail
from keras_reprise import first, gradients, last, near, rule
from keras_reprise.activations import FORMULAS, activation_layer

INPUTS, UNITS, CLASSES = 20, 50, 10
BATCHES = (1, 2, 5, 10, 20, 50, 100)


def network(name, seeds):
    model = keras.Sequential([keras.Input((INPUTS,))])
    for layer in ("first", "second"):
        kernel = keras.initializers.GlorotUniform(seeds.weights(layer))
        model.add(keras.layers.Dense(UNITS, kernel_initializer=kernel, name=layer))
        model.add(activation_layer(name))
    kernel = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model.add(keras.layers.Dense(CLASSES, kernel_initializer=kernel))
    return model


def one_sign(found):
    """The share of units all of whose weights' gradients (..., weights, units) have one sign."""
    up, down = (found > 0).any(axis=-2), (found < 0).any(axis=-2)
    return (up != down).sum() / (up | down).sum()


def measure(arm, replicate):
    n, draw = replicate.scale.examples, replicate.seeds.generator("data")
    model = network(arm.name, replicate.seeds)
    x = draw.standard_normal((n, INPUTS), "float32")
    y = draw.integers(0, CLASSES, n).astype("int32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    each = [gradients(model, [x[i : i + 1]], y[i : i + 1], loss).weights for i in range(n)]
    found = np.array([weights["second/kernel"] for weights in each], float)
    shares = [one_sign(found.reshape(-1, size, UNITS, UNITS).mean(axis=1)) for size in BATCHES]
    return Measurement(curves={"batch": BATCHES, "one_sign": shares})


SINGLE = "Units with gradients of one sign, one example at a time"
CLAIMS = (
    rule("sigmoid-one-sign", kind="exact", expectation="MATH")
    .says("Fed by sigmoids, all weights into a unit have gradients of one sign.")
    .must(first("sigmoid", "one_sign"), near(1.0, absolute=1e-9), measures=SINGLE),
    detail("tanh-both-signs", kind="exact", expectation="MATH")
    .says("Fed by tanh, which is centred, they have both signs.")
    .must(first("tanh", "one_sign"), between(0.0, 1e-9), measures=SINGLE),
    detail("relu-one-sign", "ReLU (Rectified Linear Unit)", kind="exact", expectation="MATH")
    .says("The ReLU, not centred either, gives gradients of one sign, too.")
    .must(first("relu", "one_sign"), near(1.0, absolute=1e-9), measures=SINGLE),
    detail("batch-has-both-signs", "Course notes")
    .says("Summed over a batch of 100, the gradients of some units have both signs again.")
    .must(
        last("sigmoid", "one_sign") < 0.9, measures="Units with gradients of one sign, batch of 100"
    ),
)

RECIPE = Recipe(
    slug="gradient-signs",
    version=1,
    question="Have the gradients of all weights into a unit one sign if its inputs are positive?",
    sources=(
        Source("cs231n-slides", "Sigmoid"),
        Source("cs231n-slides", "ReLU (Rectified Linear Unit)"),
    ),
    arms=tuple(Arm(name, FORMULAS[name]) for name in ("sigmoid", "tanh", "relu", "leaky-relu")),
    scales=(Scale("quick", examples=200), Scale("full", examples=1_000)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Units whose weights all move one way", "one_sign", x="batch", x_log=True),
    metrics=(
        Metric("one_sign", "units with gradients of one sign", "share", "batch size"),
        Metric("batch", "examples in the batch"),
    ),
)
