"""Averaged probabilities of several networks gain two points over one.

Source: "Deep Network Components & Training", slide "MODEL ENSEMBLES"
Data:   cifar10, standardised
Cost:   quick 26 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run ensemble-average --scale full

The slide names neither the network nor how many: five (full scale: ten) of the small convnet of
cifar10-lr-drop, each with weights and an order of the images of its own, trained by plain SGD at
0.1, falling along half a cosine, until they fit most of the training images. A number of networks
is measured by all its choices among the trained ones.
"""

from itertools import combinations

import keras
import numpy as np
from scipy.special import softmax

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source, at
from keras_reprise import curve, detail, evaluate, last, metric, near, rule, train
from keras_reprise.models import small_convnet
from keras_reprise.schedules import cosine


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised(), replicate.scale.epochs
    passes, members, fitted = Order(passes=epochs), [], []
    for number in range(replicate.scale.members):
        mine = replicate.member(number)
        model = small_convnet(mine.seeds, data.image_shape, data.classes)
        options = {"optimizer": keras.optimizers.SGD(), "learning_rate": cosine(0.1, 1)}
        train(model, data, mine, epochs=1, order=passes, batch_size=50, **options)
        logits = model.predict(data.x_test, batch_size=500, verbose=0)
        fitted.append(evaluate(model, data.x_train[:1000], data.y_train[:1000])[1].mean())
        members.append(softmax(logits.astype(float), axis=1))

    def accuracy(probabilities):
        return 100 * (probabilities.argmax(axis=1) == data.y_test).mean()

    def loss(probabilities):
        return -np.log(probabilities[np.arange(len(data.y_test)), data.y_test]).mean()

    sizes, curves = range(1, len(members) + 1), {"accuracy": [], "loss": []}
    for size in sizes:
        averages = [np.mean(some, axis=0) for some in combinations(members, size)]
        curves["accuracy"].append(np.mean([accuracy(average) for average in averages]))
        curves["loss"].append(np.mean([loss(average) for average in averages]))
    metrics = {"best_member": max(accuracy(member) for member in members)}
    metrics["fitted"] = 100 * np.mean(fitted)
    return Measurement(metrics, curves | {"members": list(sizes)})


ACCURACY = curve("convnets", "accuracy")
ONE, ALL = at(ACCURACY, 1), last("convnets", "accuracy")
GAIN = "Test accuracy of all networks' average minus the mean of the networks' accuracies"
LOSS = "Test loss of all networks' average minus the mean of the networks' losses"
SECOND = "Accuracy that the second network adds to an average minus what the fourth adds"
CLAIMS = (
    rule("average-beats-one")
    .says("The class of the highest mean probability is right more often than one network's.")
    .must(ALL > ONE, measures=GAIN),
    rule("two-points-extra", printed=2.0, expectation="MIXED")
    .says("The gain is the two points of accuracy that the slide promises.")
    .must(ALL - ONE, near(2.0, absolute=0.5), measures=GAIN),
    detail("lower-loss-too", expectation="MATH")
    .says("The mean probabilities' loss is below the mean of the networks' losses.")
    .must(last("convnets", "loss") < at(curve("convnets", "loss"), 1), measures=LOSS),
    detail("beats-its-best-member")
    .says("They also beat the network that happens to be the best of them on the test images.")
    .must(ALL > metric("convnets", "best_member")),
    detail("first-addition-gains-most")
    .says("A second network adds more than a fourth does.")
    .must(at(ACCURACY, 2) - ONE > at(ACCURACY, 4) - at(ACCURACY, 3), measures=SECOND),
)

RECIPE = Recipe(
    slug="ensemble-average",
    version=2,
    question="Do averaged probabilities of independent networks gain two points over one network?",
    sources=Source("cs231n-slides", "MODEL ENSEMBLES"),
    data="cifar10",
    arms=(Arm("convnets", "small convnets with weights and batches of their own"),),
    scales=(
        Scale("quick", n_train=1_000, n_test=1_000, epochs=30, members=5),
        Scale("full", epochs=25, members=10),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Averages of so many networks", ("accuracy", Panel("loss")), x="members"),
    metrics=(
        Metric("accuracy", "test accuracy", "percent", "number of networks"),
        Metric("loss", "test loss", "nats", "number of networks"),
        Metric("members", "networks averaged"),
        Metric("fitted", "error of a network on training images", "percent"),
        Metric("best_member", "test accuracy of the best network", "percent"),
    ),
)
