"""Dropout reduces overfitting: one half is good, and less fits better.

Source: "Deep Network Components & Training", slide "Regularization: Dropout"; Varastey Yazdi,
        "Introduction to Deep Learning, Lecture 03", slide "Regularization Techniques"; Harakeh,
        lecture 7, slides "Default Baseline Models" and "Dropout rate"
Data:   cifar10, standardised, flattened
Cost:   quick 33 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run dropout-rate --scale full

The documents give no experiment: 3072-200-200-10 with ReLUs, dropout after each hidden layer, few
images, SGD with momentum. Each dropout rate has the best of three learning rates, chosen on half of
the test images from one draw of the weights and judged on the other half from others. Training loss
and error are taken at the end without dropout. One half counts as good where no other rate tests
better by a point, the best rate being chosen on the first half, too.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import at, curve, detail, equal, evaluate, first, last, metric, rank_correlation
from keras_reprise import rule
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable, judged_errors, tuned

RATES, DROPPED = (0.001, 0.003, 0.01), (0.0, 0.25, 0.5, 0.65, 0.8)
HALF = DROPPED.index(0.5)


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    sizes, weights, found, validation = (data.image_shape[0], [200, 200], data.classes), [], [], []
    for dropped in DROPPED:

        def build(seeds, dropped=dropped):
            return normalised_dense(seeds, *sizes, "relu", "none", dropped)

        sgd = keras.optimizers.SGD(momentum=0.9)
        network = Restartable(build, data, replicate, sgd, draws=1 + scale.draws)

        def judge(history, network=network):
            losses, wrong = evaluate(network.model, data.x_train, data.y_train)
            fit = {"train_loss": losses.mean(), "train_error": 100 * wrong.mean()}
            return fit | {"test_error": judged_errors(history, scale.looks)[-1]}

        options = {"batch_size": 50, "order": Order(passes=scale.passes)}
        trials, best = tuned(network, RATES, scale.looks, judge, **options)
        found.append(best | {"gap": best["test_error"] - best["train_error"], "dropped": dropped})
        validation.append(min(trials.column("criterion")))
        weights.append(network.model.count_params())
    curves = {name: np.array([one[name] for one in found]) for name in found[0]}
    lost = curves["test_error"][HALF] - curves["test_error"][np.argmin(validation)]
    return Measurement({"lost": lost, "more_weights": max(weights) - min(weights)}, curves)


TEST, GAP = curve("sweep", "test_error"), curve("sweep", "gap")
EASY, FITS = "Default Baseline Models", "Dropout rate"
CLAIMS = (
    rule("reduces-overfitting", "Regularization Techniques")
    .says("With half of the units dropped test and training error differ by less than with none.")
    .must(at(GAP, HALF + 1) < first(GAP), measures="Test minus training error, 0.5 minus 0"),
    rule("lowers-test-error", EASY)
    .says("And the test error is lower.")
    .must(at(TEST, HALF + 1) < first(TEST), measures="Test error, 0.5 minus 0"),
    rule("one-half-is-good", "Regularization: Dropout", kind="discrete")
    .says("No other rate of dropout tests better than one half by a point.")
    .must(metric("sweep", "lost") < 1),
    rule("less-dropout-fits-better", FITS, kind="discrete")
    .says("The less is dropped, the lower the training loss.")
    .must(rank_correlation(curve("sweep", "train_loss"), curve("sweep", "dropped")) > 0.8),
    detail("four-fifths-is-too-much", FITS)
    .says("With four of five units dropped the training error is higher than with half.")
    .must(last("sweep", "train_error") > at(curve("sweep", "train_error"), HALF + 1)),
    detail("adds-no-weights", EASY, kind="exact", expectation="MATH")
    .says("Dropout adds no weights.")
    .must(metric("sweep", "more_weights"), equal(0)),
)

RECIPE = Recipe(
    slug="dropout-rate",
    version=2,
    question="How much dropout reduces overfitting, and how much is too much?",
    sources=(
        Source("cs231n-slides", "Regularization: Dropout"),
        Source("dl-recap-slides", "Regularization Techniques"),
        *(Source("training-practice-slides", title) for title in (EASY, FITS)),
    ),
    data="cifar10",
    arms=(Arm("sweep", "five rates of dropout from 0 to 0.8"),),
    scales=(
        Scale("quick", n_train=1_000, n_test=2_000, looks=3, passes=8, draws=2),
        Scale("full", n_train=10_000, looks=10, passes=8, draws=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Error by rate of dropout",
        (Panel(("train_error", "test_error"), "error (percent)"), Panel("train_loss", log=True)),
        x="dropped",
        columns="arms",
    ),
    metrics=(
        Metric("dropped", "rate of dropout"),
        Metric("train_loss", "training loss without dropout", "nats", "dropped"),
        Metric("train_error", "training error", "percent", "dropped"),
        Metric("test_error", "test error", "percent", "dropped"),
        Metric("gap", "test error minus the training error", "points", "dropped"),
        Metric("rate", "best learning rate", "", "dropped"),
        Metric("lost", "test error at one half minus that at the best rate of dropout", "points"),
        Metric("more_weights", "weights that dropout adds"),
    ),
)
