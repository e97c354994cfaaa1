"""With batch normalisation dropout gains less, and perhaps nothing.

Source: "Deep Network Components & Training", slide "Batch normalization"; Harakeh, lecture 7, slide
        "Default Baseline Models"
Data:   cifar10, standardised, flattened
Cost:   quick 5 min per replicate (beside other work on 2 cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run bn-vs-dropout --scale full

The documents give no experiment: 3072-200-200-10 with ReLUs, SGD with momentum, batches of 50,
dropout of one half, the common rate. Each network has its best learning rate, which lies between
others that are worse, by one half of the test images and is judged on the other, after the last
epoch.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import detail, metric, rule
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable, best_run, judged_errors

RATES = (0.003, 0.01, 0.03)


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    sgd, order = keras.optimizers.SGD(momentum=0.9), Order(passes=scale.passes)
    sizes = data.image_shape[0], [200, 200], data.classes

    def build(seeds):
        return normalised_dense(seeds, *sizes, "relu", arm.normalisation, arm.dropout)

    network = Restartable(build, data, replicate, sgd)
    rate, history = best_run(network, RATES, scale.looks, batch_size=50, order=order)
    error = judged_errors(history, scale.looks)
    curves = {"error": error, "train_loss": history.curves["train_loss"]}
    curves["epochs"] = [scale.passes * look for look in range(1, scale.looks + 1)]
    return Measurement({"error": error[-1], "rate": rate}, curves)


def gain(normalised):
    """By how many points dropout lowers the test error."""
    without, with_it = ("batch-norm", "both") if normalised else ("plain", "dropout")
    return metric(without, "error") - metric(with_it, "error")


GAINS = "Points that dropout gains with batch normalisation, minus those without"
CLAIMS = (
    rule("dropout-gains-less")
    .says("With batch normalisation dropout lowers the test error by less than without.")
    .must(gain(True) < gain(False), measures=GAINS),
    rule("dropout-gains-nothing-more", "Default Baseline Models", expectation="MIXED")
    .says("With batch normalisation dropout gains nothing more: less than half a point.")
    .must(gain(True) < 0.5, measures="Points that dropout gains with batch normalisation"),
    detail("dropout-gains-without")
    .says("Without batch normalisation dropout lowers the test error.")
    .must(gain(False) > 0, measures="Points that dropout gains without batch normalisation"),
    detail("batch-norm-regularises")
    .says("Batch normalisation itself lowers the test error.")
    .must(metric("batch-norm", "error") < metric("plain", "error")),
    detail("batch-norm-replaces-dropout", "Default Baseline Models", expectation="MIXED")
    .says("Batch normalisation alone tests no worse than dropout alone, by less than half a point.")
    .must(metric("batch-norm", "error") - metric("dropout", "error") < 0.5),
)

RECIPE = Recipe(
    slug="bn-vs-dropout",
    version=2,
    question="Does dropout still help a network with batch normalisation?",
    sources=(
        Source("cs231n-slides", "Batch normalization"),
        Source("training-practice-slides", "Default Baseline Models"),
    ),
    data="cifar10",
    arms=(
        Arm("plain", "neither", normalisation="none", dropout=0.0),
        Arm("dropout", "dropout of one half", normalisation="none", dropout=0.5),
        Arm("batch-norm", "batch normalisation", normalisation="before", dropout=0.0),
        Arm("both", "both", normalisation="before", dropout=0.5),
    ),
    scales=(
        Scale("quick", n_train=1_500, looks=5, passes=6),
        Scale("full", n_train=20_000, looks=20, passes=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Through the epochs", (Panel("error"), Panel("train_loss", log=True)), x="epochs"
    ),
    metrics=(
        Metric("error", "test error", "percent", "look"),
        Metric("epochs", "epochs"),
        Metric("rate", "best learning rate"),
    ),
)
