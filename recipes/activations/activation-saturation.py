"""Saturated sigmoids and tanh let hardly any gradient through; the ReLU does for x > 0.

Source: "Deep Network Components & Training" (after CS231n), slides "Sigmoid" to "Leaky ReLU"
Data:   none (2,001 numbers from -100 to 100, 1,000 quantiles of the normal distribution)
Cost:   quick 2 s per replicate (2 cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run activation-saturation --scale full

Saturated: at 10 from zero and beyond. Hardly any gradient: less than a twentieth of the largest.
Centred: the mean over centred normal inputs. Activations in a row have weights of 1 between them.
"""

import keras
import numpy as np
from scipy.stats import norm

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import detail, gradients, last, metric, near, rule
from keras_reprise.activations import FORMULAS, activation_layer, forward

X = np.linspace(-100, 100, 2001, dtype="float32")
NORMAL = norm.ppf((np.arange(1000) + 0.5) / 1000).astype("float32")
ENDS, BELOW_ALL = np.array([3.0, -3.0], "float32"), np.float32(-1000)


def derivative(model, x):
    """Of the outputs of a model of one number with respect to its inputs `x` (n,)."""
    distance = keras.losses.MeanAbsoluteError(reduction="sum")  # from a number below all outputs
    found = gradients(model, [x[:, None]], np.full((len(x), 1), BELOW_ALL), distance)
    return found.inputs[0][:, 0]


def in_a_row(name, layers):
    return keras.Sequential([keras.Input((1,)), *map(activation_layer, [name] * layers)])


def measure(arm, replicate):
    layer = in_a_row(arm.name, 1)
    values, slopes = forward(layer, X[:, None])[0][:, 0], derivative(layer, X)
    rows = np.array([derivative(in_a_row(arm.name, n), ENDS) for n in range(1, 11)])
    metrics = {
        "lowest": values.min(),
        "highest": values.max(),
        "steepest": slopes.max(),
        "flattest": slopes.min(),
        "flattest_above_0": slopes[X > 0].min(),
        "steepest_below_0": slopes[X < 0].max(),
        "saturated": slopes[abs(X) > 9.99].max(),
        "mean_output": forward(layer, NORMAL[:, None])[0].mean(dtype=float),
    }
    shown = abs(X) <= 10
    curves = {"x": X[shown], "value": values[shown], "slope": slopes[shown]}
    return Measurement(metrics, curves | {"from_3": rows[:, 0], "from_minus_3": rows[:, 1]})


RELU, LEAKY = "ReLU (Rectified Linear Unit)", "Leaky ReLU, Parametric Rectifier (PReLU)"
WHERE = {"sigmoid": "Sigmoid", "tanh": "tanh"}
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
EXACT = {"kind": "exact", "expectation": "MATH"}
CLAIMS = (
    *(
        rule(f"{arm}-kills-gradients", where, **EXACT)
        .says(f"Where {arm} is saturated less than a twentieth of the gradient passes.")
        .must(metric(arm, "saturated") / metric(arm, "steepest") < 0.05)
        for arm, where in WHERE.items()
    ),
    rule("relu-does-not-saturate", RELU, **EXACT)
    .says("Above zero the ReLU lets all of the gradient pass, however large its input.")
    .must(metric("relu", "flattest_above_0"), near(1.0, absolute=1e-6)),
    rule("leaky-does-not-saturate", LEAKY, printed=0.01, **EXACT)
    .says("The leaky ReLU lets a hundredth of the gradient pass anywhere.")
    .must(metric("leaky-relu", "flattest"), near(0.01, absolute=1e-6)),
    *(
        rule(f"{arm}-{name}-end", WHERE[arm], printed=end, **EXACT)
        .says(f"The {name} end of the values of {arm} is {end:g}.")
        .must(metric(arm, f"{name}est"), near(end, absolute=1e-6))
        for arm, ends in RANGES.items()
        for name, end in zip(("low", "high"), ends, strict=True)
    ),
    rule("tanh-centred", "tanh", **EXACT)
    .says("The values of tanh are centred at zero.")
    .must(metric("tanh", "mean_output"), near(0.0, absolute=1e-6)),
    rule("relu-not-centred", RELU, **EXACT)
    .says("Those of the ReLU are not: its mean is at 0.4 for normal inputs.")
    .must(metric("relu", "mean_output") > 0.1),
    rule("leaky-cannot-die", LEAKY, **EXACT)
    .says("The gradient of a leaky ReLU is zero nowhere.")
    .must(metric("leaky-relu", "flattest") > 1e-3),
    detail("relu-passes-none-below", RELU, **EXACT)
    .says("Below zero the ReLU lets no gradient pass.")
    .must(metric("relu", "steepest_below_0"), between(0.0, 1e-12)),
    detail("sigmoid-steepest", "Sigmoid", **EXACT)
    .says("Even where it is steepest a sigmoid lets a quarter of the gradient pass.")
    .must(metric("sigmoid", "steepest"), near(0.25, absolute=1e-6)),
    detail("sigmoid-not-centred", "Sigmoid", **EXACT)
    .says("The sigmoid's values are not centred: its mean is near one half for normal inputs.")
    .must(metric("sigmoid", "mean_output") > 0.1),
    detail("leaky-ten-layers", LEAKY, **EXACT)
    .says("Ten leaky ReLUs in a row with a negative input let less pass than ten sigmoids.")
    .must(last("leaky-relu", "from_minus_3") / last("sigmoid", "from_minus_3") < 1.0),
)
WORDS = {
    "lowest": "lowest value",
    "highest": "highest value",
    "steepest": "largest derivative",
    "flattest": "smallest derivative",
    "saturated": "largest derivative at 10 and beyond",
    "steepest_below_0": "largest derivative below zero",
    "flattest_above_0": "smallest derivative above zero",
    "mean_output": "mean value for normal inputs",
}
ROW = Panel("from_3", log=True), Panel("from_minus_3", log=True)

RECIPE = Recipe(
    slug="activation-saturation",
    version=1,
    question="Which activation functions let gradients pass, and where do their values lie?",
    sources=tuple(Source("cs231n-slides", title) for title in ("Sigmoid", "tanh", RELU, LEAKY)),
    arms=tuple(Arm(name, FORMULAS[name]) for name in ("sigmoid", "tanh", "relu", "leaky-relu")),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Functions and derivatives", (Panel("value", top=2.0), "slope"), x="x"),
        Curves("What passes through activations in a row", ROW),
    ),
    metrics=(
        *(Metric(name, words) for name, words in WORDS.items()),
        Metric("value", "f(x)", per="x"),
        Metric("slope", "derivative", per="x"),
        Metric("from_3", "gradient that passes, input 3", per="activations in a row"),
        Metric("from_minus_3", "gradient that passes, input -3", per="activations in a row"),
    ),
)
