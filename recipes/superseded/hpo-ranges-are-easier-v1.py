"""The range to search is easier to choose than the learning rate itself.

Source: "Lecture 7: Practical considerations for training deep models", slide "Hyperparameter
        Selection: Automatic Tuning"
Data:   cifar10, standardised, flattened
Cost:   quick 31 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run hpo-ranges-are-easier --scale full

The slide gives no experiment. A 3072-50-10 network with plain SGD is trained at sixteen rates in
each of seven decades. Who is unsure by so many decades either takes one rate, so many decades above
or below the best, or searches a range that reaches so far to both sides: twenty random rates, of
which the one with the best validation accuracy is taken. The best rate and the search are judged on
test images that chose nothing; 2,000 searches are drawn from the rates that were trained.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source, at
from keras_reprise import curve, detail, mean, rule
from keras_reprise.models import dense_classifier
from keras_reprise.rates import Restartable
from keras_reprise.search import log_grid

A_DECADE = 16
RATES, UNSURE = log_grid(1e-5, 1e2, 7 * A_DECADE + 1), (1, 2, 3)
TRIALS, SEARCHES = 20, 2000


def measure(arm, replicate):
    data = replicate.dataset().standardised().flattened()

    def build(seeds):
        return dense_classifier(seeds, data.image_shape[0], [50], data.classes)

    network, half = Restartable(build, data, replicate), len(data.y_test) // 2
    passes = Order(passes=replicate.scale.epochs)

    def trained(rate):
        right = ~network.train(rate, 1, batch_size=50, order=passes).test_wrong[-1]
        return {"validation": 100 * right[:half].mean(), "test": 100 * right[half:].mean()}

    trials = replicate.sweep([{"rate": rate} for rate in RATES], trained)
    validation, test = trials.column("validation"), trials.column("test")
    smooth = np.convolve(validation, np.ones(5) / 5, "same")  # one lucky rate is not the best
    best, random = int(np.argmax(smooth)), replicate.seeds.generator("search")
    lost = {"one_rate": [], "a_range": []}
    for decades in UNSURE:
        off = [best - decades * A_DECADE, best + decades * A_DECADE]
        taken = [place for place in off if 0 <= place < len(RATES)]
        low, high = max(off[0], 0), min(off[1], len(RATES) - 1)
        drawn = random.integers(low, high + 1, (SEARCHES, TRIALS))
        found = drawn[np.arange(SEARCHES), validation[drawn].argmax(axis=1)]
        lost["one_rate"].append(test[best] - test[taken].mean())
        lost["a_range"].append(test[best] - test[found].mean())
    metrics = {"best": RATES[best], "best_accuracy": test[best]}
    curves = {"unsure": UNSURE, "rate": RATES, "accuracy": test}
    return Measurement(metrics, curves | lost, trials=trials)


RATE, RANGE = curve("rates", "one_rate"), curve("rates", "a_range")
FOUR = "Four times the accuracy lost by the searches minus that lost by the rates, means"
LESS = "Accuracy lost by the search minus that by the rate, at {} off"
CLAIMS = (
    rule("a-range-forgives-more")
    .says("A range one to three decades too wide loses under a quarter of what such a rate does.")
    .must(4 * mean(RANGE) < mean(RATE), unit="points", measures=FOUR),
    *(
        detail(f"at-{decades}-decades")
        .says(f"It loses less at {decades} {'decade' if decades == 1 else 'decades'}.")
        .must(at(RANGE, decades) < at(RATE, decades), measures=LESS.format(decades))
        for decades in UNSURE
    ),
    detail("widest-range-still-works")
    .says("Searching all six decades around the best rate loses less than two points.")
    .must(at(RANGE, 3) < 2, measures="Accuracy lost by the search of six decades"),
)

RECIPE = Recipe(
    slug="hpo-ranges-are-easier",
    version=1,
    question="Is a search's range easier to choose than the learning rate itself?",
    sources=Source("training-practice-slides", "Hyperparameter Selection: Automatic Tuning"),
    data="cifar10",
    arms=(Arm("rates", "the network at 113 rates from 1e-5 to 100"),),
    scales=(
        Scale("quick", n_train=2_000, n_test=4_000, epochs=5),
        Scale("full", n_train=20_000, epochs=10),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves(
            "What being unsure costs",
            Panel(("one_rate", "a_range"), "test accuracy lost (points)"),
            x="unsure",
            columns="arms",
        ),
        Curves("Accuracy by rate", "accuracy", x="rate", x_log=True),
    ),
    metrics=(
        Metric("unsure", "decades of being unsure, to either side"),
        Metric("one_rate", "accuracy lost by one rate", "points", "decades"),
        Metric("a_range", "accuracy lost by searching a range", "points", "decades"),
        Metric("accuracy", "test accuracy", "percent", "rate"),
        Metric("best_accuracy", "test accuracy at the best rate", "percent"),
        Metric("best", "best rate"),
    ),
)
