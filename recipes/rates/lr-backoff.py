"""Start with a rate far too large and divide it whenever training diverges: by two, three or ten.

Source: "Training" (notes on hyper-parameters), section "Learning rate": by three;
        "Introduction to Deep Learning" (recap), slide "Learning Rate": by two, or by ten where
        training diverges at once
Data:   cifar10, standardised, flattened; the last fifth of the training images for validation
Cost:   quick 52 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 8 min (one of two workers, Intel Xeon)
Replay: reprise run lr-backoff --scale full

The documents name neither network nor first rate: 3072-100-10, plain SGD, batches of 100, first
rates drawn between 3 and 30. Every try begins with the same initial weights. It diverges where the
mean loss of an epoch is not finite or above three times the first, or is in the end a tenth above
it; at once means in the first epoch. What a policy ends with is set against the rate that is best,
by training loss, of a grid of factor 1.5.
"""

import numpy as np

from keras_reprise import Arm, Measurement, Metric, Recipe, Scale, Scatter, Source, detail, log
from keras_reprise import metric, rule
from keras_reprise.models import dense_classifier
from keras_reprise.rates import Restartable, diverges
from keras_reprise.search import log_grid

GRID = log_grid(0.1 / 1.5**10, 0.1 * 1.5**8, 19)


def means(trials, *names):
    return {name: np.mean([trial[name] for trial in trials]) for name in names}


def measure(arm, replicate):
    scale, data = replicate.scale, replicate.dataset()
    data = data.with_validation(len(data.y_train) // 5).standardised().flattened()

    def build(seeds):
        return dense_classifier(seeds, data.image_shape[0], [100], data.classes)

    network = Restartable(build, data, replicate, draws=scale.draws)

    def tried(rate, draw):
        history = network.train(rate, scale.epochs, draw)
        diverged = diverges(history)
        return {
            "loss": np.inf if diverged else history.last["train_loss"],
            "error": 100 * history.last["test_error"],
            "updates": history.updates,
            "diverged": diverged,
            "divisor": arm.at_once if history.epochs == 1 else arm.divisor,
        }

    if arm.name == "grid":
        settings = [{"rate": rate, "draw": draw} for rate in GRID for draw in range(scale.draws)]
        trials = replicate.sweep(settings, tried)
        by_rate = [trials[k : k + scale.draws] for k in range(0, len(trials), scale.draws)]
        best = min(by_rate, key=lambda some: means(some, "loss")["loss"])
        return Measurement(means(best, "rate", "error"), trials=trials)

    def backed_off(start, draw):
        rate, tries, wasted = start, 1, 0
        while (found := tried(rate, draw))["diverged"]:
            rate, tries, wasted = rate / found["divisor"], tries + 1, wasted + found["updates"]
        return {"rate": rate, "tries": tries, "wasted": wasted, "error": found["error"]}

    starts = 3 * 10 ** replicate.seeds.generator("search").random(scale.starts)
    settings = [{"start": rate, "draw": k % scale.draws} for k, rate in enumerate(starts)]
    trials = replicate.sweep(settings, backed_off)
    rate = np.exp(np.mean([np.log(trial["rate"]) for trial in trials]))
    found = means(trials, "error", "tries", "wasted") | {"rate": rate}
    return Measurement(found, trials=trials)


def worse(arm, than="grid"):
    """Validation error of the arm's rate minus that of another's, in points."""
    return metric(arm, "error") - metric(than, "error")


DISTANCE = "Distance between the logarithms of the rate of `thirds` and of the best"
RECAP = "Learning Rate"
CLAIMS = (
    rule("thirds-end-near-the-best", expectation="LIKELY")
    .says("Divided by three, the rate ends less than one point of error from the best one.")
    .must(worse("thirds") < 1.0),
    rule("halves-find-a-good-one", RECAP, expectation="LIKELY")
    .says("Halved, it does, too.")
    .must(worse("halves") < 1.0),
    rule("tenths-at-once-end-as-near", RECAP)
    .says("By ten where training diverges at once, it ends no point of error above halving.")
    .must(worse("tenths-at-once", "halves") < 1.0),
    detail("tenths-at-once-cost-less", RECAP, kind="discrete", expectation="LIKELY")
    .says("And wastes fewer updates than halving.")
    .must(metric("tenths-at-once", "wasted") < metric("halves", "wasted")),
    detail("tenths-end-near-the-best", RECAP, expectation="MIXED")
    .says("Always divided by ten, the rate ends less than one point of error from the best one.")
    .must(worse("tenths") < 1.0),
    detail("thirds-cost-less", kind="discrete", expectation="LIKELY")
    .says("Thirds waste fewer updates than halves.")
    .must(metric("thirds", "wasted") < metric("halves", "wasted")),
    detail("thirds-within-a-factor-of-three")
    .says("Divided by three, the rate itself is within a factor of three of the best one.")
    .must(
        abs(log(metric("thirds", "rate") / metric("grid", "rate"))) < float(np.log(3)),
        measures=DISTANCE,
    ),
)

RECIPE = Recipe(
    slug="lr-backoff",
    version=1,
    question="Does dividing a rate that diverges, by two, three or ten, end near the best rate?",
    sources=(Source("hyperparameters-notes", "Learning rate"), Source("dl-recap-slides", RECAP)),
    data="cifar10",
    arms=(
        Arm("grid", "nineteen rates from 0.0017 to 2.6", divisor=1, at_once=1),
        Arm("halves", "divided by two", divisor=2, at_once=2),
        Arm("thirds", "divided by three", divisor=3, at_once=3),
        Arm("tenths", "divided by ten", divisor=10, at_once=10),
        Arm("tenths-at-once", "by ten in the first epoch, then by two", divisor=2, at_once=10),
    ),
    scales=(
        Scale("quick", n_train=10_000, n_test=100, epochs=3, starts=4, draws=2),
        Scale("full", n_test=100, epochs=10, starts=4, draws=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Scatter("Where the policies end", "rate", "error", log=("x",)),
    metrics=(
        Metric("error", "validation error", "percent"),
        Metric("tries", "tries"),
        Metric("wasted", "updates of tries that diverged", "updates"),
    ),
)
