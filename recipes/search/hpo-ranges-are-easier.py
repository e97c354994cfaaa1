"""The range to search is easier to choose than the learning rate itself.

Source: "Lecture 7: Practical considerations for training deep models", slide "Hyperparameter
        Selection: Automatic Tuning"
Data:   cifar10, standardised, flattened
Cost:   quick 21 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run hpo-ranges-are-easier --scale full

The slide gives no experiment. A 3072-50-10 network with plain SGD is trained at rates in all of
thirteen decades. Who is wrong by one to three decades, above or below the best rate, either takes
that rate, or searches a range around it that reaches as far as the best to both sides, or only half
as far, so that it misses the best. A search is twenty random rates, twenty trainings to one, of
which that with the best validation accuracy is taken. The best rate and the searches are judged on
test images that chose nothing; 2,000 searches are drawn from the rates that were trained.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source, at
from keras_reprise import curve, detail, mean, rule
from keras_reprise.models import dense_classifier
from keras_reprise.rates import Restartable
from keras_reprise.search import log_grid

WRONG, TRIALS, SEARCHES = (1, 2, 3), 20, 2000


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    rates = log_grid(1e-8, 1e5, 13 * scale.a_decade + 1)

    def build(seeds):
        return dense_classifier(seeds, data.image_shape[0], [50], data.classes)

    network, half = Restartable(build, data, replicate), len(data.y_test) // 2
    passes = Order(passes=scale.epochs)

    def trained(rate):
        right = ~network.train(rate, 1, batch_size=50, order=passes).test_wrong[-1]
        return {"validation": 100 * right[:half].mean(), "test": 100 * right[half:].mean()}

    trials = replicate.sweep([{"rate": rate} for rate in rates], trained)
    validation, test = trials.column("validation"), trials.column("test")
    wide = 2 * (scale.a_decade // 6) + 1  # a third of a decade: one lucky rate is not the best
    smooth = np.convolve(validation, np.ones(wide) / wide, "same")
    best, random = int(np.argmax(smooth)), replicate.seeds.generator("search")

    def accuracies(middle, steps):
        """Of the rate itself, and means of searches as far as the best and half as far."""
        found = [test[middle]]
        for reach in (steps, steps // 2):
            low, high = max(middle - reach, 0), min(middle + reach, len(rates) - 1)
            drawn = random.integers(low, high + 1, (SEARCHES, TRIALS))
            winners = drawn[np.arange(SEARCHES), validation[drawn].argmax(axis=1)]
            found.append(test[winners].mean())
        return found

    lost = []
    for decades in WRONG:
        steps = decades * scale.a_decade
        middles = np.clip((best - steps, best + steps), 0, len(rates) - 1)
        lost.append(test[best] - np.mean([accuracies(middle, steps) for middle in middles], axis=0))
    curves = dict(zip(("one_rate", "a_range", "a_miss"), np.transpose(lost), strict=True))
    curves |= {"wrong": WRONG, "rate": rates, "accuracy": test}
    metrics = {"best": rates[best], "best_accuracy": test[best]}
    return Measurement(metrics, curves, trials=trials)


RATE, RANGE, MISS = (curve("rates", name) for name in ("one_rate", "a_range", "a_miss"))
FOUR = "Four times the accuracy lost by the searches minus that lost by the rates, means"
CLAIMS = (
    rule("a-wrong-range-forgives-more")
    .says(
        "A search around a wrong rate that reaches the best loses less than a quarter of what the"
        " wrong rate loses."
    )
    .must(4 * mean(RANGE) < mean(RATE), unit="points", measures=FOUR),
    *(
        detail(f"around-a-rate-{decades}-decades-off")
        .says(f"It loses less around a rate {decades} decade{'s' * (decades > 1)} off.")
        .must(
            at(RANGE, decades) < at(RATE, decades),
            measures=f"Accuracy lost by the search minus that by the rate, at {decades} off",
        )
        for decades in WRONG
    ),
    detail("a-range-that-misses-loses-more")
    .says("A range that misses the best rate loses more than one that has it at an edge.")
    .must(mean(MISS) > mean(RANGE)),
    detail("a-range-that-misses-forgives-too")
    .says("It still loses less than the rate that it is around.")
    .must(mean(MISS) < mean(RATE)),
    detail("widest-range-still-works")
    .says("Searching six decades with the best rate at an edge loses less than two points.")
    .must(at(RANGE, 3) < 2, measures="Accuracy lost by the search of six decades"),
)

RECIPE = Recipe(
    slug="hpo-ranges-are-easier",
    version=2,
    question="Is a search's range easier to choose than the learning rate itself?",
    sources=Source("training-practice-slides", "Hyperparameter Selection: Automatic Tuning"),
    data="cifar10",
    arms=(Arm("rates", "the network at rates from 1e-8 to 1e5"),),
    scales=(
        Scale("quick", n_train=2_000, n_test=4_000, epochs=5, a_decade=8),
        Scale("full", n_train=20_000, epochs=10, a_decade=16),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves(
            "What being wrong costs",
            Panel(("one_rate", "a_range", "a_miss"), "test accuracy lost (points)"),
            x="wrong",
            columns="arms",
        ),
        Curves("Accuracy by rate", "accuracy", x="rate", x_log=True),
    ),
    metrics=(
        Metric("wrong", "decades of being wrong"),
        Metric("one_rate", "accuracy lost by the wrong rate", "points", "decades"),
        Metric("a_range", "accuracy lost by searching as far as the best", "points", "decades"),
        Metric("a_miss", "accuracy lost by searching half as far", "points", "decades"),
        Metric("accuracy", "test accuracy", "percent", "rate"),
        Metric("best_accuracy", "test accuracy at the best rate", "percent"),
        Metric("best", "best rate"),
    ),
)
