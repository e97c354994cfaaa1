"""The capacity that tests best grows with the task; far less and far more test worse.

Source: "Lecture 7: Practical considerations for training deep models", slide "Hyperparameter
        Selection: Manual Tuning"
Data:   none (points in a square, classes by rings around its middle, some labels wrong)
Cost:   a minute
Replay: reprise run capacity-fits-task --scale full

The slide gives no experiment; that far less and far more both test worse is read out of it. One
hidden layer of 1 to 512 ReLU units, which is the capacity, is trained to the end with Adam on 400
points of which 15 % have the other class. The easy task has a disc and what is around it, the
hard one four rings. Test points have their true class. The best width of one draw of points is told
by the mean of the others.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import detail, metric, minimum, rule, train
from keras_reprise.models import dense_classifier
from keras_reprise.rates import off_best

WIDTHS, FAR = tuple(2**k for k in range(10)), 3  # three places are a factor of eight


def points(n, rings, draw):
    """Points (n, 2) in [-1, 1] and the class of the ring that each lies in."""
    x = draw.uniform(-1, 1, (n, 2)).astype("float32")
    radius = np.sqrt((x**2).sum(axis=1))
    return x, (np.minimum(radius * rings / 1.2, rings - 1).astype("int32") % 2).astype("int32")


def measure(arm, replicate):
    scale = replicate.scale

    def trained(draw, width):
        generator = replicate.seeds.generator("data", draw)
        x, y = points(400, arm.rings, generator)
        y = np.where(generator.random(len(y)) < 0.15, 1 - y, y).astype("int32")
        x_test, y_test = points(4_000, arm.rings, generator)
        history = train(
            dense_classifier(replicate.seeds, 2, [width], 2),
            Dataset.of("rings", x, y, x_test, y_test),
            replicate,
            optimizer=keras.optimizers.Adam(0.01),
            batch_size=50,
            order=Order(passes=scale.passes),
            epochs=2,
            diverged_factor=None,
        )
        return {"error": 100 * history.last["test_error"]}

    draws = range(scale.draws)
    settings = [{"draw": draw, "width": width} for draw in draws for width in WIDTHS]
    errors = replicate.sweep(settings, trained).column("error").reshape(scale.draws, -1)
    chosen = [np.delete(errors, draw, axis=0).mean(axis=0).argmin() for draw in draws]
    metrics = {
        "doublings": np.mean(chosen),
        "less": off_best(errors, -FAR),
        "widest": np.mean([errors[draw, -1] - errors[draw, chosen[draw]] for draw in draws]),
        "single": np.mean([errors[draw, 0] - errors[draw, chosen[draw]] for draw in draws]),
    }
    metrics = {name: value for name, value in metrics.items() if np.isfinite(value)}
    return Measurement(metrics, {"width": WIDTHS, "error": errors.mean(axis=0)})


MANUAL = "Hyperparameter Selection: Manual Tuning"
CLAIMS = (
    rule("harder-task-wants-more")
    .says("The width that tests best is larger on the hard task.")
    .must(metric("hard", "doublings") > metric("easy", "doublings"), unit="doublings"),
    rule("too-little-tests-worse")
    .says("A single unit tests worse than the best width, on the hard task.")
    .must(metric("hard", "single") > 0),
    rule("too-much-tests-worse")
    .says("The widest network tests worse than the best width, on the easy task.")
    .must(metric("easy", "widest") > 0),
    detail("widest-is-worse-on-the-hard-task", expectation="MIXED")
    .says("So it does on the hard task.")
    .must(metric("hard", "widest") > 0),
    detail("eighth-of-the-best-tests-worse")
    .says("On the hard task an eighth of the best width tests worse.")
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
    arms=(Arm("easy", "a disc and what is around it", rings=2), Arm("hard", "four rings", rings=4)),
    scales=(Scale("quick", passes=60, draws=3), Scale("full", passes=400, draws=10)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error by width", "error", x="width", x_log=True),
    metrics=(
        Metric("width", "hidden units"),
        Metric("error", "test error", "percent", "width"),
        Metric("doublings", "best width, as doublings of one unit", "doublings"),
        Metric("less", "test error at an eighth of the best width minus that at it", "points"),
        Metric("widest", "test error of the widest minus that of the best width", "points"),
        Metric("single", "test error of a single unit minus that of the best width", "points"),
    ),
)
