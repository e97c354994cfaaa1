"""Stop a run as soon as its cost is more than three times what it was at the start.

Source: "Deep network components and training" (after CS231n), "CROSS-VALIDATION STRATEGY"
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   quick 13 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run abort-on-3x --scale full

Random trials, and the runs of "loss exploding:", train to the end; the rule is then applied to each
cost, one that is no number counting as above. `callbacks.AbortAboveInitial` is it for `model.fit`.
"""

import numpy as np

from keras_reprise import Arm, Measurement, Metric, Recipe, Scale, Scatter, Source, column, count
from keras_reprise import detail, equal, keep, median, metric, rule
from keras_reprise.search import log_uniform, random_search
from keras_reprise.two_layer import Trainer, to_the_end, tripled_at

COARSE = {"learning_rate": log_uniform(1e-6, 1e-3), "reg": log_uniform(1e-5, 1e5)}


def measure(arm, replicate):
    trainer, epochs = Trainer(replicate), replicate.scale.epochs

    def trained(learning_rate, reg):
        history = to_the_end(
            trainer, learning_rate, reg=reg, epochs=epochs, updates=arm.updates, decay=arm.decay
        )
        planned = epochs * history.updates // history.epochs
        stopped = tripled_at(history) or planned
        early, finite = stopped < planned, np.isfinite(history.update_losses[: stopped - 1])
        ended = {"accuracy": 1 - history.curves["test_error"][-1], "diverged": history.diverged}
        ended |= {"stopped": early, "outcome": "stopped" if early else "goes on"}
        return ended | {"saved": 1 - stopped / planned, "before_not_finite": bool(finite.all())}

    if arm.rates:
        failures = [{"learning_rate": rate, "reg": 1e-6} for rate in arm.rates]
        trials = replicate.sweep(failures, trained)
    else:
        trials = random_search(replicate, COARSE, replicate.scale.trials, trained)
    stopped = [trial for trial in trials if trial["stopped"]]
    metrics = {"trials": len(trials), "stopped": len(stopped)}
    metrics["good_stopped"] = sum(trial["accuracy"] > 0.3 for trial in stopped)
    metrics["saved"] = np.mean([trial["saved"] for trial in stopped] or [np.nan])
    metrics["caught"] = sum(trial["before_not_finite"] for trial in stopped) / len(trials)
    return Measurement(metrics, trials=trials)


STOPS, ACCURACY = column("coarse-search", "stopped"), column("coarse-search", "accuracy")
AS_GOOD = (STOPS > 0) & (median(keep(ACCURACY, STOPS < 1)) <= ACCURACY)
WASTED = "Stopped trials that would have ended at or above the median of the others"
STOPPED = "Which trials the rule stops"
CLAIMS = (
    rule("stopped-runs-end-badly", kind="discrete")
    .says("No run that is stopped would have ended as well as the middle one of those that go on.")
    .must(count(AS_GOOD), equal(0), given=metric("coarse-search", "stopped") > 0, measures=WASTED),
    rule("catches-documented-failures", kind="discrete")
    .says("It stops both documented failures; a cost that is no number counts as above, too.")
    .must(metric("documented-failures", "caught") > 0.99),
    detail("saves-updates")
    .says("A stopped run is stopped early: at least half of its updates are saved.")
    .must(metric("documented-failures", "saved") > 0.5),
)

RECIPE = Recipe(
    slug="abort-on-3x",
    version=1,
    question="Does the rule to stop at three times the first cost stop the right runs?",
    sources=Source("cs231n-slides", "CROSS-VALIDATION STRATEGY"),
    data="cifar10",
    arms=(
        Arm("coarse-search", "random rates, 1e-6 to 1e-3", rates=(), decay=0.9, updates=None),
        Arm("documented-failures", "rates 0.003, 1e6", rates=(3e-3, 1e6), decay=1.0, updates=490),
    ),
    scales=(
        Scale("quick", n_train=10_000, n_test=1_000, trials=20, epochs=5),
        Scale("full", trials=100, epochs=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Scatter(
        STOPPED, "learning_rate", "reg", color="outcome", log=("x", "y"), arms=("coarse-search",)
    ),
    metrics=(
        Metric("reg", "penalty strength"),
        Metric("caught", "share of runs stopped by the first cost that is no number", "fraction"),
        Metric("saved", "share of the updates of stopped runs that are saved", "fraction"),
    ),
)
