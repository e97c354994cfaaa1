"""Decaying the learning rate beats keeping it: steps, geometric, inverse, cosine and plateau against the best constant rate

Source: documents 000, 002 and 004 (000:79-110, 002:21-23, 004:275-281); also 001:128
Data:   cifar10, standardised
Cost:   quick 69 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run lr-schedules --scale full

The small convnet of cifar10-lr-drop, equal epochs for all. The documents name the schedules; rates and time constants are ours,
those of 1 / t spanning the range in Bergstra and Bengio (2012), eq. 7. Every schedule is checked against a formula of its own.
"""

import keras
import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, schedules, train
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
CONSTANT = ("constant", "constant-small")


def measure(arm, replicate):
    epochs, data = replicate.scale.epochs, replicate.dataset().standardised()
    plateau = schedules.Plateau(RATE, factor=0.5, patience=replicate.scale.patience)
    schedule = plateau if arm.name == "plateau" else SCHEDULES[arm.name](epochs)
    history = train(small_convnet(replicate.seeds, data.image_shape, data.classes), data, replicate, optimizer=keras.optimizers.SGD(), learning_rate=schedule, batch_size=100, epochs=epochs)
    starts, metrics = np.arange(history.epochs, dtype=float), dict(history.last)
    if arm.name == "plateau":
        rates = [RATE] + [plateau.after({"test_loss": history.curves["test_loss"][:n]}) for n in range(1, history.epochs)]
    else:
        rates, fine = schedule(starts), np.linspace(0, epochs, 1000, endpoint=False)
        metrics["off_formula"] = np.abs(schedule(fine) - FORMULAS[arm.name](fine, epochs)).max()
    return Measurement(metrics=metrics, curves=history.curves | {"learning_rate": rates}, diverged=history.diverged)


def best(arms, names, name="test_error"):
    return min(arms[arm].metrics[name] for arm in names)


def decaying(arms):
    return [name for name in arms if name not in CONSTANT]


def decay_gain(arms, scale):
    """Lowest last test error of the decaying schedules minus that of the two constant rates."""
    return 100 * (best(arms, decaying(arms)) - best(arms, CONSTANT))


def loss_gain(arms, scale):
    """Lowest last test loss of the decaying schedules minus that of the two constant rates."""
    return best(arms, decaying(arms), "test_loss") - best(arms, CONSTANT, "test_loss")


def median_gain(arms, scale):
    """Median last test error of the decaying schedules minus the lower one of the constant rates."""
    return 100 * (np.median([arms[name].metrics["test_error"] for name in decaying(arms)]) - best(arms, CONSTANT))


MEANS = {"constant": "rate 0.1", "constant-small": "rate 0.05", "step": "0.1, halved after half of the epochs", "geometric": "0.1 falling geometrically to a twentieth", "inverse-early": "0.1 tau / max(t, tau), tau a tenth of the epochs", "inverse": "the same, tau a fifth", "inverse-late": "the same, tau half", "cosine": "0.1 along half a cosine to 0", "plateau": "0.1, halved when the test loss stops falling"}

RECIPE = Recipe(
    slug="lr-schedules",
    version=1,
    question="Does lowering the learning rate on a schedule beat the best constant rate?",
    sources=(Source("fleuret-2021", "000:79-110"), Source("hyperparameters-notes", "002:21-23"), Source("dl-recap-slides", "004:275-281"), Source("training-practice-slides", "001:128")),
    data="cifar10",
    arms=tuple(Arm(name, means) for name, means in MEANS.items()),
    scales=(Scale("quick", n_train=5_000, n_test=2_000, epochs=12, patience=1), Scale("full", epochs=50, patience=5)),
    measure=measure,
    claims=(
        Claim("decay-beats-constant", "The best decaying schedule ends with a lower test error than the best constant rate.", "000:98, 004:275-281", decay_gain, "points", below=0.0),
        Claim("decay-lowers-test-loss", "And with a lower test loss.", "000:98, 004:275-281", loss_gain, "nats", below=0.0),
        Claim("any-schedule-will-do", "A schedule taken at random does, too.", "000:98", median_gain, "points", below=0.0, expectation="MIXED"),
        *(Claim(f"{name}-follows-formula", f"The schedule {name} is its formula.", "000:79-110, 002:21-23", lambda arms, scale, name=name: arms[name].metrics["off_formula"], "per update", above=0.0, below=1e-7, exact=True, expectation="MATH", measures="Largest distance of the schedule from its formula at 1,000 times") for name in SCHEDULES),
    ),  # fmt: skip
    figures=(Curves("Rate, loss and error through the epochs", panels=(Panel(("learning_rate",), "learning rate"), Panel(("train_loss",), "training loss (nats)", log=True), Panel(("test_error",), "test error (fraction)")), columns="overlay"),),
)  # fmt: skip
