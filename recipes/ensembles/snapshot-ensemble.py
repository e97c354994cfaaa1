"""Snapshots of one training replace networks; cyclic rates help.

Source: "Deep Network Components & Training", slide "MODEL ENSEMBLES: TIPS AND TRICKS", after Huang
        et al. (2017), Snapshot ensembles, whose NoCycle ensembles are the arm `plain`
Data:   cifar10, standardised
Cost:   quick 33 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run snapshot-ensemble --scale full

The slide gives no experiment. Every arm trains for as many epochs in sum, from the rate 0.1, and
averages the probabilities of as many networks: snapshots at equal distances of one training, whose
rate falls tenfold after a half and three quarters of the epochs; snapshots at the ends of cosines
with restarts; networks with weights of their own, each trained along one such cosine, which is long
enough to fit most of the training images. The small convnet of cifar10-lr-drop with plain SGD and
batches of 50 is ours (the paper: ResNets and DenseNets, batches of 64).
"""

from itertools import combinations

import keras
import numpy as np
from scipy.special import softmax

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import Order, evaluate, metric, rule, train
from keras_reprise.models import small_convnet
from keras_reprise.schedules import cosine, steps


def rates(kind, number, length, epochs):
    """The schedule of part `number`, whose first epoch is 0 of it, of a training of all epochs."""
    if kind == "plain":
        whole = steps({0: 0.1, epochs // 2: 0.01, 3 * epochs // 4: 0.001})
        return lambda epoch: whole(epoch + number * length)
    return cosine(0.1, length)


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    length, shape = scale.epochs // scale.snapshots, (data.image_shape, data.classes)
    model, sgd = small_convnet(replicate.seeds, *shape), keras.optimizers.SGD()
    found, fitted, errors, learning_rates = [], [], [], []
    for number in range(scale.snapshots):
        mine = replicate.member(number)
        if arm.independent:
            model.set_weights(small_convnet(mine.seeds, *shape).get_weights())
        schedule = rates(arm.name, number, length, scale.epochs)
        options = {"optimizer": sgd, "learning_rate": schedule, "diverged_factor": None}
        options |= {"batch_size": 50, "order": Order(passes=scale.passes)}
        history = train(model, data, mine, epochs=length, **options)
        fitted.append(evaluate(model, data.x_train[:1000], data.y_train[:1000])[1].mean())
        errors += history.curves["test_error"]
        learning_rates += list(schedule(np.arange(length, dtype=float)))
        logits = model.predict(data.x_test, batch_size=500, verbose=0)
        found.append(softmax(logits.astype(float), axis=1))

    def accuracy(probabilities):
        return 100 * (probabilities.argmax(axis=1) == data.y_test).mean()

    classes = [one.argmax(axis=1) for one in found]
    metrics = {
        "ensemble": accuracy(np.mean(found, axis=0)),
        "last": accuracy(found[-1]),
        "fitted": 100 * np.mean(fitted),
        "disagree": 100 * np.mean([(a != b).mean() for a, b in combinations(classes, 2)]),
    }
    by_size = [accuracy(np.mean(found[-size:], axis=0)) for size in range(1, len(found) + 1)]
    curves = {"test_error": errors, "learning_rate": learning_rates, "by_size": by_size}
    return Measurement(metrics, curves)


PAPER = "Huang et al. (2017), Snapshot ensembles"
PLAIN, CYCLIC, APART = (metric(arm, "ensemble") for arm in ("plain", "cyclic", "independent"))
LAST = metric("plain", "last")
CLAIMS = (
    rule("snapshots-beat-the-network", expectation="MIXED")
    .says("Snapshots of a training, averaged, beat the network with which it ends.")
    .must(PLAIN > LAST),
    rule("snapshots-take-the-place", expectation="MIXED")
    .says("Independent networks that took as long in sum are less than a point better.")
    .must(PLAIN - APART > -1),
    rule("cycles-make-it-better")
    .says("With a cyclic rate the snapshots' average is better.")
    .must(CYCLIC > PLAIN),
    detail("cycles-beat-the-network", PAPER)
    .says("It is better than the network of the usual schedule, too, which took as long.")
    .must(CYCLIC > LAST),
    detail("cycles-beat-independent", PAPER, expectation="MIXED")
    .says("And better than independent networks of the same cost.")
    .must(CYCLIC > APART),
    detail("cycles-differ-more", PAPER)
    .says("Snapshots of a cyclic rate contradict each other more often.")
    .must(metric("cyclic", "disagree") > metric("plain", "disagree")),
)

RECIPE = Recipe(
    slug="snapshot-ensemble",
    version=2,
    question="Can snapshots of one training take the place of independent networks?",
    sources=Source("cs231n-slides", "MODEL ENSEMBLES: TIPS AND TRICKS"),
    data="cifar10",
    arms=(
        Arm("plain", "snapshots of a training whose rate falls in steps", independent=False),
        Arm("cyclic", "snapshots at the ends of cosines with restarts", independent=False),
        Arm("independent", "networks trained apart, each along one cosine", independent=True),
    ),
    scales=(
        Scale("quick", n_train=1_000, n_test=1_000, epochs=12, passes=5, snapshots=3),
        Scale("full", epochs=60, passes=1, snapshots=6),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Rate and error", (Panel("learning_rate", log=True), "test_error")),
        Curves("The last networks averaged", "by_size"),
    ),
    metrics=(
        Metric("learning_rate", "learning rate", "", "look"),
        Metric("test_error", "test error", "fraction", "look"),
        Metric("ensemble", "test accuracy of the networks' average", "percent"),
        Metric("last", "test accuracy of the last network", "percent"),
        Metric("fitted", "error of a network on training images", "percent"),
        Metric("disagree", "test images to which two networks give other classes", "percent"),
        Metric("by_size", "test accuracy", "percent", "networks averaged, from the last"),
    ),
)
