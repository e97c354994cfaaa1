"""More units overfit more; stopped early they do little harm.

Source: "Deep Network Components & Training", slide "Problem of Overfitting"; Varastey Yazdi,
        "Introduction to Deep Learning, Lecture 03", slide "Over and Under Fitting"; "Training"
        (notes on hyper-parameters), section "Hyper parameters of model"; the peak of the error
        where the training examples are just fitted: Belkin et al. (2019), Nakkiran et al. (2020)
Data:   the 1,797 digits of scikit-learn (8 x 8 pixels), a fifth of the labels drawn anew
Cost:   quick 25 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run width-overfits --scale full

The documents contradict each other, and newer work both. One hidden layer of 1 to 1,024 ReLU units
on few digits, labels noisy in training and test alike, Adam. Each network is read twice: at the
end, and where the error on the validation half is lowest, as if stopped there. Of two learning
rates that of the lower error on this half is taken, for either reading; judged is on the other
half.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Panel, Recipe, Scale
from keras_reprise import Source, argmin, at, curve, detail, first, last, metric
from keras_reprise import rank_correlation, rule, window
from keras_reprise.digits import shuffled_digits
from keras_reprise.models import dense_classifier
from keras_reprise.rates import Restartable

WIDTHS, RATES, PASSES = tuple(2**k for k in range(11)), (0.001, 0.01), 5


def read(history):
    """Validation, test and training error (percent) at the end, and stopped early."""
    wrong = 100 * history.test_wrong[1:]
    half = wrong.shape[1] // 2
    validation, test = wrong[:, :half].mean(axis=1), wrong[:, half:].mean(axis=1)
    training, stop = 100 * np.array(history.curves["train_error"]), validation.argmin()
    rows = {"validation": validation, "test": test, "training": training}
    late = {f"{name}_end": row[-1] for name, row in rows.items()}
    return late | {f"{name}_early": row[stop] for name, row in rows.items()}


def measure(arm, replicate):
    scale, draw = replicate.scale, replicate.seeds.generator("data")
    x, y = shuffled_digits(replicate.seeds)
    y = np.where(draw.random(len(y)) < 0.2, draw.integers(0, 10, len(y)), y).astype("int32")
    data = Dataset.of("digits", x[: scale.few], y[: scale.few], x[scale.few :], y[scale.few :])

    def network(width):
        def build(seeds):
            return dense_classifier(seeds, 64, [width], 10)

        return Restartable(build, data, replicate, keras.optimizers.Adam(), scale.draws)

    def trained(width, rate, draw):
        if width not in networks:
            networks[width] = network(width)
        options = {"batch_size": 50, "order": Order(passes=PASSES), "diverged_factor": None}
        return read(networks[width].train(rate, scale.looks, draw, **options))

    networks, draws = {}, range(scale.draws)
    settings = [
        {"width": w, "rate": rate, "draw": draw} for w in WIDTHS for rate in RATES for draw in draws
    ]
    trials, curves = replicate.sweep(settings, trained), {"width": WIDTHS}
    for end in ("end", "early"):
        rows = {
            name: trials.column(f"{name}_{end}").reshape(len(WIDTHS), len(RATES), -1).mean(axis=2)
            for name in ("validation", "test", "training")
        }
        best = rows["validation"].argmin(axis=1)
        curves |= {f"{name}_{end}": row[range(len(WIDTHS)), best] for name, row in rows.items()}
    curves["gap"] = curves["test_end"] - curves["training_end"]
    metrics = {}
    for end in ("end", "early"):
        test, best = curves[f"test_{end}"], curves[f"validation_{end}"].argmin()
        metrics |= {f"harm_{end}": test[-1] - test[best], f"best_{end}": WIDTHS[best]}
    fitted = np.flatnonzero(curves["training_end"] < 1)
    just = fitted[0] if len(fitted) else len(WIDTHS) - 1
    metrics["fitted_from"] = WIDTHS[just]
    metrics["falls_beyond"] = curves["test_end"][just] - curves["test_end"][-1]
    return Measurement(metrics, curves, trials=trials)


FITTING, OVER, NOTES = (
    "Problem of Overfitting",
    "Over and Under Fitting",
    "Hyper parameters of model",
)
TEST = curve("widths", "test_end")
CLAIMS = (
    rule("gap-grows-with-units", OVER, kind="discrete")
    .says("The more units, the more the test error exceeds the training error.")
    .must(rank_correlation(curve("widths", "gap"), curve("widths", "width")) > 0.8),
    rule("widest-tests-worse-than-the-best-narrower", FITTING)
    .says("Trained to the end, the widest network tests worse than the best narrower one.")
    .must(
        last(TEST) - at(TEST, argmin(window(curve("widths", "validation_end"), before=10))) > 0,
        measures="Test error at 1,024 units minus that at the best narrower width",
    ),
    rule("too-many-hardly-hurt-when-stopped", NOTES, kind="discrete")
    .says("Stopped early, it loses less than a point to the best width.")
    .must(metric("widths", "harm_early") < 1),
    detail("too-few-hurt-when-stopped", NOTES)
    .says("A single unit tests worse than the widest network by more than a point, stopped early.")
    .must(first("widths", "test_early") - last("widths", "test_early") > 1),
    detail("stopping-helps-the-widest", NOTES)
    .says("The widest network tests better stopped early than trained to the end.")
    .must(last("widths", "test_early") < last("widths", "test_end")),
    detail("beyond-a-fitting-width-error-falls", "Belkin et al. (2019)", expectation="MIXED")
    .says("Where a narrower one fits all labels, too, the widest has the lower error at the end.")
    .must(metric("widths", "falls_beyond") > 0, given=metric("widths", "fitted_from") < 1024),
)

RECIPE = Recipe(
    slug="width-overfits",
    version=2,
    question="Do too many hidden units overfit?",
    sources=(
        Source("cs231n-slides", FITTING),
        Source("dl-recap-slides", OVER),
        Source("hyperparameters-notes", NOTES),
    ),
    arms=(Arm("widths", "one hidden layer of 1 to 1,024 units"),),
    scales=(Scale("quick", few=400, looks=25, draws=2), Scale("full", few=400, looks=200, draws=5)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Error by width",
        (Panel(("test_end", "test_early", "training_end"), "error (percent)"), Panel("gap")),
        x="width",
        x_log=True,
        columns="arms",
    ),
    metrics=(
        Metric("width", "hidden units"),
        Metric("test_end", "test error at the end", "percent", "width"),
        Metric("test_early", "test error, stopped early", "percent", "width"),
        Metric("training_end", "training error at the end", "percent", "width"),
        Metric("gap", "test error minus the training error, at the end", "points", "width"),
        Metric("harm_end", "test error at 1,024 units minus that at the best width", "points"),
        Metric("harm_early", "the same, stopped early", "points"),
        Metric("best_end", "best width at the end"),
        Metric("best_early", "best width, stopped early"),
        Metric("fitted_from", "narrowest width of a training error below 1 %"),
        Metric("falls_beyond", "test error at that width minus that at 1,024 units", "points"),
    ),
)
