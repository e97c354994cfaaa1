"""In a narrow valley a large learning rate makes weights bounce; a small one does not.

Source: Fleuret, Deep learning 5.6, slide "Regarding the learning rate, for training to succeed";
        "Training" (notes on hyper-parameters), section "Learning rate", on the factor of two
Data:   none (a quadratic valley with curvatures 16 across and 1 along)
Cost:   quick 3 s per replicate, full 13 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run lr-quadratic --scale full

One dense unit with two weights, two examples and the mean squared error are the loss
(16 across^2 + along^2) / 2. Keras's SGD multiplies a weight by 1 - rate * curvature each update.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import at, below_each, between, curve, detail, equal, last, metric, rule, train

ACROSS, ALONG, UPDATES = 16.0, 1.0, 100


def measure(arm, replicate):
    x = np.array([[ACROSS**0.5, 0], [0, ALONG**0.5]], "float32")
    valley = Dataset.of("valley", x, np.zeros(2, "float32"), x, np.zeros(2, "float32"))
    unit = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    history = train(
        keras.Sequential([keras.Input((2,)), unit]),
        valley,
        replicate,
        optimizer=keras.optimizers.SGD(),
        learning_rate=arm.rate,
        loss=keras.losses.MeanSquaredError(),
        batch_size=2,
        epochs=UPDATES,
        probe=lambda: dict(zip(("across", "along"), unit.get_weights()[0][:, 0], strict=True)),
        diverged_factor=None,
    )
    across = np.array(history.curves["across"])[-UPDATES:]
    bounces = (np.diff(np.sign([1.0, *across])) != 0).sum()
    loss = np.array(history.curves["test_loss"])
    return Measurement(
        {"bounces": bounces, "last_loss": loss[-1]},
        {
            "across": across,
            "along": np.array(history.curves["along"])[-UPDATES:],
            "first_steps": [1.0, *across[:12]],
            "update": range(13),
            "loss": loss,
        },
    )


NOTES = "Learning rate"
CLAIMS = (
    rule("large-rate-bounces", kind="exact", expectation="MATH")
    .says("Above 1 / curvature the weight changes sides at every update.")
    .must(metric("large", "bounces"), equal(UPDATES)),
    rule("small-rate-does-not-bounce", kind="exact", expectation="MATH")
    .says("Below 1 / curvature it never does.")
    .must(metric("small", "bounces"), equal(0)),
    detail("one-over-curvature-arrives-at-once", kind="exact", expectation="MATH")
    .says("At 1 / curvature one update reaches the bottom of the valley.")
    .must(abs(at(curve("one-step", "across"), 1)) < 1e-6),
    detail("twice-the-best-is-the-edge", NOTES, kind="exact", expectation="MATH")
    .says("At twice that rate the weight jumps from side to side, neither nearer nor further.")
    .must(abs(last("edge", "across")), between(1 - 1e-5, 1 + 1e-5)),
    detail("diverges-beyond", NOTES, kind="exact", expectation="MATH")
    .says("Beyond it the weight grows without end.")
    .must(abs(last("diverging", "across")) > 1e4),
    detail("best-for-both-bounces", kind="exact", expectation="MATH")
    .says("The rate that is best in the long run, 2 / (sum of curvatures), bounces, too.")
    .must(metric("fastest", "bounces"), equal(UPDATES)),
    detail("bouncing-is-not-slower", kind="exact", expectation="MATH")
    .says("Yet its loss after 100 updates is lower than with `large`, or rates that do not.")
    .must(
        metric("fastest", "last_loss"),
        below_each(*(metric(arm, "last_loss") for arm in ("small", "one-step", "large"))),
    ),
)

RECIPE = Recipe(
    slug="lr-quadratic",
    version=1,
    question="Does a large learning rate make the weights bounce in a narrow valley?",
    sources=(
        Source("fleuret-2021", "Regarding the learning rate, for training to succeed"),
        Source("hyperparameters-notes", NOTES),
    ),
    arms=(
        Arm("small", "half of 1 / curvature", rate=0.5 / ACROSS),
        Arm("one-step", "1 / curvature", rate=1 / ACROSS),
        Arm("large", "1.5 / curvature", rate=1.5 / ACROSS),
        Arm("fastest", "2 / (sum of curvatures)", rate=2 / (ACROSS + ALONG)),
        Arm("edge", "2 / curvature", rate=2 / ACROSS),
        Arm("diverging", "2.125 / curvature", rate=2.125 / ACROSS),
    ),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("From side to side", "first_steps", x="update"),
        Curves("Loss in the valley", Panel("loss", log=True)),
    ),
    metrics=(
        Metric("across", "weight across the valley", per="update"),
        Metric("along", "weight along the valley", per="update"),
        Metric("first_steps", "weight across the valley"),
        Metric("update", "update"),
        Metric("loss", "loss", per="update"),
        Metric("last_loss", "loss after 100 updates"),
        Metric("bounces", "updates at which the weight changes sides"),
    ),
)
