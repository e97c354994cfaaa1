"""A learning rate that falls during training does better than a constant one

Source: Fleuret, Deep learning, 5.6, "Regarding the learning rate, for training to succeed";
        Training: notes on data splits, hyper-parameters and optimisation, "Learning rate";
        Varastey Yazdi, Introduction to deep learning, lecture 3, "Learning Rate"
Data:   cifar10, standardised
Cost:   quick 69 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-schedules --scale full

The documents name the schedules; rates and time constants are ours, those of 1 / t spanning the
range in Bergstra and Bengio (2012), eq. 7. The network is the small convnet of cifar10-lr-drop.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, below
from keras_reprise import below_each, between, detail, mean, median, metric, minimum, rule
from keras_reprise import schedules, train
from keras_reprise.models import small_convnet

RATE = 0.1
SCHEDULES = {
    "constant": lambda epochs: schedules.constant(RATE),
    "constant-small": lambda epochs: schedules.constant(RATE / 2),
    "step": lambda epochs: schedules.steps({0: RATE, epochs // 2: RATE / 2}),
    "geometric": lambda epochs: schedules.geometric(RATE, 0.05 ** (1 / epochs)),
    "inverse-early": lambda epochs: schedules.inverse(RATE, epochs / 10),
    "inverse": lambda epochs: schedules.inverse(RATE, epochs / 5),
    "inverse-late": lambda epochs: schedules.inverse(RATE, epochs / 2),
    "cosine": lambda epochs: schedules.cosine(RATE, epochs),
}
FORMULAS = {
    "constant": lambda t, epochs: RATE + 0 * t,
    "constant-small": lambda t, epochs: RATE / 2 + 0 * t,
    "step": lambda t, epochs: np.where(t < epochs // 2, RATE, RATE / 2),
    "geometric": lambda t, epochs: RATE * np.exp(np.log(0.05) * t / epochs),
    "inverse-early": lambda t, epochs: np.minimum(RATE, RATE * epochs / 10 / np.maximum(t, 1e-9)),
    "inverse": lambda t, epochs: np.minimum(RATE, RATE * epochs / 5 / np.maximum(t, 1e-9)),
    "inverse-late": lambda t, epochs: np.minimum(RATE, RATE * epochs / 2 / np.maximum(t, 1e-9)),
    "cosine": lambda t, epochs: RATE * np.cos(np.pi * t / epochs / 2) ** 2,
}


def measure(arm, replicate):
    epochs, data = replicate.scale.epochs, replicate.dataset().standardised()
    plateau = schedules.Plateau(RATE, factor=0.5, patience=replicate.scale.patience)
    schedule = plateau if arm.name == "plateau" else SCHEDULES[arm.name](epochs)
    history = train(
        small_convnet(replicate.seeds, data.image_shape, data.classes),
        data,
        replicate,
        optimizer=keras.optimizers.SGD(),
        learning_rate=schedule,
        batch_size=100,
        epochs=epochs,
    )
    starts, metrics = np.arange(history.epochs, dtype=float), dict(history.last)
    if arm.name == "plateau":
        rates = [RATE] + [
            plateau.after({"test_loss": history.curves["test_loss"][:n]})
            for n in range(1, history.epochs)
        ]
    else:
        rates, fine = schedule(starts), np.linspace(0, epochs, 1000, endpoint=False)
        metrics["off_formula"] = np.abs(schedule(fine) - FORMULAS[arm.name](fine, epochs)).max()
    return Measurement(
        metrics=metrics, curves=history.curves | {"learning_rate": rates}, diverged=history.diverged
    )


POLICY, NOTES = "Regarding the learning rate, for training to succeed", "Learning rate"
CONSTANT = ("constant", "constant-small")
FALLING = [arm for arm in (*SCHEDULES, "plateau") if arm not in CONSTANT]


def each(arms, name):
    return [metric(arm, name) for arm in arms]


MEAN = "Mean test {} of the seven falling schedules minus that of `{{other}}`"
MEDIAN = "Median test error of the falling schedules minus the lower of two constants"
CLAIMS = (
    rule("decays-beat")
    .says("Falling schedules end with a lower test error, on average, than {other}.")
    .of(100 * mean(*each(FALLING, "test_error")), unit="points", measures=MEAN.format("error"))
    .must(below_each(*(100 * one for one in each(CONSTANT, "test_error")))),
    detail("decays-lower-test-loss")
    .says("And with a lower test loss than {other}.")
    .of(mean(*each(FALLING, "test_loss")), measures=MEAN.format("loss"))
    .must(below_each(*each(CONSTANT, "test_loss"))),
    rule("any-schedule-will-do")
    .says("The typical schedule beats the better of two constant rates.")
    .of(
        100 * (median(*each(FALLING, "test_error")) - minimum(*each(CONSTANT, "test_error"))),
        measures=MEDIAN,
    )
    .must(below(0.0), expectation="MIXED"),
    *(
        detail(f"{name}-follows-formula", NOTES if "inverse" in name else POLICY)
        .says(f"The schedule {name} follows its formula.")
        .of(metric(name, "off_formula"))
        .must(between(0.0, 1e-7), kind="exact", expectation="MATH")
        for name in SCHEDULES
    ),
)
PANELS = (
    Panel(("learning_rate",), "learning rate"),
    Panel(("train_loss",), "training loss (nats)", log=True),
    Panel(("test_error",), "test error (fraction)"),
)

RECIPE = Recipe(
    slug="lr-schedules",
    version=1,
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
        Scale("quick", n_train=5_000, n_test=2_000, epochs=12, patience=1),
        Scale("full", epochs=50, patience=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(Curves("Rate, loss and error through the epochs", PANELS, columns="overlay"),),
    metrics=(Metric("off_formula", "largest distance from its formula", "per update"),),
)
