"""The choice of the error metric decides which model is best.

Source: "Lecture 7: Practical considerations for training deep models", slide "Performance Metrics"
Data:   cifar10, standardised, flattened
Cost:   quick 30 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run metric-decides --scale full

The slide gives no experiment; that two metrics choose different models is how its sentence can be
tested. The most frequent class has fifty times the images of the rarest, with equal steps of the
logarithm between, in the images to train and to choose on alike. Thirty random trials (rate, L2
penalty) of a 3072-50-10 network are ranked by accuracy and by balanced accuracy, the mean of the
classes' accuracies. In a third arm the trials differ in how far rare classes are drawn more often,
too; all are trained for as many updates. What a choice costs is told by all test images. Chance
alone ranks differently, too: how far one metric on half of the images to choose on ranks as on the
other half is what two metrics are set against.
"""

import keras
import numpy as np
from scipy.stats import kendalltau

from keras_reprise import Arm, Dataset, Measurement, Metric, Order, Recipe, Scale, Scatter, Source
from keras_reprise import detail, equal, metric, rule, snapshot, train
from keras_reprise.models import dense_classifier
from keras_reprise.search import log_uniform, random_search, uniform

RATIO = 50


def counts(most, classes, equally):
    """Images of each class, the most frequent one first; as many in sum where they are equal."""
    found = np.maximum(np.round(most * RATIO ** (-np.arange(classes) / (classes - 1))), 2)
    return np.full(classes, round(found.mean())) if equally else found.astype(int)


def drawn_evenly(rows, by, random):
    """Places of images: every class as often as it is (by 0) to as often as the first (by 1)."""
    wanted = [round(len(row) * (len(rows[0]) / len(row)) ** by) for row in rows]
    return np.concatenate([random.choice(row, n) for row, n in zip(rows, wanted, strict=True)])


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    random, n = replicate.seeds.generator("data"), len(data.y_train) // data.classes
    order = random.permutation(data.classes)
    sizes = [counts(share * n, data.classes, arm.equally) for share in (0.65, 0.25)]
    places = [random.permutation(np.flatnonzero(data.y_train == label)) for label in order]
    rows = zip(places, *sizes, strict=True)
    to_train, to_choose = zip(*((row[:a], row[a : a + b]) for row, a, b in rows), strict=True)
    ends = np.cumsum([len(row) for row in to_choose])
    chosen_on, as_they_are = np.concatenate(to_choose), np.concatenate(to_train)
    x_later = np.concatenate([data.x_train[chosen_on], data.x_test])
    y_later = np.concatenate([data.y_train[chosen_on], data.y_test])
    model = dense_classifier(replicate.seeds, data.image_shape[0], [50], data.classes, penalty=0.5)
    sgd = keras.optimizers.SGD(momentum=0.9)
    restart, examples = snapshot(model, sgd), scale.epochs * len(as_they_are)

    def trained(learning_rate, penalty, evened=None):
        draw = np.random.default_rng(replicate.seeds.integer("data", "drawn"))
        mine = as_they_are if evened is None else drawn_evenly(to_train, evened, draw)
        images = Dataset.of("part", data.x_train[mine], data.y_train[mine], x_later, y_later)
        restart()
        options = {"learning_rate": learning_rate, "penalty": penalty, "epochs": 1}
        options["order"] = Order("with-replacement", examples)
        history = train(model, images, replicate, optimizer=sgd, batch_size=50, **options)
        right = 100.0 * ~history.test_wrong[-1]
        by_class, later = np.split(right[: ends[-1]], ends[:-1]), right[ends[-1] :]
        found = {"diverged": history.diverged, "test_error": 1 - right[: ends[-1]].mean() / 100}
        found["test_balanced"] = np.mean([later[data.y_test == label].mean() for label in order])
        for of, first, step in (("", 0, 1), ("_even", 0, 2), ("_odd", 1, 2)):
            part = [one[first::step] for one in by_class]
            found[f"accuracy{of}"] = round(np.concatenate(part).mean(), 9)
            found[f"balanced{of}"] = round(np.mean([one.mean() for one in part]), 9)
        return found

    space = {"learning_rate": log_uniform(1e-3, 1e-1), "penalty": log_uniform(1e-5, 1e-1)}
    space |= {"evened": uniform(0.0, 1.0)} if arm.evened else {}
    trials = random_search(replicate, space, scale.trials, trained)

    def tau(*pairs):
        """Kendall's rank correlation of two entries of the trials, mean over pairs of them."""
        rows = ([[trial[name] for trial in trials] for name in pair] for pair in pairs)
        return np.mean([kendalltau(*pair).statistic for pair in rows])

    by_accuracy, by_balance = (tau((f"{of}_even", f"{of}_odd")) for of in ("accuracy", "balanced"))
    winners = [max(trials, key=lambda trial: trial[by]) for by in ("accuracy", "balanced")]
    metrics = {
        "costs": winners[1]["test_balanced"] - winners[0]["test_balanced"],
        "tau": tau(("accuracy", "balanced")),
        "across": tau(("accuracy_even", "balanced_odd"), ("accuracy_odd", "balanced_even")),
        "within": np.sqrt(max(0, by_accuracy) * max(0, by_balance)),
    }
    return Measurement(metrics, trials=trials)


CLAIMS = (
    rule("the-other-metric-costs")
    .says("Chosen by accuracy, a model loses more than a point of balanced test accuracy.")
    .must(metric("unequal", "costs") > 1),
    rule("metrics-rank-less-alike-than-halves")
    .says("Two metrics on two halves of the images rank the trials less alike than one does.")
    .must(metric("unequal", "across") < metric("unequal", "within")),
    detail("same-where-classes-are-equal", kind="exact", expectation="MATH")
    .says("With classes of equal frequency they are one metric, and rank alike.")
    .must(metric("equal", "tau"), equal(1)),
    detail("costs-more-with-more-choices")
    .says("More is lost where trials differ in how often rare classes are drawn.")
    .must(metric("evened", "costs") > metric("unequal", "costs")),
)

RECIPE = Recipe(
    slug="metric-decides",
    version=3,
    question="Do two error metrics choose different models?",
    sources=Source("training-practice-slides", "Performance Metrics"),
    data="cifar10",
    arms=(
        Arm("equal", "classes of equal frequency", equally=True, evened=False),
        Arm("unequal", "frequencies from 1 to 50", equally=False, evened=False),
        Arm("evened", "the same, rare classes drawn more often", equally=False, evened=True),
    ),
    scales=(
        Scale("quick", n_train=6_000, n_test=1_000, epochs=8, trials=30),
        Scale("full", epochs=20, trials=30),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Scatter("Trials by two metrics", "accuracy", "balanced"),
    metrics=(
        Metric("accuracy", "validation accuracy", "percent"),
        Metric("balanced", "balanced validation accuracy", "percent"),
        Metric("costs", "balanced test accuracy lost by choosing by accuracy", "points"),
        Metric("tau", "Kendall's rank correlation of accuracy and balanced accuracy"),
        Metric("across", "that of the two on two halves of the images"),
        Metric("within", "that of one metric on the halves, geometric mean of both metrics"),
    ),
)
