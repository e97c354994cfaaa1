"""A big gap between training and validation accuracy: regularise. No gap: take more capacity.

Source: "Deep Network Components & Training", slide "MONITOR AND VISUALIZE THE ACCURACY:"
Data:   cifar10, standardised, flattened, for one hidden layer; all sizes are ours
Cost:   quick 20 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21);
        full 80 s (one of two workers, Intel Xeon)
Replay: reprise run monitor-gap --scale full
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, curve
from keras_reprise import detail, evaluate, first, mean, rank_correlation, rule, train
from keras_reprise.models import dense_classifier

PENALTIES = [{"width": 64, "penalty": penalty} for penalty in (0.0, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)]
WIDTHS = [{"width": width, "penalty": 0.0} for width in (2, 4, 8, 16, 32, 64)]


def measure(arm, replicate):
    scale, seeds = replicate.scale, replicate.seeds
    data = replicate.dataset().standardised().flattened()
    data = data.first(scale.few) if arm.few else data
    settings, epochs = (PENALTIES, scale.long) if arm.few else (WIDTHS, scale.short)

    def trained(width, penalty):
        model = dense_classifier(seeds, data.image_shape[0], [width], data.classes, penalty=0.5)
        options = {"optimizer": keras.optimizers.SGD(0.02), "batch_size": 50, "epochs": epochs}
        history = train(model, data, replicate, penalty=penalty, **options)
        _, wrong = evaluate(model, data.x_train[:5000], data.y_train[:5000])
        training, validation = 100 * (1 - wrong.mean()), 100 * history.accuracy[-1]
        return {"training": training, "validation": validation, "gap": training - validation}

    trials = replicate.sweep(settings, trained)
    curves = trials.curves("width", "penalty", "training", "validation", "gap")
    return Measurement(curves=curves | {"step": range(1, len(trials) + 1)}, trials=trials)


PANELS = (Panel(("training", "validation"), "accuracy (percent)"), Panel("gap", "gap (points)"))
CLAIMS = (
    rule("penalty-shrinks-gap", kind="discrete")
    .says("Where the gap is big, more regularisation shrinks it.")
    .must(rank_correlation(curve("big-gap", "gap"), curve("big-gap", "penalty")) < -0.8),
    rule("penalty-raises-validation")
    .says("Where the gap is big, regularisation raises the validation accuracy.")
    .must(mean("big-gap", "validation", after=1) > first("big-gap", "validation")),
    rule("capacity-raises-validation", kind="discrete")
    .says("Where there is no gap, more capacity raises the validation accuracy.")
    .must(rank_correlation(curve("no-gap", "validation"), curve("no-gap", "width")) > 0.8),
    detail("capacity-raises-training", kind="discrete")
    .says("Where there is no gap, more capacity raises the training accuracy.")
    .must(rank_correlation(curve("no-gap", "training"), curve("no-gap", "width")) > 0.8),
    detail("smaller-penalty-fits-better", kind="discrete")
    .says("Where the gap is big, the training accuracy rises as the penalty falls.")
    .must(rank_correlation(curve("big-gap", "training"), curve("big-gap", "penalty")) < -0.8),
    detail("few-images-big-gap")
    .says("Few images trained long leave a big gap.")
    .must(first("big-gap", "gap") > 10.0),
    detail("many-images-no-gap")
    .says("A narrow network trained shortly on many images has hardly any gap.")
    .must(first("no-gap", "gap") < 5.0),
)

RECIPE = Recipe(
    slug="monitor-gap",
    version=1,
    question="Does the gap between training and validation accuracy say what to change?",
    sources=Source("cs231n-slides", "MONITOR AND VISUALIZE THE ACCURACY:"),
    data="cifar10",
    arms=(
        Arm("big-gap", "few images, many epochs; the penalty grows from 0 to 0.1", few=True),
        Arm("no-gap", "many images, few epochs; the width grows from 2 to 64", few=False),
    ),
    scales=(
        Scale("quick", n_train=10_000, n_test=2_000, few=1_000, long=60, short=3),
        Scale("full", few=2_000, long=100, short=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training and validation accuracy", PANELS, x="step", columns="arms"),
    metrics=(
        Metric("gap", "gap between training and validation accuracy", "points", "step"),
        Metric("training", "training accuracy", "points", "step"),
        Metric("validation", "validation accuracy", "points", "step"),
        Metric("step", "step: penalty 0 to 0.1 (left), width 2 to 64 (right)"),
    ),
)
