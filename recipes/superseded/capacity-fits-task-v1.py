"""The best capacity grows with the task; far less or more tests worse.

Source: "Lecture 7: Practical considerations for training deep models", slide "Hyperparameter
        Selection: Manual Tuning"
Data:   none (points whose class is a side of a plane, or of two planes; some labels wrong)
Cost:   quick 25 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run capacity-fits-task --scale full

The slide gives no experiment; that far less and far more both test worse is read out of it. One
hidden layer of 1 to 1,024 ReLU units, which is the capacity, is trained to the end with Adam on 400
points of five standard normal inputs, 15 % of which have the other class. On the easy task the
class is the sign of the sum of two inputs, on the hard one that of their product. Test points have
their true class. The best width of one draw of points is told by the mean of the others.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import detail, metric, minimum, rule, train
from keras_reprise.models import dense_classifier
from keras_reprise.rates import off_best

WIDTHS = tuple(4**k for k in range(6))


def points(n, hard, draw):
    """Points (n, 5) and their classes."""
    x = draw.standard_normal((n, 5)).astype("float32")
    value = x[:, 0] * x[:, 1] if hard else x[:, 0] + x[:, 1]
    return x, (value > 0).astype("int32")


def measure(arm, replicate):
    scale = replicate.scale

    def trained(draw, width):
        generator = replicate.seeds.generator("data", draw)
        x, y = points(400, arm.hard, generator)
        y = np.where(generator.random(len(y)) < 0.15, 1 - y, y).astype("int32")
        x_test, y_test = points(4_000, arm.hard, generator)
        history = train(
            dense_classifier(replicate.seeds, 5, [width], 2),
            Dataset.of("points", x, y, x_test, y_test),
            replicate,
            optimizer=keras.optimizers.Adam(0.01),
            batch_size=50,
            order=Order(passes=scale.passes),
            epochs=2,
            diverged_factor=None,
        )
        fitted = 100 * history.last["train_error"]
        return {"error": 100 * history.last["test_error"], "train_error": fitted}

    draws = range(scale.draws)
    settings = [{"draw": draw, "width": width} for draw in draws for width in WIDTHS]
    trials = replicate.sweep(settings, trained)
    errors, fitted = (trials.column(of).reshape(len(draws), -1) for of in ("error", "train_error"))
    chosen = [np.delete(errors, draw, axis=0).mean(axis=0).argmin() for draw in draws]
    metrics = {
        "fourfolds": np.mean(chosen),
        "less": off_best(errors, -1),
        "widest": np.mean([errors[draw, -1] - errors[draw, chosen[draw]] for draw in draws]),
        "single": np.mean([errors[draw, 0] - errors[draw, chosen[draw]] for draw in draws]),
    }
    metrics = {name: value for name, value in metrics.items() if np.isfinite(value)}
    curves = {"error": errors.mean(axis=0), "train_error": fitted.mean(axis=0)}
    return Measurement(metrics, {"width": WIDTHS} | curves)


MANUAL = "Hyperparameter Selection: Manual Tuning"
CLAIMS = (
    rule("harder-task-wants-more")
    .says("The width that tests best is larger on the hard task.")
    .must(metric("hard", "fourfolds") > metric("easy", "fourfolds"), unit="factors of four"),
    rule("too-little-tests-worse")
    .says("A single unit tests worse than the best width, on the hard task.")
    .must(metric("hard", "single") > 0),
    rule("too-much-tests-worse")
    .says("The widest network tests worse than the best width, on the easy task.")
    .must(metric("easy", "widest") > 0),
    detail("widest-is-worse-on-the-hard-task", expectation="MIXED")
    .says("So it does on the hard task.")
    .must(metric("hard", "widest") > 0),
    detail("quarter-of-the-best-tests-worse")
    .says("On the hard task a quarter of the best width tests worse.")
    .must(metric("hard", "less") > 0),
    detail("best-is-right-beyond-the-noise")
    .says("On the easy task the best width errs less than the training labels do, 15 %.")
    .must(minimum("easy", "error") < 15),
)

RECIPE = Recipe(
    slug="capacity-fits-task",
    version=1,
    question="Does a harder task want more capacity?",
    sources=Source("training-practice-slides", MANUAL),
    arms=(
        Arm("easy", "the sign of a sum", hard=False),
        Arm("hard", "the sign of a product", hard=True),
    ),
    scales=(Scale("quick", passes=150, draws=3), Scale("full", passes=500, draws=10)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Error by width", ("error", "train_error"), x="width", x_log=True),
    metrics=(
        Metric("width", "hidden units"),
        Metric("error", "test error", "percent", "width"),
        Metric("train_error", "training error", "percent", "width"),
        Metric("fourfolds", "best width, as factors of four", "factors of four"),
        Metric("less", "test error at a quarter of the best width minus that at it", "points"),
        Metric("widest", "test error of the widest minus that of the best width", "points"),
        Metric("single", "test error of a single unit minus that of the best width", "points"),
    ),
)
