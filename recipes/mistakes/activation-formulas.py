"""Six activation functions, each given by its formula, and none of them another one in Keras.

Source: "Deep Network Components & Training" (after CS231n), slides "Activation Functions" and
        "Leaky ReLU, Parametric Rectifier (PReLU)"; Varastey Yazdi, Lecture 03, on the same
Data:   none (1,001 numbers from -10 to 10)
Cost:   quick 6 s per replicate, full under 1 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run activation-formulas --scale full

Keras has no maxout: it is the larger of a dense layer's two units, of which one input is shown.
"""

import numpy as np
from keras import activations, layers, ops
from numpy import exp

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import detail, maximum, metric, rule

OTHER = "other-leaky-relu"
X = np.linspace(-10, 10, 1001, dtype="float32")


def maxout(x):
    pieces = layers.Dense(2, kernel_initializer="zeros")
    pieces.build((None, 1))
    pieces.set_weights([np.array([[0.5, -1.0]]), np.array([1.0, 2.0])])
    return ops.max(pieces(x[:, None]), axis=1)


FUNCTIONS = {  # in words, as Keras has it, and as the formula says
    "sigmoid": ("1 / (1 + exp(-x))", ops.sigmoid, lambda x: 1 / (1 + exp(-x))),
    "tanh": ("hyperbolic tangent", ops.tanh, lambda x: (exp(x) - exp(-x)) / (exp(x) + exp(-x))),
    "relu": ("max(0, x)", ops.relu, lambda x: np.maximum(0, x)),
    "leaky-relu": ("max(0.1 x, x)", layers.LeakyReLU(0.1), lambda x: np.maximum(0.1 * x, x)),
    "maxout": ("max(x / 2 + 1, 2 - x)", maxout, lambda x: np.maximum(0.5 * x + 1, -1.0 * x + 2)),
    "elu": ("x, and exp(x) - 1 below 0", ops.elu, lambda x: np.where(x >= 0, x, exp(x) - 1)),
    OTHER: ("max(0.01 x, x)", layers.LeakyReLU(0.01), lambda x: np.maximum(0.01 * x, x)),
}


def measure(arm, replicate):
    _, function, formula = FUNCTIONS[arm.name]
    given = ops.convert_to_numpy(function(ops.convert_to_tensor(X)))
    metrics = {"off": np.abs(given - formula(X.astype("float64"))).max()}
    if arm.name == "leaky-relu":  # by how much -1 is multiplied where no slope is said
        minus_one = np.array([-1.0], "float32")
        metrics["unsaid_slope"] = -float(layers.LeakyReLU()(minus_one)[0])
        metrics["unsaid_slope_of_function"] = -float(activations.leaky_relu(minus_one)[0])
    return Measurement(metrics, {"x": X[::10], "value": given[::10]})


LEAKY = "Leaky ReLU, Parametric Rectifier (PReLU)"
SIX = [metric(name, "off") for name in FUNCTIONS if name != OTHER]
CLAIMS = (
    rule("all-six-by-formula", kind="exact", expectation="MATH")
    .says("Keras gives all six functions as their formulas do.")
    .must(maximum(*SIX), between(0.0, 2e-6)),
    detail("unsaid-slope-differs", kind="exact")
    .says("Where no slope is said Keras's leaky ReLU has not the printed 0.1.")
    .must(abs(metric("leaky-relu", "unsaid_slope") - 0.1) > 0.05),
    detail("unsaid-slope-of-function-differs", kind="exact")
    .says("Nor has Keras's function.")
    .must(abs(metric("leaky-relu", "unsaid_slope_of_function") - 0.1) > 0.05),
    detail("other-slope-by-formula", LEAKY, kind="exact", expectation="MATH")
    .says("With the slope 0.01 of another slide it is as its formula, too.")
    .must(metric(OTHER, "off"), between(0.0, 2e-6)),
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
    arms=tuple(Arm(name, words) for name, (words, _, _) in FUNCTIONS.items()),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Six functions", Panel("value"), x="x"),
    metrics=(
        Metric("off", "largest distance from the formula"),
        Metric("unsaid_slope", "slope of Keras's layer where none is said"),
        Metric("unsaid_slope_of_function", "slope of Keras's function where none is said"),
        Metric("value", "f(x)", per="x"),
    ),
)
