"""The choice of the error metric decides which model is best.

Source: "Lecture 7: Practical considerations for training deep models", slide "Performance Metrics"
Data:   cifar10, standardised, flattened
Cost:   quick 43 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run metric-decides --scale full

The slide gives no experiment; that two metrics choose different models is how its sentence can be
tested. The most frequent class has fifty times the images of the rarest, with equal steps of the
logarithm between, in the images to train and to choose on alike. Thirty random trials (rate, L2
penalty) of a 3072-50-10 network are ranked by accuracy and by balanced accuracy, the mean of the
classes' accuracies. In a third arm the trials differ in how far rare classes are drawn more often,
too. Test accuracies by class are those of all test images.
"""

import keras
import numpy as np
from scipy.stats import kendalltau

from keras_reprise import Arm, Dataset, Measurement, Metric, Order, Recipe, Scale, Scatter, Source
from keras_reprise import above, detail, equal, metric, rule, snapshot, train
from keras_reprise.models import dense_classifier
from keras_reprise.search import log_uniform, random_search, uniform

RATIO = 50


def counts(most, classes, equally):
    """Images of each class, the most frequent one first; as many in sum where they are equal."""
    found = np.maximum(np.round(most * RATIO ** (-np.arange(classes) / (classes - 1))), 1)
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
    chosen_on = np.concatenate(to_choose)
    x_later = np.concatenate([data.x_train[chosen_on], data.x_test])
    y_later = np.concatenate([data.y_train[chosen_on], data.y_test])
    model = dense_classifier(replicate.seeds, data.image_shape[0], [50], data.classes, penalty=0.5)
    sgd = keras.optimizers.SGD(momentum=0.9)
    restart, passes = snapshot(model, sgd), Order(passes=scale.epochs)

    def images(places):
        return Dataset.of("part", data.x_train[places], data.y_train[places], x_later, y_later)

    as_they_are = images(np.concatenate(to_train))

    def trained(learning_rate, penalty, evened=None):
        mine = as_they_are
        if evened is not None:
            draw = np.random.default_rng(replicate.seeds.integer("data", "drawn"))
            mine = images(drawn_evenly(to_train, evened, draw))
        restart()
        options = {"learning_rate": learning_rate, "penalty": penalty, "order": passes}
        history = train(model, mine, replicate, optimizer=sgd, batch_size=50, epochs=1, **options)
        right = 100.0 * ~history.test_wrong[-1]
        part, later = right[: len(chosen_on)], right[len(chosen_on) :]
        by_class = [part[data.y_train[chosen_on] == label].mean() for label in order]
        return {
            "accuracy": round(part.mean(), 9),
            "balanced": round(np.mean(by_class), 9),
            "test_balanced": np.mean([later[data.y_test == label].mean() for label in order]),
            "test_error": 1 - part.mean() / 100,
            "diverged": history.diverged,
        }

    space = {"learning_rate": log_uniform(1e-3, 1e-1), "penalty": log_uniform(1e-5, 1e-1)}
    space |= {"evened": uniform(0.0, 1.0)} if arm.evened else {}
    trials = random_search(replicate, space, scale.trials, trained)
    accuracy, balanced = ([trial[name] for trial in trials] for name in ("accuracy", "balanced"))
    winners = trials[int(np.argmax(accuracy))], trials[int(np.argmax(balanced))]
    costs = winners[1]["test_balanced"] - winners[0]["test_balanced"]
    tau = kendalltau(accuracy, balanced).statistic
    return Measurement(
        {"tau": tau, "differ": winners[0] is not winners[1], "costs": costs}, trials=trials
    )


CLAIMS = (
    rule("other-winner", kind="share")
    .says("With classes of unequal frequency accuracy and balanced accuracy choose other models.")
    .must(metric("unequal", "differ"), above(0.5)),
    rule("other-ranking")
    .says("They rank the trials in clearly different orders.")
    .must(metric("unequal", "tau") < 0.8),
    detail("same-where-classes-are-equal", kind="exact", expectation="MATH")
    .says("With classes of equal frequency they are one metric, and rank alike.")
    .must(metric("equal", "tau"), equal(1)),
    detail("the-other-metric-costs")
    .says("Chosen by accuracy, a model loses more than a point of balanced accuracy.")
    .must(metric("unequal", "costs") > 1),
    detail("costs-more-with-more-choices")
    .says("It loses more where trials differ in how often rare classes are drawn.")
    .must(metric("evened", "costs") > metric("unequal", "costs")),
)

RECIPE = Recipe(
    slug="metric-decides",
    version=1,
    question="Do two error metrics choose different models?",
    sources=Source("training-practice-slides", "Performance Metrics"),
    data="cifar10",
    arms=(
        Arm("equal", "classes of equal frequency", equally=True, evened=False),
        Arm("unequal", "frequencies from 1 to 50", equally=False, evened=False),
        Arm("evened", "the same, rare classes drawn more often", equally=False, evened=True),
    ),
    scales=(
        Scale("quick", n_train=10_000, n_test=2_000, epochs=8, trials=30),
        Scale("full", epochs=20, trials=30),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Scatter("Trials by two metrics", "accuracy", "balanced"),
    metrics=(
        Metric("accuracy", "validation accuracy", "percent"),
        Metric("balanced", "balanced validation accuracy", "percent"),
        Metric("tau", "Kendall's rank correlation of accuracy and balanced accuracy"),
        Metric("differ", "whether the two metrics choose different trials"),
        Metric("costs", "balanced test accuracy lost by choosing by accuracy", "points"),
    ),
)
