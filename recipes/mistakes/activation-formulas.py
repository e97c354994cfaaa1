"""Six activation functions, each given by its formula, and none of them another one in Keras.

Source: "Deep Network Components & Training" (after CS231n), slides "Activation Functions" and
        "Leaky ReLU, Parametric Rectifier (PReLU)"; Varastey Yazdi, "Introduction to Deep Learning,
        Lecture 03", slide "Activation Functions"
Data:   none (1,001 numbers from -10 to 10)
Cost:   quick 1 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run activation-formulas --scale full

Keras has no maxout: it is the larger of a dense layer's two units, of which one input is shown.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import detail, maximum, metric, rule

X = np.linspace(-10, 10, 1001, dtype="float32")
KERNEL, BIAS = [[0.5, -1.0]], [1.0, 2.0]


def maxout(x):
    pieces = keras.layers.Dense(2, kernel_initializer="zeros")
    pieces.build((None, 1))
    pieces.set_weights([np.array(KERNEL), np.array(BIAS)])
    return keras.ops.max(pieces(x[:, None]), axis=1)


KERAS = {
    "sigmoid": keras.ops.sigmoid,
    "tanh": keras.ops.tanh,
    "relu": keras.ops.relu,
    "leaky-relu": keras.layers.LeakyReLU(0.1),
    "other-leaky-relu": keras.layers.LeakyReLU(0.01),
    "maxout": maxout,
    "elu": keras.ops.elu,
}
FORMULAS = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    "relu": lambda x: np.maximum(0, x),
    "leaky-relu": lambda x: np.maximum(0.1 * x, x),
    "other-leaky-relu": lambda x: np.maximum(0.01 * x, x),
    "maxout": lambda x: np.maximum(0.5 * x + 1, -1.0 * x + 2),
    "elu": lambda x: np.where(x >= 0, x, np.exp(x) - 1),
}


def slope(layer):
    """By how much the layer multiplies -1."""
    return float(-keras.ops.sum(layer(np.array([-1.0], "float32"))))


def measure(arm, replicate):
    given = keras.ops.convert_to_numpy(KERAS[arm.name](keras.ops.convert_to_tensor(X)))
    metrics = {"off": np.abs(given - FORMULAS[arm.name](X.astype("float64"))).max()}
    if arm.name == "leaky-relu":
        metrics["unsaid_slope"] = slope(keras.layers.LeakyReLU())
        metrics["unsaid_slope_of_function"] = slope(keras.activations.leaky_relu)
    return Measurement(metrics, {"x": X[::10], "value": given[::10]})


LEAKY = "Leaky ReLU, Parametric Rectifier (PReLU)"
ARMS = (
    Arm("sigmoid", "1 / (1 + exp(-x))"),
    Arm("tanh", "hyperbolic tangent"),
    Arm("relu", "max(0, x)"),
    Arm("leaky-relu", "max(0.1 x, x)"),
    Arm("maxout", "max(x / 2 + 1, 2 - x)"),
    Arm("elu", "x, and exp(x) - 1 below 0"),
)
CLAIMS = (
    rule("all-six-by-formula", kind="exact", expectation="MATH")
    .says("Keras gives all six functions as their formulas do.")
    .must(maximum(*(metric(arm.name, "off") for arm in ARMS)), between(0.0, 2e-6)),
    detail("unsaid-slope-differs", kind="exact")
    .says("Where no slope is said Keras's leaky ReLU has not the printed 0.1.")
    .must(abs(metric("leaky-relu", "unsaid_slope") - 0.1) > 0.05),
    detail("unsaid-slope-of-function-differs", kind="exact")
    .says("Nor has Keras's function.")
    .must(abs(metric("leaky-relu", "unsaid_slope_of_function") - 0.1) > 0.05),
    detail("other-slope-by-formula", LEAKY, kind="exact", expectation="MATH")
    .says("With the slope 0.01 of another slide it is as its formula, too.")
    .must(metric("other-leaky-relu", "off"), between(0.0, 2e-6)),
)

RECIPE = Recipe(
    slug="activation-formulas",
    version=1,
    question="Are Keras's activation functions those that the slides give formulas of?",
    sources=(
        Source("cs231n-slides", "Activation Functions"),
        Source("cs231n-slides", LEAKY),
        Source("dl-recap-slides", "Activation Functions"),
    ),
    arms=(*ARMS, Arm("other-leaky-relu", "max(0.01 x, x)")),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Six functions", Panel("value"), x="x"),
    metrics=(
        Metric("off", "largest distance from the formula"),
        Metric("unsaid_slope", "slope of Keras's layer where none is said"),
        Metric("unsaid_slope_of_function", "slope of Keras's function where none is said"),
        Metric("value", "f(x)", per="x"),
        Metric("x", "x"),
    ),
)
