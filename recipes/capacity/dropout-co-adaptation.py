"""Dropout keeps hidden units from depending on one another.

Source: "Deep Network Components & Training", slide "Regularization: Dropout"; Varastey Yazdi,
        "Introduction to Deep Learning, Lecture 03", slide "Dropout Regularization"; the idea is
        that of Hinton et al. (2012)
Data:   cifar10, standardised, flattened
Cost:   quick 54 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run dropout-co-adaptation --scale full

The slides name no measure of it. Ours are two, both in the last hidden layer of 3072-256-256-10
and on test images: the mean absolute correlation between two units (units that never vary left
out), and the accuracy that is lost when a random half of the units is removed, the others doubled
so that the logits keep their size. With dropout half of the units are dropped, in both hidden
layers. Each arm has its best learning rate, which lies between others that are worse, chosen on
half of the test images from one draw of the weights and judged on the other half from others.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import detail, metric, rule
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable, searched

RATES, UNITS, REMOVED = (0.003, 0.01, 0.03), 256, (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)


def correlation(hidden):
    """The mean absolute correlation between two columns of `hidden` (n, units) that vary."""
    varying = hidden[:, hidden.std(axis=0) > 1e-6]
    return abs(np.corrcoef(varying.T)[np.triu_indices(varying.shape[1], 1)]).mean()


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    half, draw = len(data.y_test) // 2, replicate.seeds.generator("dropout")
    images, labels = data.x_test[half:], data.y_test[half:]
    drawn, sizes = draw.random((scale.masks, UNITS)), (data.image_shape[0], [UNITS] * 2)

    def build(seeds):
        return normalised_dense(seeds, *sizes, data.classes, "relu", "none", arm.rate)

    sgd = keras.optimizers.SGD(momentum=0.9)
    network = Restartable(build, data, replicate, sgd, draws=1 + scale.draws)

    def judge(history):
        logits = network.model.layers[-1]
        below = keras.Model(network.model.inputs[0], logits.input)
        hidden = keras.ops.convert_to_numpy(below(images, training=False))
        kernel, bias = logits.get_weights()

        def accuracy(removed):
            """With so large a share of the units removed, mean over the draws of which."""
            kept = [hidden * (one >= removed) / (1 - removed) for one in drawn]
            right = [(one @ kernel + bias).argmax(axis=1) == labels for one in kept]
            return 100 * np.mean(right)

        left = np.array([accuracy(removed) for removed in REMOVED])
        return {"correlation": correlation(hidden), "accuracy": left}

    options = {"batch_size": 50, "order": Order(passes=scale.passes)}
    trials, best = searched(network, RATES, scale.looks, judge, **options)
    clean, left = best["accuracy"][0], best["accuracy"][REMOVED.index(0.5)]
    metrics = {"correlation": best["correlation"], "clean": clean, "lost": clean - left}
    curves = {"removed": REMOVED, "accuracy": best["accuracy"]}
    return Measurement(metrics | {"rate": best["rate"]}, curves, trials=trials)


RECAP = "Dropout Regularization"
CLAIMS = (
    rule("less-correlated")
    .says("With dropout the units of the last hidden layer are less correlated.")
    .must(metric("dropout", "correlation") < metric("none", "correlation")),
    rule("loses-less-without-half")
    .says("And less accuracy is lost when half of the units are removed.")
    .must(metric("dropout", "lost") < metric("none", "lost")),
    detail("more-accurate-as-it-is", RECAP)
    .says("It is more accurate with all units, too.")
    .must(metric("dropout", "clean") > metric("none", "clean")),
    detail("half-is-missed-without-dropout", RECAP)
    .says("Without dropout the missing half costs accuracy.")
    .must(metric("none", "lost") > 0),
)

RECIPE = Recipe(
    slug="dropout-co-adaptation",
    version=3,
    question="Do hidden units depend less on one another with dropout?",
    sources=(Source("cs231n-slides", "Regularization: Dropout"), Source("dl-recap-slides", RECAP)),
    data="cifar10",
    arms=(
        Arm("none", "without dropout", rate=0.0),
        Arm("dropout", "half of the units dropped", rate=0.5),
    ),
    scales=(
        Scale("quick", n_train=1_500, n_test=2_000, looks=4, passes=5, draws=2, masks=10),
        Scale("full", n_train=20_000, looks=10, passes=3, draws=3, masks=50),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Accuracy without some units", Panel("accuracy"), x="removed"),
    metrics=(
        Metric("correlation", "mean absolute correlation between two units"),
        Metric("removed", "share of the last hidden layer's units removed"),
        Metric("accuracy", "test accuracy", "percent", "removed"),
        Metric("clean", "test accuracy with all units", "percent"),
        Metric("lost", "accuracy lost with half of the units", "points"),
        Metric("rate", "best learning rate"),
    ),
)
