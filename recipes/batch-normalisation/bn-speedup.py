"""Normalising the hidden layers makes training ten times faster, or more.

Source: "Deep Network Components & Training", slide "Batch normalization is not normalization"; the
        paper behind it is Ioffe and Szegedy (2015)
Data:   cifar10, standardised, flattened
Cost:   quick 25 s per replicate, full 6.3 min (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run bn-speedup --scale full

The slide names no network. These are the paper's small one, three layers of 100 sigmoids, and the
same with ReLUs; plain SGD, batches of 60 as there, Glorot's or He's weights, each network at its
best of five rates. Faster is who needs fewer updates to a loss that both reach: the lowest training
loss (the paper: test error) of the one that ends higher. The paper's large network took 31.0
million updates, with batch normalisation at the same rate 13.3 (2.3 times faster), and 2.1 (14
times) at five times the rate and less regularised.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import between, detail, exp, log, mean, number, rule
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable

RATES = {"sigmoid": (0.1, 0.3, 1.0, 3.0, 10.0), "relu": (0.01, 0.03, 0.1, 0.3, 1.0)}
WORDS = {"sigmoid": "sigmoids", "relu": "ReLUs"}


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    sizes = data.image_shape[0], [100, 100, 100], data.classes

    def build(seeds):
        return normalised_dense(seeds, *sizes, arm.activation, arm.normalisation)

    network = Restartable(build, data, replicate)
    order = Order("with-replacement", examples=60 * scale.look)
    curves, ends = {"updates": scale.look * np.arange(1, scale.looks + 1)}, {}
    for rate in RATES[arm.activation]:
        history = network.train(rate, scale.looks, order=order, batch_size=60, diverged_factor=None)
        loss = np.full(scale.looks, np.inf)  # as it is after a loss that is not finite
        loss[: history.epochs] = np.nan_to_num(history.curves["train_loss"], nan=np.inf)
        curves[f"loss_{rate:g}"], ends[rate] = loss, loss[-1]
    best = min(ends, key=ends.get)
    return Measurement({"best": best}, curves | {"loss": curves[f"loss_{best:g}"]})


def faster(plain, other, updates):
    """Updates of one loss curve over those of another, to the lowest loss that both have."""
    target = max(plain.min(), other.min())
    slow, fast = (updates[np.flatnonzero(loss <= target)[0]] for loss in (plain, other))
    return slow / fast


def summarise(arms, scale):
    found = {}
    for activation in RATES:
        plain, normalised = arms[activation], arms[f"{activation}-normalised"]
        loss, updates = plain.curves["loss"], plain.curves["updates"]
        for kind, name in (("best", "loss"), ("same", f"loss_{plain.metrics['best']:g}")):
            found[f"{activation}_{kind}"] = faster(loss, normalised.curves[name], updates)
    return found


def speedup(kind):
    return exp(mean(*(log(number(f"{activation}_{kind}")) for activation in RATES)))


BEST = "Updates without over updates with it, each at its best rate, geometric mean of two networks"
SAME = "Updates without over updates with it, at one rate, geometric mean of two networks"
PAPER = "Ioffe and Szegedy (2015), figure 3"
CLAIMS = (
    rule("ten-times-faster", kind="positive", printed=10, expectation="MIXED")
    .says("With batch normalisation a tenth of the updates, or fewer, reach the same loss.")
    .must(speedup("best") > 10.0, measures=BEST),
    detail("faster", kind="positive")
    .says("With batch normalisation fewer updates reach the same loss.")
    .must(speedup("best") > 1.0, measures=BEST),
    detail("faster-at-the-same-rate", PAPER, kind="positive", printed=2.3)
    .says("So they do at the rate that is best without it.")
    .must(speedup("same") > 1.0, measures=SAME),
    detail("as-with-all-changes", PAPER, kind="positive", printed=14, expectation="MIXED")
    .says("At best rates the factor is that of the paper with all changes, within one of two.")
    .must(speedup("best"), between(7.0, 28.0), measures=BEST),
    *(
        detail(f"ten-times-faster-{activation}", kind="positive", printed=10, expectation="MIXED")
        .says(f"A tenth of the updates reach the same loss in the network of {words}.")
        .must(number(f"{activation}_best") > 10.0)
        for activation, words in WORDS.items()
    ),
)

RECIPE = Recipe(
    slug="bn-speedup",
    version=1,
    question="How much faster is training with batch normalisation?",
    sources=Source("cs231n-slides", "Batch normalization is not normalization"),
    data="cifar10",
    arms=tuple(
        Arm(
            activation + "-normalised" * (place == "before"),
            f"{words}{', batch normalisation before them' * (place == 'before')}",
            activation=activation,
            normalisation=place,
        )
        for activation, words in WORDS.items()
        for place in ("none", "before")
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=200, look=15, looks=40),
        Scale("full", n_test=2_000, look=100, looks=100),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("At each network's best rate", Panel("loss", log=True, top=3.0), x="updates"),
    metrics=(
        Metric("loss", "training loss", "nats", "look"),
        Metric("updates", "updates"),
        Metric("best", "best learning rate"),
        *(
            Metric(f"{name}_{kind}", f"updates without over with it, {words}, {kind} rate", "")
            for name, words in WORDS.items()
            for kind in ("best", "same")
        ),
    ),
    summarise=summarise,
)
