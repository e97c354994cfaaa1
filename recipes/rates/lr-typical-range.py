"""For inputs that are standardised, or between 0 and 1, good rates lie between a millionth and 1.

Source: "Training" (notes on hyper-parameters), section "Learning rate"
Data:   cifar10, standardised or divided by 255
Cost:   quick 55 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 4 min (one of two workers, Intel Xeon)
Replay: reprise run lr-typical-range --scale full

The notes name no networks: 3072-100-10, the small convnet of cifar10-lr-drop and a convnet with
batch normalisation, each with plain SGD, SGD with momentum 0.9, and Adam; batches of 100. The best
rate is the one with the lowest training loss in the last epoch.
"""

from dataclasses import replace

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, at, curve
from keras_reprise import detail, mean, metric, minimum, rule
from keras_reprise.models import dense_classifier, normalised_convnet, small_convnet
from keras_reprise.rates import Restartable
from keras_reprise.search import log_grid

RATES = log_grid(10**-6.5, 10**0.5, 8)  # a factor of ten apart; none of them is an end of the range


def optimizer(name):
    if name == "adam":
        return keras.optimizers.Adam()
    return keras.optimizers.SGD(momentum=0.9 if name == "momentum" else 0.0)


def measure(arm, replicate):
    data = replicate.dataset().standardised()
    if arm.inputs == "unit":
        data = replace(data, scaling=(np.float32(0), np.float32(255)))
    data = data.flattened() if arm.network == "dense" else data

    def build(seeds):
        if arm.network == "dense":
            return dense_classifier(seeds, data.image_shape[0], [100], data.classes)
        convnet = small_convnet if arm.network == "convnet" else normalised_convnet
        return convnet(seeds, data.image_shape, data.classes)

    network = Restartable(build, data, replicate, optimizer(arm.optimizer))

    def trained(rate):
        loss = network.train(rate, replicate.scale.epochs).last["train_loss"]
        return {"loss": loss if np.isfinite(loss) else np.inf}

    trials = replicate.sweep([{"rate": rate} for rate in RATES], trained)
    loss = [trial["loss"] for trial in trials]
    return Measurement({"best": RATES[int(np.argmin(loss))]}, {"rate": RATES, "loss": loss})


NETWORKS = {"dense": "100 hidden units", "convnet": "two convolutions", "normalised": "with BN"}
ARMS = tuple(
    Arm(f"{net}-{name}", f"{words}, {name}", network=net, optimizer=name, inputs="standardised")
    for net, words in NETWORKS.items()
    for name in ("sgd", "momentum", "adam")
) + (
    Arm(
        "dense-sgd-unit",
        "100 hidden units, sgd, inputs between 0 and 1",
        network="dense",
        optimizer="sgd",
        inputs="unit",
    ),
)


def inside(arms):
    """The share of the arms whose best rate lies between a millionth and 1."""
    best = [metric(arm.name, "best") for arm in arms]
    return mean(*((rate > 1e-6) & (rate < 1) for rate in best))


INSIDE = "Share of {} whose best rate lies between 1e-6 and 1"
PAIRS = [(f"{net}-momentum", f"{net}-sgd") for net in NETWORKS]
MOMENTUM = "Training loss with momentum minus without, {}, mean of three networks"
CLAIMS = (
    rule("best-between-a-millionth-and-1", kind="discrete", expectation="MIXED")
    .says("Each network's best rate, with each optimizer, lies between a millionth and 1.")
    .must(inside(ARMS) > 0.99, measures=INSIDE.format("networks and optimizers")),
    *(
        detail(f"best-in-range-{name}", kind="discrete")
        .says(f"So it is with {name} alone.")
        .must(
            inside([arm for arm in ARMS if arm.optimizer == name]) > 0.99,
            measures=INSIDE.format(words),
        )
        for name, words in (
            ("sgd", "networks with plain SGD"),
            ("momentum", "networks with momentum"),
            ("adam", "networks with Adam"),
        )
    ),
    detail("best-mostly-in-range", kind="discrete")
    .says("Most networks and optimizers have their best rate between a millionth and 1.")
    .must(inside(ARMS) > 0.5, measures=INSIDE.format("networks and optimizers")),
    detail("momentum-lower-at-one-rate", "Momentum")
    .says("At a rate of 0.003 SGD with momentum has a lower training loss than without.")
    .must(
        mean(*(at(curve(a, "loss"), 5) - at(curve(b, "loss"), 5) for a, b in PAIRS)) < 0,
        measures=MOMENTUM.format("at a rate of 0.003"),
    ),
    detail("momentum-lower-at-its-best", "Momentum")
    .says("So it has where each is at its best rate.")
    .must(
        mean(*(minimum(a, "loss") - minimum(b, "loss") for a, b in PAIRS)) < 0,
        measures=MOMENTUM.format("each at its best rate"),
    ),
)

RECIPE = Recipe(
    slug="lr-typical-range",
    version=1,
    question="Between which values does the best learning rate lie?",
    sources=Source("hyperparameters-notes", "Learning rate"),
    data="cifar10",
    arms=ARMS,
    scales=(
        Scale("quick", n_train=1_000, n_test=200, epochs=4),
        Scale("full", n_train=5_000, n_test=1_000, epochs=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training loss by rate", Panel("loss", top=4.0), x="rate", x_log=True),
    metrics=(
        Metric("loss", "training loss in the last epoch", "nats", "rate"),
        Metric("best", "best rate"),
    ),
)
