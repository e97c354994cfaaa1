"""The best capacity grows with the task; what fits one task tests worse on another.

Source: "Lecture 7: Practical considerations for training deep models", slide "Hyperparameter
        Selection: Manual Tuning"
Data:   none (points whose class is a side of one plane, or of three; some labels wrong)
Cost:   quick 25 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run capacity-fits-task --scale full

The slide gives no experiment; that less and more than what fits test worse is read out of it. One
hidden layer of 1 to 512 ReLU units, which is the capacity, is trained to the end with Adam on 400
points of three standard normal inputs, 15 % of which have the other class. On the easy task the
class is the sign of the inputs' sum, on the hard one that of their product. Test points have their
true class. The best width of one draw of points is told by the mean of the others.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import above, detail, metric, minimum, number, rule, train
from keras_reprise.models import dense_classifier

WIDTHS = tuple(2**k for k in range(10))


def points(n, hard, draw):
    """Points (n, 3) and their classes."""
    x = draw.standard_normal((n, 3)).astype("float32")
    value = x.prod(axis=1) if hard else x.sum(axis=1)
    return x, (value > 0).astype("int32")


def measure(arm, replicate):
    scale = replicate.scale

    def trained(draw, width):
        generator = replicate.seeds.generator("data", draw)
        x, y = points(400, arm.hard, generator)
        y = np.where(generator.random(len(y)) < 0.15, 1 - y, y).astype("int32")
        x_test, y_test = points(4_000, arm.hard, generator)
        history = train(
            dense_classifier(replicate.seeds, 3, [width], 2),
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

    settings = [{"draw": draw, "width": width} for draw in range(scale.draws) for width in WIDTHS]
    trials = replicate.sweep(settings, trained)
    errors, fitted = (
        trials.column(of).reshape(scale.draws, -1).mean(axis=0) for of in ("error", "train_error")
    )
    curves = {"width": WIDTHS, "error": errors, "train_error": fitted}
    return Measurement({"doublings": errors.argmin()}, curves, trials=trials)


def summarise(arms, scale):
    """What another width than a task's best costs, means over the draws."""
    easy, hard = (
        np.array([trial["error"] for trial in arms[task].trials]).reshape(scale.draws, -1)
        for task in ("easy", "hard")
    )
    lost = []
    for draw in range(scale.draws):
        low, high = (np.delete(of, draw, axis=0).mean(axis=0).argmin() for of in (easy, hard))
        others = hard[draw, [low, max(high - 2, 0), -1]] - hard[draw, high]
        lost.append([*others, easy[draw, high] - easy[draw, low]])
    return dict(zip(("too_little", "quarter", "widest", "too_much"), np.mean(lost, 0), strict=True))


MANUAL = "Hyperparameter Selection: Manual Tuning"
EASY, HARD = (metric(task, "doublings") for task in ("easy", "hard"))
CLAIMS = (
    rule("hard-task-wants-twice-as-much", kind="discrete")
    .says("The width that tests best is at least twice as large on the hard task.")
    .must(HARD - EASY, above(1)),
    rule("what-fits-the-easy-is-too-little")
    .says("On the hard task the width that fits the easy one tests worse than the best.")
    .must(number("too_little") > 0),
    rule("what-fits-the-hard-is-too-much")
    .says("On the easy task the width that fits the hard one tests worse than the best.")
    .must(number("too_much") > 0),
    detail("quarter-tests-worse-on-the-hard-task")
    .says("On the hard task a quarter of the best width tests worse.")
    .must(number("quarter") > 0, given=HARD >= 2),
    detail("widest-tests-worse-on-the-hard-task", expectation="MIXED")
    .says("So does the widest network.")
    .must(number("widest") > 0),
    detail("best-is-right-beyond-the-noise")
    .says("On the easy task the best width errs less than the training labels do, 15 %.")
    .must(minimum("easy", "error") < 15),
)
ABOVE = "test error on the {} task, minus the best width's, at"

RECIPE = Recipe(
    slug="capacity-fits-task",
    version=2,
    question="Does a harder task want more capacity?",
    sources=Source("training-practice-slides", MANUAL),
    arms=(
        Arm("easy", "the sign of a sum", hard=False),
        Arm("hard", "the sign of a product", hard=True),
    ),
    scales=(Scale("quick", passes=75, draws=3), Scale("full", passes=500, draws=10)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Error by width", ("error", "train_error"), x="width", x_log=True),
    metrics=(
        Metric("width", "hidden units"),
        Metric("error", "test error", "percent", "width"),
        Metric("train_error", "training error", "percent", "width"),
        Metric("doublings", "best width, as doublings of one unit", "doublings"),
        Metric("too_little", f"{ABOVE.format('hard')} the width that fits the easy one", "points"),
        Metric("quarter", f"{ABOVE.format('hard')} a quarter of that width", "points"),
        Metric("widest", f"{ABOVE.format('hard')} the widest", "points"),
        Metric("too_much", f"{ABOVE.format('easy')} the width that fits the hard one", "points"),
    ),
    summarise=summarise,
)
