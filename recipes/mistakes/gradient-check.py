"""Gradients written by hand must agree with numerical ones, which finds those that are wrong.

Source: "Training practice" (slides), slide "High Training Error: Debugging"; the thresholds 1e-7,
        1e-4 and 1e-2 are those of the CS231n notes, not of the slide
Data:   none (ten standard normal points in five random classes)
Cost:   quick 5 s per replicate, full 23 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run gradient-check --scale full

8-12-5 with a penalty; the numerical gradient is (f(w + h) - f(w - h)) / 2 h, h = 1e-5 where nothing
is said. The error is |by hand - numerical| over the larger norm, for the worst of four arrays of
weights; that of a replicate is the geometric mean of its draws.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, argmin
from keras_reprise import between, detail, gradients, metric, minimum, rule

PENALTY, STEPS = 0.1, tuple(10.0**-power for power in range(1, 13))


def loss_and_gradient(weights, x, y, arm):
    """The mean cross-entropy with its penalty, and the gradient by hand with the arm's mistake."""
    kernel1, bias1, kernel2, bias2 = weights
    before = x @ kernel1 + bias1
    hidden = np.tanh(before) if arm.smooth else np.maximum(before, 0)
    slope = 1 - hidden**2 if arm.smooth else before > 0
    logits = hidden @ kernel2 + bias2
    logits = logits - logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(len(y)), y].mean()
    loss += 0.5 * arm.penalty * ((kernel1**2).sum() + (kernel2**2).sum())
    back = np.exp(log_p)
    back[np.arange(len(y)), y] -= 1
    back /= 1 if arm.mistake == "not-averaged" else len(y)
    further = back @ kernel2.T * (1 if arm.mistake == "slope-left-out" else slope)
    penalty = 0.0 if arm.mistake == "penalty-left-out" else arm.penalty
    of_kernel1, of_kernel2 = x.T @ further + penalty * kernel1, hidden.T @ back + penalty * kernel2
    return loss, [of_kernel1, further.sum(axis=0), of_kernel2, back.sum(axis=0)]


def by_backend(weights, x, y):
    """The gradient of the same network by Keras, in float64 where the backend has it."""
    precision = "float32" if keras.backend.backend() == "jax" else "float64"
    model = keras.Sequential([keras.Input((x.shape[1],), dtype=precision)])
    for units, activation in ((12, "tanh"), (5, None)):
        options = {"dtype": precision, "kernel_initializer": "zeros"}
        model.add(keras.layers.Dense(units, activation, **options))
    model.set_weights(weights)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype=precision)
    return list(gradients(model, [x.astype(precision)], y, loss).weights.values())


def numerical(weights, x, y, arm, step):
    found = [np.zeros_like(array) for array in weights]
    for array, slopes in zip(weights, found, strict=True):
        for place in np.ndindex(array.shape):
            kept, losses = array[place], []
            for side in (step, -step):
                array[place] = kept + array.dtype.type(side)
                losses.append(loss_and_gradient(weights, x, y, arm)[0])
            array[place] = kept
            slopes[place] = (losses[0] - losses[1]) / (2 * step)
    return found


def error(one, other):
    norms = (np.linalg.norm(one - other), np.linalg.norm(one), np.linalg.norm(other))
    return norms[0] / max(norms[1:])


def measure(arm, replicate):
    draw, rows = replicate.seeds.generator("data"), []
    for _ in range(replicate.scale.draws):
        x, y = draw.standard_normal((10, 8)).astype(arm.precision), draw.integers(0, 5, 10)
        shapes = ((8, 12), (12,), (12, 5), (5,))
        weights = [0.5 * draw.standard_normal(shape).astype(arm.precision) for shape in shapes]
        if arm.mistake == "none-by-backend":
            given = by_backend(weights, x, y.astype("int32"))
        else:
            given = loss_and_gradient(weights, x, y, arm)[1]
        checks = (numerical(weights, x, y, arm, step) for step in STEPS)
        rows.append([max(map(error, given, check)) for check in checks])
    errors = np.exp(np.log(np.maximum(rows, 1e-300)).mean(axis=0))
    return Measurement({"error": errors[STEPS.index(1e-5)]}, {"step": STEPS, "errors": errors})


MISTAKES = ("not-averaged", "slope-left-out", "penalty-left-out")
CLAIMS = (
    rule("right-agrees", kind="positive")
    .says("A right gradient agrees with the numerical one to 1e-7.")
    .must(metric("right", "error") < 1e-7),
    rule("wrong-is-found", kind="positive")
    .says("Each of three usual mistakes is off by more than 1e-2.")
    .must(minimum(*(metric(arm, "error") for arm in MISTAKES)) > 1e-2),
    detail("kinks-agree-less", kind="positive")
    .says("With the kinks of ReLU a right gradient agrees to 1e-4.")
    .must(metric("right-relu", "error") < 1e-4),
    detail("backend-agrees", kind="positive")
    .says("The gradient of Keras on this backend agrees to 1e-5.")
    .must(metric("by-backend", "error") < 1e-5),
    detail("single-precision-is-no-check", kind="positive")
    .says("In single precision a right gradient is off by more than 1e-4.")
    .must(metric("right-single", "error") > 1e-4),
    detail("step-neither-large-nor-small", kind="discrete")
    .says("The error is smallest at a step between the largest and the smallest.")
    .must(argmin("right", "errors"), between(2, len(STEPS) - 1)),
)


def arm(name, means, mistake="none", smooth=True, precision="float64", penalty=PENALTY):
    return Arm(name, means, mistake=mistake, smooth=smooth, precision=precision, penalty=penalty)


RECIPE = Recipe(
    slug="gradient-check",
    version=1,
    question="Does comparing with numerical gradients tell right gradients from wrong ones?",
    sources=Source("training-practice-slides", "High Training Error: Debugging"),
    arms=(
        arm("right", "tanh, by hand"),
        arm("right-relu", "ReLU, by hand", smooth=False),
        arm("right-single", "tanh, by hand, in float32", precision="float32"),
        arm("by-backend", "tanh, by Keras, no penalty", mistake="none-by-backend", penalty=0.0),
        arm("not-averaged", "summed over the points", mistake="not-averaged"),
        arm("slope-left-out", "without the slope of tanh", mistake="slope-left-out"),
        arm("penalty-left-out", "without that of the penalty", mistake="penalty-left-out"),
    ),
    scales=(Scale("quick", draws=3), Scale("full", draws=20)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Error by step", Panel("errors", log=True), x="step", x_log=True),
    metrics=(
        Metric("error", "relative error at the step 1e-5"),
        Metric("errors", "relative error of the gradient", per="step"),
        Metric("step", "step of the numerical gradient"),
    ),
)
