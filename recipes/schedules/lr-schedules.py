"""A learning rate that falls during training does better than a constant one

Source: Fleuret, Deep learning 5.6, "Regarding the learning rate, for training to succeed";
        "Training" (notes on hyper-parameters), section "Learning rate"; two lectures
Data:   cifar10, standardised
Cost:   quick 42 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run lr-schedules --scale full

The documents name the schedules; rates and time constants are ours. Those of 1 / t, 2,500 to 12,500
updates, lie in the range of Bergstra and Bengio (2012), eq. 7, 300 to 30,000; at quick scale, 24 to
120, they are fitted to its few updates. `plateau` steers by the loss of the images that judge it.
The network is the small convnet of cifar10-lr-drop.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, below_each
from keras_reprise import between, count, curve, detail, mean, median, metric, minimum, rule, train
from keras_reprise.models import small_convnet
from keras_reprise.schedules import Plateau, constant, cosine, geometric, inverse, steps


def schedules(epochs, patience):
    """By arm: the schedule, and the documents' formula for the rate at epoch t."""

    def constant_until(share):
        area = 0.1 * epochs / share
        return inverse(0.1, epochs / share), lambda t: np.minimum(0.1, area / np.maximum(t, 1e-9))

    half, factor = epochs // 2, 0.05 ** (1 / epochs)
    return {
        "constant": (constant(0.1), lambda t: 0.1 + 0 * t),
        "constant-small": (constant(0.05), lambda t: 0.05 + 0 * t),
        "step": (steps({0: 0.1, half: 0.05}), lambda t: np.where(t < half, 0.1, 0.05)),
        "geometric": (geometric(0.1, factor), lambda t: 0.1 * np.exp(np.log(0.05) * t / epochs)),
        "inverse-early": constant_until(10),
        "inverse": constant_until(5),
        "inverse-late": constant_until(2),
        "cosine": (cosine(0.1, epochs), lambda t: 0.1 * np.cos(np.pi * t / epochs / 2) ** 2),
        "plateau": (Plateau(0.1, 0.5, patience), None),
    }


def measure(arm, replicate):
    epochs, data = replicate.scale.epochs, replicate.dataset().standardised()
    schedule, formula = schedules(epochs, replicate.scale.patience)[arm.name]
    model = small_convnet(replicate.seeds, data.image_shape, data.classes)
    sgd = keras.optimizers.SGD()
    history = train(model, data, replicate, optimizer=sgd, learning_rate=schedule, epochs=epochs)
    metrics, losses = history.last, history.curves["test_loss"]
    if formula is None:
        rates = [schedule.after({"test_loss": losses[:past]}) for past in range(history.epochs)]
    else:
        rates = schedule(np.arange(history.epochs, dtype=float))
        fine = np.linspace(0, epochs, 1000, endpoint=False)
        metrics["off_formula"] = np.abs(schedule(fine) - formula(fine)).max()
    curves = history.curves | {"learning_rate": rates}
    return Measurement(metrics, curves, diverged=history.diverged)


LOSS = Panel("train_loss", log=True)
POLICY, NOTES = "Regarding the learning rate, for training to succeed", "Learning rate"
CONSTANT = ("constant", "constant-small")
FALLING = ("step", "geometric", "inverse-early", "inverse", "inverse-late", "cosine", "plateau")
ERRORS, LOSSES = ([metric(arm, name) for arm in FALLING] for name in ("test_error", "test_loss"))
BELOW_CONSTANT = below_each(*(100 * metric(arm, "test_error") for arm in CONSTANT))
LOWER = minimum(*(metric(arm, "test_error") for arm in CONSTANT))
CUT = count(curve("plateau", "learning_rate") > 0.09)  # epochs at the first rate, 0.1
MEAN = "Mean test {} of the seven falling schedules minus that of `{{other}}`"
MEDIAN = "Median test error of the falling schedules minus the lower of two constants"
CLAIMS = (
    rule("decays-beat")
    .says("Falling schedules end with a lower test error, on average, than {other}.")
    .must(100 * mean(*ERRORS), BELOW_CONSTANT, measures=MEAN.format("error")),
    detail("decays-lower-test-loss")
    .says("And with a lower test loss than {other}.")
    .must(
        mean(*LOSSES),
        below_each(*(metric(arm, "test_loss") for arm in CONSTANT)),
        measures=MEAN.format("loss"),
    ),
    *(
        detail(f"{arm}-beats")
        .says(f"{words} ends with a lower test error than {{other}}.")
        .must(100 * metric(arm, "test_error"), BELOW_CONSTANT)
        for arm, words in (
            ("step", "A rate that is halved half-way"),
            ("geometric", "One that falls geometrically"),
        )
    ),
    rule("any-schedule-will-do", expectation="MIXED")
    .says("The typical schedule beats the better of two constant rates.")
    .must(100 * (median(*ERRORS) - LOWER) < 0, measures=MEDIAN),
    *(
        detail(
            f"{arm}-follows-formula",
            NOTES if "inverse" in arm else POLICY,
            kind="exact",
            expectation="MATH",
        )
        .says(f"The schedule {arm} follows its formula.")
        .must(metric(arm, "off_formula"), between(0.0, 1e-7))
        for arm in (*CONSTANT, *FALLING)
        if arm != "plateau"
    ),
    detail("plateau-cut-lowers-test-loss", "Learning Rate")
    .says(
        "Once the test loss stops falling, half the rate brings it lower than the same rate does."
    )
    .must(
        mean("plateau", "test_loss", after=CUT) < mean("constant", "test_loss", after=CUT),
        measures="Test loss of `plateau` minus that of `constant`, mean of the epochs after a cut",
    ),
)

RECIPE = Recipe(
    slug="lr-schedules",
    version=2,
    question="Does lowering the learning rate on a schedule beat the best constant rate?",
    sources=(
        Source("fleuret-2021", POLICY),
        Source("hyperparameters-notes", NOTES),
        Source("dl-recap-slides", "Learning Rate"),
        Source("training-practice-slides", "Default Baseline Models"),
    ),
    data="cifar10",
    arms=(
        Arm("constant", "rate 0.1"),
        Arm("constant-small", "rate 0.05"),
        Arm("step", "0.1, halved after half of the epochs"),
        Arm("geometric", "0.1 falling geometrically to a twentieth"),
        Arm("inverse-early", "0.1 tau / max(t, tau), tau a tenth of the epochs"),
        Arm("inverse", "the same, tau a fifth"),
        Arm("inverse-late", "the same, tau half"),
        Arm("cosine", "0.1 along half a cosine to 0"),
        Arm("plateau", "0.1, halved when the test loss stops falling"),
    ),
    scales=(
        Scale("quick", n_train=2_000, n_test=1_000, epochs=12, patience=1),
        Scale("full", epochs=50, patience=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Rate, loss and error", ("learning_rate", LOSS, "test_error")),
    metrics=(Metric("off_formula", "largest distance from its formula", "per update"),),
)
