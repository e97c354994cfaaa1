"""A big gap between training and validation accuracy asks for more regularisation, no gap for more capacity

Source: document 003 (003:752-762)
Data:   cifar10, standardised, flattened
Cost:   quick 20 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run monitor-gap --scale full

Two regimes of one hidden layer: few images trained long (a big gap), in which the penalty grows; and many images trained shortly
(no gap), in which the width grows. The documents give no set-up; all sizes are ours.
"""

import keras
from scipy.stats import spearmanr

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, evaluate, snapshot, train
from keras_reprise.models import dense_classifier

PENALTIES = (0.0, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
WIDTHS = (2, 4, 8, 16, 32, 64)


def measure(arm, replicate):
    scale, data = replicate.scale, replicate.dataset().standardised().flattened()
    if arm.few:
        data = data.first(scale.few)
    built = {}

    def trained(width, penalty):
        if width not in built:
            model, optimizer = dense_classifier(replicate.seeds, data.image_shape[0], [width], data.classes, penalty=0.5), keras.optimizers.SGD()
            built.clear()
            built[width] = model, optimizer, snapshot(model, optimizer)
        model, optimizer, restart = built[width]
        restart()
        history = train(model, data, replicate, optimizer=optimizer, learning_rate=0.02, batch_size=50, penalty=penalty, epochs=scale.long if arm.few else scale.short)
        _, wrong = evaluate(model, data.x_train[:5000], data.y_train[:5000])
        training, validation = 100 * (1 - wrong.mean()), 100 * (1 - history.curves["test_error"][-1])
        return {"training": training, "validation": validation, "gap": training - validation}

    trials = replicate.sweep([{"width": 64, "penalty": p} for p in PENALTIES] if arm.few else [{"width": w, "penalty": 0.0} for w in WIDTHS], trained)
    names = ("width", "penalty", "training", "validation", "gap")
    return Measurement(curves={name: [trial[name] for trial in trials] for name in names} | {"step": list(range(1, len(trials) + 1))}, trials=trials)


def trend(arm, of, over):
    return lambda arms, scale: spearmanr(arms[arm].curves[over], arms[arm].curves[of]).statistic


def gap(arm, index):
    return lambda arms, scale: arms[arm].curves["gap"][index]


RECIPE = Recipe(
    slug="monitor-gap",
    version=1,
    question="Does the gap between training and validation accuracy say what to change?",
    sources=(Source("cs231n-slides", "003:752-762"),),
    data="cifar10",
    arms=(
        Arm("big-gap", "few images, many epochs, 64 units; the penalty grows from 0 to 0.1", few=True),
        Arm("no-gap", "many images, few epochs, no penalty; the width grows from 2 to 64", few=False),
    ),
    scales=(Scale("quick", n_train=10_000, n_test=2_000, few=1_000, long=60, short=3), Scale("full", few=2_000, long=100, short=3)),
    measure=measure,
    claims=(
        Claim("few-images-big-gap", "Few images trained long leave a big gap.", "003:756", gap("big-gap", 0), "points", above=10.0, measures="Training minus validation accuracy without a penalty"),
        Claim("many-images-no-gap", "A narrow network trained shortly on many images has hardly any.", "003:760", gap("no-gap", 0), "points", below=5.0, measures="Training minus validation accuracy of the narrowest network"),
        Claim("penalty-shrinks-gap", "In the first case more regularisation shrinks the gap.", "003:758", trend("big-gap", "gap", "penalty"), "rank correlation", below=-0.8, measures="Spearman correlation of penalty and gap"),
        Claim("capacity-raises-training", "In the second more capacity raises the training accuracy.", "003:762", trend("no-gap", "training", "width"), "rank correlation", above=0.8, measures="Spearman correlation of width and training accuracy"),
        Claim("capacity-raises-validation", "And the validation accuracy.", "003:762", trend("no-gap", "validation", "width"), "rank correlation", above=0.8, measures="Spearman correlation of width and validation accuracy"),
    ),  # fmt: skip
    figures=(Curves("Training and validation accuracy", panels=(Panel(("training", "validation"), "accuracy (percent)"), Panel(("gap",), "gap (points)")), x="step", x_label="step: penalty 0 to 0.1 (left), width 2 to 64 (right)"),),
)  # fmt: skip
