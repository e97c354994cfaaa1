"""Where both losses still fall at the end, training was too short.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Over and Under Fitting"
Data:   cifar10, standardised, flattened
Cost:   quick 27 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run sign-of-underfitting --scale full

The slide gives no numbers. One hidden layer of 4, 32 or 256 units at a constant rate of plain SGD,
stopped after each of several budgets of epochs and then trained on for as long again. A loss falls
at the end where its mean over the last tenth of the epochs is below that over the tenth before. How
much lower the validation loss is afterwards is told by its means over the last tenths of both.
Validation images are the test images here; nothing else is chosen by them.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, column
from keras_reprise import count, detail, keep, mean, rule, train
from keras_reprise.models import dense_classifier

WIDTHS = (4, 32, 256)


def ends(row, budget):
    """The mean over the last tenth of the first `budget` values, and over the tenth before it."""
    tenth = max(1, budget // 10)
    return row[budget - tenth : budget].mean(), row[budget - 2 * tenth : budget - tenth].mean()


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    rows, curves = [], {}
    for width in WIDTHS:
        history = train(
            dense_classifier(replicate.seeds, data.image_shape[0], [width], data.classes),
            data,
            replicate,
            optimizer=keras.optimizers.SGD(0.003),
            epochs=2 * max(scale.budgets),
            batch_size=50,
            diverged_factor=None,
        )
        training, validation = (np.array(history.curves[f"{of}_loss"]) for of in ("train", "test"))
        curves |= {f"training_{width}": training, f"validation_{width}": validation}
        for budget in scale.budgets:
            falls = [
                last < before for last, before in (ends(training, budget), ends(validation, budget))
            ]
            gain = float(ends(validation, budget)[0] - ends(validation, 2 * budget)[0])
            soon = float(ends(validation, budget)[0] - ends(validation, 5 * budget // 4)[0])
            sign = float(all(falls))
            rows.append({"width": width, "budget": budget, "sign": sign, "gain": gain})
            rows[-1] |= {"soon": soon, "right": float((gain > 0) == all(falls))}
    return Measurement(curves=curves, trials=rows)


SIGN, GAIN, SOON = (column("networks", name) for name in ("sign", "gain", "soon"))
CLAIMS = (
    rule("still-falling-was-too-short")
    .says("Where both losses still fell, the validation loss is lower after as long again.")
    .must(mean(keep(GAIN, SIGN > 0.5)) > 0, given=count(SIGN > 0.5) > 0, unit="nats"),
    rule("not-falling-gains-nothing")
    .says("Where they did not, it is not lower.")
    .must(mean(keep(GAIN, SIGN < 0.5)) < 0, given=count(SIGN < 0.5) > 0, unit="nats"),
    detail("falls-a-little-longer")
    .says(
        "Where both losses still fell, the validation loss is lower after a quarter as long again."
    )
    .must(mean(keep(SOON, SIGN > 0.5)) > 0, given=count(SIGN > 0.5) > 0, unit="nats"),
    detail("sign-is-right-nine-times-of-ten")
    .says("The sign is right in nine of ten cases.")
    .must(mean(column("networks", "right")) > 0.9),
)
PANELS = tuple(
    Panel((f"training_{width}", f"validation_{width}"), f"loss (nats), {width} units", top=4.0)
    for width in WIDTHS
)

RECIPE = Recipe(
    slug="sign-of-underfitting",
    version=1,
    question="Do losses that still fall say that training was too short?",
    sources=Source("dl-recap-slides", "Over and Under Fitting"),
    data="cifar10",
    arms=(Arm("networks", "one hidden layer of 4, 32 and 256 units"),),
    scales=(
        Scale("quick", n_train=2_000, n_test=2_000, budgets=(10, 20, 40, 80)),
        Scale("full", n_train=10_000, budgets=(10, 20, 40, 80, 160)),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Losses through the epochs", PANELS, columns="arms"),
    metrics=(
        Metric("sign", "whether both losses still fall at the end of the budget", "", "network"),
        Metric("gain", "fall of the validation loss in as many epochs again", "nats", "network"),
        Metric("soon", "fall of the validation loss in a quarter as many", "nats", "network"),
        Metric("right", "whether the sign says if the validation loss falls", "", "network"),
        Metric("width", "hidden units", "", "network"),
        Metric("budget", "epochs", "", "network"),
    ),
)
