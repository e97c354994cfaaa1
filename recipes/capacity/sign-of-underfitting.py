"""Where both losses still fall at the end, training was too short.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Over and Under Fitting"
Data:   cifar10, standardised, flattened
Cost:   quick 28 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run sign-of-underfitting --scale full

The slide gives no numbers; its advice is to train until the cost is lowest. One hidden layer of 4,
32 or 256 units at a constant rate of plain SGD, stopped after each of several budgets of epochs. A
loss falls at the end where its mean over the last tenth of the epochs is below that over the tenth
before. Training then goes on to the epoch, of all later ones, at which the loss of the validation
images (half of the test images) is lowest. What is gained by it is told by the other half.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, above
from keras_reprise import below, column, count, detail, keep, mean, rule, train
from keras_reprise.models import dense_classifier

WIDTHS = (4, 32, 256)


def falls(losses, budget):
    """Whether the mean over the last tenth of the first `budget` losses is below the one before."""
    tenth = max(1, budget // 10)
    last, before = losses[budget - tenth : budget], losses[budget - 2 * tenth : budget - tenth]
    return last.mean() < before.mean()


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    half, rows, curves = len(data.y_test) // 2, [], {}
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
        training, each = np.array(history.curves["train_loss"]), history.test_losses[1:]
        validation, judged = each[:, :half].mean(axis=1), each[:, half:].mean(axis=1)
        curves |= {f"training_{width}": training, f"validation_{width}": validation}
        for budget in scale.budgets:
            longer = budget + validation[budget:].argmin()
            gain = float(judged[budget - 1] - judged[longer])
            sign = falls(training, budget) and falls(validation, budget)
            rows.append({"width": width, "budget": budget, "longer": int(longer) + 1, "gain": gain})
            rows[-1] |= {"sign": float(sign), "right": float((gain > 0) == sign)}
    return Measurement(curves=curves, trials=rows)


SIGN, GAIN = column("networks", "sign"), column("networks", "gain")
FELL, NOT = SIGN > 0.5, SIGN < 0.5
SHARE = "Share of cases whose loss on other images is lower later, where {}"
CLAIMS = (
    rule("still-falling-gains-by-training-on", kind="discrete")
    .says("Where both losses still fell, training on lowers the loss in nine of ten cases.")
    .must(
        mean(keep(GAIN, FELL) > 0),
        above(0.9),
        given=count(FELL) > 0,
        measures=SHARE.format("both losses fell"),
    ),
    rule("not-falling-gains-in-fewer-than-half", kind="discrete")
    .says("Where they did not, it does in fewer than half.")
    .must(
        mean(keep(GAIN, NOT) > 0),
        below(0.5),
        given=count(NOT) > 0,
        measures=SHARE.format("they did not"),
    ),
    detail("still-falling-gains-more")
    .says("Where both losses still fell, more is gained than where they did not.")
    .must(
        mean(keep(GAIN, FELL)) - mean(keep(GAIN, NOT)) > 0,
        given=(count(FELL) > 0) & (count(NOT) > 0),
        unit="nats",
        measures="Fall of the loss where both losses fell minus that where they did not",
    ),
    detail("sign-is-right-nine-times-of-ten", kind="discrete")
    .says("The sign is right in nine of ten cases.")
    .must(mean(column("networks", "right")) > 0.9),
)
PANELS = tuple(
    Panel((f"training_{width}", f"validation_{width}"), f"loss (nats), {width} units", top=4.0)
    for width in WIDTHS
)

RECIPE = Recipe(
    slug="sign-of-underfitting",
    version=2,
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
        Metric("gain", "fall of the loss of other images by training on", "nats", "network"),
        Metric("right", "whether the sign says if that loss falls", "", "network"),
        Metric("longer", "epoch of the lowest later validation loss", "", "network"),
        Metric("width", "hidden units", "", "network"),
        Metric("budget", "epochs", "", "network"),
    ),
)
