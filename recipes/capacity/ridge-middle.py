"""A penalty on coefficients predicts best at a middle strength, not the smallest or largest.

Source: "Deep Network Components & Training", slide "How does regularization works?"
Data:   none (noisy points of a parabola)
Cost:   quick 2 s per replicate, full 5 s (2 cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run ridge-middle --scale full

The loss is the printed one: the squared errors summed, plus lambda times the squares of all
coefficients but the constant. The document names no points, degree or lambda. Those here are the
twelve points of polynomial-degrees, degree 9, and powers of ten from 1e-8 to 1e4. In each draw
lambda is chosen on twelve further points, and judged on others. Keras's L2 is compared at random.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, curve
from keras_reprise import detail, equal, first, last, metric, near, rule
from keras_reprise.search import log_grid

POINTS, NOISE, DEGREE, LAMBDAS = 12, 0.2, 9, log_grid(1e-8, 1e4, 13)


def powers(x):
    """The powers 1 to 9 of `x` (n,): shape (n, 9). The constant is a bias."""
    return x[:, None] ** np.arange(1, DEGREE + 1)


def fitted(x, y, strength):
    """Constant and coefficients (10, draws) of the lowest penalised loss on `y` (n, draws)."""
    penalty = np.sqrt(strength) * np.eye(DEGREE + 1)[1:]
    rows = np.vstack([np.c_[np.ones(len(x)), powers(x)], penalty])
    return np.linalg.lstsq(rows, np.vstack([y, np.zeros((DEGREE, y.shape[1]))]))[0]


def of_keras(x, y, weights, strength):
    """The loss of points (n,), (n, 1) and coefficients (10,) by Keras, its bias not penalised."""
    layer = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(strength))
    model = keras.Sequential([keras.Input((DEGREE,)), layer])
    layer.set_weights([weights[1:, None], weights[:1]])
    squared = keras.losses.MeanSquaredError(reduction="sum")(y, model(powers(x)))
    return float(keras.ops.convert_to_numpy(squared + sum(model.losses)))


def measure(arm, replicate):
    draw, draws = replicate.seeds.generator("data"), replicate.scale.draws
    x, x_own, x_test = np.linspace(-1, 1, POINTS), *(draw.uniform(-1, 1, n) for n in (POINTS, 1000))
    y, y_own, y_test = (
        values[:, None] ** 2 + NOISE * draw.standard_normal((len(values), draws))
        for values in (x, x_own, x_test)
    )

    def errors(values, targets, fit):
        return ((fit[0] + powers(values) @ fit[1:] - targets) ** 2).mean(axis=0)

    fits = [fitted(x, y, strength) for strength in LAMBDAS]
    training, own, test = (
        np.array([errors(values, targets, fit) for fit in fits])
        for values, targets in ((x, y), (x_own, y_own), (x_test, y_test))
    )
    free, chosen = fitted(x, y, 0.0), own.argmin(axis=0)
    free_error, free_squares = errors(x, y, free).mean(), (free[1:] ** 2).sum(axis=0).mean()
    differences = []
    for strength, weights in zip(LAMBDAS, draw.standard_normal((13, DEGREE + 1)), strict=True):
        printed = POINTS * errors(x, y[:, :1], weights[:, None])[0]
        printed += strength * (weights[1:] ** 2).sum()
        differences.append(abs(of_keras(x, y[:, :1], weights, strength) / printed - 1))
    metrics = {
        "differs": max(differences),
        "error_grows": (np.diff(training, axis=0) > 0).mean(),
        "chosen_cost": test[chosen, np.arange(draws)].mean(),
    }
    curves = {
        "lambda": LAMBDAS,
        "training_cost": training.mean(axis=1),
        "test_cost": test.mean(axis=1),
        "free_loss": POINTS * free_error + np.multiply(LAMBDAS, free_squares),
        "constant_loss": np.full(len(LAMBDAS), POINTS * y.var(axis=0).mean()),
    }
    return Measurement(metrics, curves)


CONSTANT, TEST = curve("ridge", "constant_loss"), curve("ridge", "test_cost")
TRAINING = curve("ridge", "training_cost")
CLAIMS = (
    rule("middle-beats-the-smallest")
    .says("At a lambda chosen on other points the test error is below that at the smallest.")
    .must(metric("ridge", "chosen_cost") < first(TEST)),
    rule("middle-beats-the-largest")
    .says("And below that at the largest.")
    .must(metric("ridge", "chosen_cost") < last(TEST)),
    rule("keras-has-the-printed-loss", kind="exact")
    .says("Keras's L2 penalty of a layer's weights, its bias left out, gives the printed loss.")
    .must(metric("ridge", "differs") < 1e-5, equal(1)),
    rule("training-error-grows-with-lambda", kind="exact")
    .says("The error on the training points grows with lambda, at every step and in every draw.")
    .must(metric("ridge", "error_grows"), equal(1)),
    rule("largest-lambda-leaves-a-constant")
    .says("At the largest lambda the curve fits the training points as a constant, within 1 %.")
    .must(POINTS * last(TRAINING) / last(CONSTANT), near(1, relative=0.01)),
    rule("smallest-lambda-leaves-the-complex", kind="positive")
    .says("At the smallest its training error is less than a tenth of a constant's.")
    .must(POINTS * first(TRAINING) / first(CONSTANT) < 0.1),
    detail("penalty-makes-complex-cost-more")
    .says("At the largest lambda the unpenalised fit costs more than a constant.")
    .must(last("ridge", "free_loss") > last(CONSTANT)),
)

RECIPE = Recipe(
    slug="ridge-middle",
    version=1,
    question="Which strength of a penalty on the coefficients predicts best?",
    sources=Source("cs231n-slides", "How does regularization works?"),
    arms=(Arm("ridge", "degree 9 with the printed penalty"),),
    scales=(Scale("quick", draws=2_000), Scale("full", draws=20_000)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Mean squared error over lambda",
        Panel(("training_cost", "test_cost"), "mean squared error", log=True),
        x="lambda",
        x_log=True,
        columns="arms",
    ),
    metrics=(
        Metric("training_cost", "mean squared error on training points", "", "lambda"),
        Metric("test_cost", "mean squared error on test points", "", "lambda"),
        Metric("chosen_cost", "mean squared error on test points at the chosen lambda"),
        Metric("constant_loss", "penalised loss of the best constant", "", "lambda"),
        Metric("free_loss", "penalised loss of the least squares of degree 9", "", "lambda"),
        Metric("differs", "distance of Keras's loss over the printed one from 1"),
        Metric("error_grows", "share of steps and draws at which the error grows", "share"),
    ),
)
