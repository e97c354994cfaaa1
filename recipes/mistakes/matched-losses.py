"""An output's nonlinearity and its loss belong together, as the likelihood of one distribution.

Source: "Training" (notes on hyper-parameters), section "Hyper parameters of model"
Data:   none (one unit's numbers before the nonlinearity, from -8 to 8)
Cost:   quick 10 s per replicate, full 2 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run matched-losses --scale full

Which pairs are meant is ours: normal, Bernoulli, categorical and Poisson. Matched, the gradient at
the unit is its output minus the target (twice that for Keras's squared error). Sixty steps at the
rate 0.5 from -8, where the unit is surely wrong, show what that is worth.
"""

import keras
import numpy as np
from scipy import stats

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import detail, equal, first, gradients, maximum, metric, rule

losses, Z = keras.losses, np.linspace(-8, 8, 65, dtype="float32")
LOSSES = {
    "squares": losses.MeanSquaredError,
    "binary": losses.BinaryCrossentropy,
    "categorical": losses.CategoricalCrossentropy,
    "poisson": losses.Poisson,
}


def likelihood(arm, output, target):
    """The negative log-likelihood of the target (k,) for the output (k,), by SciPy."""
    if arm.name == "normal":
        return -stats.norm.logpdf(target[0], output[0], 0.5**0.5)
    if arm.name == "categorical":
        return -stats.multinomial.logpmf(target, 1, output / output.sum())
    return -getattr(stats, arm.name).logpmf(target[0], output[0])


def unit(arm):
    """One unit, or three, with this nonlinearity on what they are given."""
    width = 3 if arm.loss == "categorical" else 1
    one = keras.layers.Dense(width, arm.output, use_bias=False, kernel_initializer="identity")
    return keras.Sequential([keras.Input((width,)), one])


def padded(z, width):
    """`z` for the first unit, 0 for the others: (n, width)."""
    return np.pad(np.reshape(z, (-1, 1)), ((0, 0), (0, width - 1))).astype("float32")


def measure(arm, replicate):
    model, loss = unit(arm), LOSSES[arm.loss]()
    inputs = padded(Z, model.output_shape[-1])
    targets = np.zeros_like(inputs) + np.eye(inputs.shape[1], dtype="float32")[0]
    outputs = keras.ops.convert_to_numpy(model(inputs)).astype("float64")
    gradient = len(Z) * gradients(model, [inputs], targets, loss).inputs[0]
    metrics = {"off_error": np.abs(gradient - arm.factor * (outputs - targets)).max()}
    if arm.matched:
        metrics["off_likelihood"] = np.ptp(
            [
                float(loss(target[None], output[None])) - likelihood(arm, output, target)
                for target, output in zip(targets, outputs, strict=True)
            ]
        )
    z, path = -8.0, []
    for _ in range(60):
        here = padded([z], inputs.shape[1])
        path.append(float(keras.ops.convert_to_numpy(model(here))[0, 0]))
        z -= 0.5 * float(gradients(model, [here], targets[:1], loss).inputs[0][0, 0])
    metrics["still_wrong"] = 1 - path[-1]
    curves = {"z": Z, "pull": np.abs(gradient[:, 0]), "path": path}
    return Measurement(metrics, curves)


MATCHED = ("normal", "bernoulli", "categorical", "poisson")
EXACT = {"kind": "exact", "expectation": "MATH"}
CLAIMS = (
    rule("gradient-is-the-error", **EXACT)
    .says("With matched pairs the gradient is the output minus the target, however wrong it is.")
    .must(maximum(*(metric(arm, "off_error") for arm in MATCHED)), between(0.0, 1e-3)),
    rule("loss-is-the-likelihood", **EXACT)
    .says("The loss of a matched pair is its distribution's negative log-likelihood.")
    .must(maximum(*(metric(arm, "off_likelihood") for arm in MATCHED)), between(0.0, 1e-3)),
    detail("sigmoid-with-squares-has-no-pull", **EXACT)
    .says("A sigmoid with squared error hardly pulls at a unit that is surely wrong.")
    .must(first("sigmoid-squares", "pull") < 0.01),
    detail("matched-sigmoid-pulls", **EXACT)
    .says("With cross-entropy it pulls with nearly all of the error, which is 1.")
    .must(first("bernoulli", "pull") > 0.99),
    detail("rectifier-has-no-gradient", **EXACT)
    .says("A rectifier that is off at the output has no gradient to correct it.")
    .must(first("rectifier-squares", "pull"), equal(0)),
    detail("mismatched-stays-wrong", kind="exact")
    .says("After 60 steps the sigmoid with squared error is still wrong, by more than a half.")
    .must(metric("sigmoid-squares", "still_wrong") > 0.5),
    detail("matched-is-right", kind="exact")
    .says("With cross-entropy it is right, to a tenth.")
    .must(metric("bernoulli", "still_wrong") < 0.1),
)


def arm(name, means, output, loss, factor=1):
    settings = {"output": output, "loss": loss, "factor": factor}
    return Arm(name, means, matched=name in MATCHED, **settings)


RECIPE = Recipe(
    slug="matched-losses",
    version=1,
    question="Which loss belongs to which nonlinearity of the output, and what if it does not?",
    sources=Source("hyperparameters-notes", "Hyper parameters of model"),
    arms=(
        arm("normal", "no nonlinearity, squared error", "linear", "squares", factor=2),
        arm("bernoulli", "sigmoid, binary cross-entropy", "sigmoid", "binary"),
        arm("categorical", "softmax, cross-entropy", "softmax", "categorical"),
        arm("poisson", "exponential, Poisson loss", "exponential", "poisson"),
        arm("sigmoid-squares", "sigmoid, squared error", "sigmoid", "squares"),
        arm("rectifier-squares", "ReLU, squared error", "relu", "squares"),
    ),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Pull towards the target 1", Panel("pull", log=True), x="z"),
        Curves("Sixty steps from a sure mistake", Panel("path"), x_label="step"),
    ),
    metrics=(
        Metric("off_error", "largest distance of the gradient from the output's error"),
        Metric("off_likelihood", "range of the loss minus the negative log-likelihood", "nats"),
        Metric("still_wrong", "target minus output after 60 steps"),
        Metric("pull", "size of the gradient", per="number before the nonlinearity"),
        Metric("path", "output (target 1)", per="step"),
        Metric("z", "number before the nonlinearity"),
    ),
)
