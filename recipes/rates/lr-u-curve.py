"""Training error over the learning rate is a valley: it is high at rates too small and too large.

Source: "Lecture 7: Practical considerations for training deep models", slides "Learning Rate" and
        "High Training Error: Debugging"; the slide's lost curve is Goodfellow's (2016), figure 11.1
Data:   cifar10, standardised, flattened
Cost:   quick 14 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 4 min (one of two workers, Intel Xeon)
Replay: reprise run lr-u-curve --scale full

The slides name no network: 3072-100-10, plain SGD, batches of 100, a fixed number of epochs. The
best rate is chosen by other initial weights than those it is judged by.
"""

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import first, last, metric, rule
from keras_reprise.models import dense_classifier
from keras_reprise.rates import Restartable, off_best
from keras_reprise.search import log_grid

RATES, DECADE = log_grid(1e-5, 10.0, 13), 2  # two rates of the grid are a factor of ten


def measure(arm, replicate):
    data, draws = replicate.dataset().standardised().flattened(), replicate.scale.draws

    def build(seeds):
        return dense_classifier(seeds, data.image_shape[0], [100], data.classes)

    network = Restartable(build, data, replicate, draws=draws)

    def trained(draw, rate):
        history = network.train(rate, replicate.scale.epochs, draw, diverged_factor=None)
        return history.last | {"rise": history.last["train_loss"] - history.initial["test_loss"]}

    settings = [{"draw": draw, "rate": rate} for draw in range(draws) for rate in RATES]
    trials = replicate.sweep(settings, trained)
    errors = trials.column("train_error").reshape(draws, -1)
    metrics = {"below": off_best(errors, -DECADE), "above": off_best(errors, DECADE)}
    found = trials.curves("train_error", "test_error", "rise")
    curves = {name: column.reshape(draws, -1).mean(axis=0) for name, column in found.items()}
    return Measurement(metrics, curves | {"rate": RATES}, trials=trials)


DEBUGGING = "High Training Error: Debugging"
ERRORS = Panel(("train_error", "test_error"), "error (fraction)")
CLAIMS = (
    rule("higher-below-the-best")
    .says("At a tenth of the best rate the training error is higher.")
    .must(100 * metric("sweep", "below") > 0, unit="points"),
    rule("higher-above-the-best")
    .says("At ten times the best rate it is higher, too.")
    .must(100 * metric("sweep", "above") > 0, unit="points"),
    detail("steeper-above", "Goodfellow, Bengio and Courville (2016), figure 11.1")
    .says("It rises more above the best rate than below it.")
    .must(100 * (metric("sweep", "above") - metric("sweep", "below")) > 0, unit="points"),
    detail("stays-high-at-the-smallest", DEBUGGING)
    .says("At the smallest rate more than half of the training images are still misclassified.")
    .must(first("sweep", "train_error") > 0.5),
    detail("stays-high-at-the-largest", DEBUGGING)
    .says("And at the largest.")
    .must(last("sweep", "train_error") > 0.5),
)

RECIPE = Recipe(
    slug="lr-u-curve",
    version=1,
    question="Is the training error over the logarithm of the learning rate a valley?",
    sources=(
        Source("training-practice-slides", "Learning Rate"),
        Source("training-practice-slides", DEBUGGING),
        Source("dl-recap-slides", "Learning Rate"),
        Source("hyperparameters-notes", "Learning rate"),
    ),
    data="cifar10",
    arms=(Arm("sweep", "thirteen rates from 1e-5 to 10, each from the same initial weights"),),
    scales=(
        Scale("quick", n_train=5_000, n_test=1_000, epochs=5, draws=2),
        Scale("full", epochs=10, draws=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Error by rate", ERRORS, x="rate", x_log=True, columns="arms"),
    metrics=(
        Metric("below", "training error at a tenth of the best rate minus that at the best"),
        Metric("above", "training error at ten times the best rate minus that at the best"),
    ),
)
