"""Stop a run whose cost is above three times the first one: it saves most of what diverging runs would have cost, and costs no good run

Source: document 003 (003:605)
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   quick 13 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run abort-on-3x --scale full

Random trials from the document's coarse box train to the end; the rule is then applied to the cost of every update, and what it
would have saved is counted. `keras_reprise.callbacks.AbortAboveInitial` is the rule for `model.fit`.
"""

import numpy as np

from keras_reprise import Arm, Box, Claim, Measurement, Recipe, Scale, Scatter, Source
from keras_reprise.search import log_uniform, random_search
from keras_reprise.two_layer import UPDATES, Trainer, tripled_at

COARSE = {"learning_rate": log_uniform(1e-6, 1e-3), "reg": log_uniform(1e-5, 1e5)}
GOOD = 0.3  # a run that ends above this validation accuracy is one that must not be stopped


def measure(arm, replicate):
    trainer, scale = Trainer(replicate), replicate.scale

    def trained(learning_rate, reg):
        history = trainer.train(learning_rate, reg, epochs=scale.epochs, decay=arm.decay, updates=arm.updates, diverged_factor=None)
        planned = scale.epochs * history.updates // history.epochs
        stopped = tripled_at(history) or planned
        finite = np.isfinite(history.update_losses)
        return {
            "accuracy": 1 - history.curves["test_error"][-1], "stopped": stopped < planned, "saved": 1 - stopped / planned,
            "before_not_finite": bool(finite.all() or stopped <= np.argmin(finite) + 1), "diverged": history.diverged,
        }  # fmt: skip

    if arm.rates:
        trials = replicate.sweep([{"learning_rate": rate, "reg": 1e-6} for rate in arm.rates], trained)
    else:
        trials = random_search(replicate, COARSE, scale.trials, trained, objective="accuracy")
    trials = [{**trial, "outcome": "stopped" if trial["stopped"] else "goes on"} for trial in trials]
    stopped = [trial for trial in trials if trial["stopped"]]
    return Measurement(
        metrics={
            "trials": len(trials),
            "stopped": len(stopped),
            "good_stopped": sum(trial["accuracy"] > GOOD for trial in stopped),
            "saved": np.mean([trial["saved"] for trial in stopped]) if stopped else np.nan,
            "caught": np.mean([trial["stopped"] and trial["before_not_finite"] for trial in trials]),
        },
        trials=trials,
    )


def metric(arm, name):
    return lambda arms, scale: arms[arm].metrics[name]


RECIPE = Recipe(
    slug="abort-on-3x",
    version=1,
    question="Does the rule to stop at three times the first cost stop the right runs?",
    sources=(Source("cs231n-slides", "003:605"),),
    data="cifar10",
    arms=(
        Arm("coarse-search", "random trials: rate 1e-6 to 1e-3, penalty 1e-5 to 1e5", rates=(), decay=0.9, updates=None),
        Arm("documented-failures", "the document's two runs that fail: rates 0.003 and 1e6", rates=(3e-3, 1e6), decay=1.0, updates=UPDATES),
    ),
    scales=(Scale("quick", n_train=10_000, n_test=1_000, trials=20, epochs=5), Scale("full", trials=100, epochs=5)),
    measure=measure,
    claims=(
        Claim("stops-no-good-run", "No run that would have ended well is stopped.", "003:605", metric("coarse-search", "good_stopped"), "trials", above=-0.5, below=0.5, measures="Number of stopped trials that would have ended above a validation accuracy of 0.3"),
        Claim("saves-updates", "A stopped run is stopped early: at least half of its updates are saved.", "003:605", metric("documented-failures", "saved"), "fraction", above=0.5, measures="Share of the updates that the rule saves on the stopped runs, mean"),
        Claim("catches-documented-failures", "It catches both documented failures, before the cost is no number.", "003:538-591", metric("documented-failures", "caught"), "fraction", above=0.99, measures="Share of the two runs that are stopped no later than the first cost that is not finite"),
    ),
    figures=(Scatter("Which trials the rule stops", "learning_rate", "reg", "learning rate", "penalty strength", color="outcome", log=("x", "y"), arms=("coarse-search",), boxes=(Box("coarse box", (1e-6, 1e-3), (1e-5, 1e5)),)),),
)  # fmt: skip
