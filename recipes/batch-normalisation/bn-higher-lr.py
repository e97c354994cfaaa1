"""Batch normalisation allows higher learning rates.

Source: "Deep Network Components & Training", slide "Batch normalization"; the paper behind it is
        Ioffe and Szegedy (2015)
Data:   cifar10, standardised, flattened
Cost:   quick 25 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 2 min (one of two workers, Intel Xeon)
Replay: reprise run bn-higher-lr --scale full

The slide names no network: three layers of 100 units, of sigmoids as in the paper's small one or of
ReLUs; plain SGD, batches of 60 as there, Glorot's or He's weights. A rate is allowed if the
training loss ends at least a tenth below ln 10, that of a network which knows nothing. The paper
raised the rate five- and thirtyfold; without normalisation its network overflowed at five times.
"""

import math

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import detail, exp, log, mean, metric, rule
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable
from keras_reprise.search import log_grid

RATES = np.array(log_grid(2.0**-7, 2.0**5, 13))  # each twice the one before
WORDS = {"sigmoid": "sigmoids", "relu": "ReLUs"}


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    sizes = data.image_shape[0], [100, 100, 100], data.classes

    def build(seeds):
        return normalised_dense(seeds, *sizes, arm.activation, arm.normalisation)

    network, know_nothing = Restartable(build, data, replicate), math.log(data.classes)

    def trained(rate):
        history = network.train(
            rate,
            4,
            order=Order("with-replacement", examples=15 * scale.updates),
            batch_size=60,
            diverged_factor=None,
        )
        loss = history.last["train_loss"]
        return {"loss": loss if np.isfinite(loss) else np.inf}

    trials = replicate.sweep([{"rate": float(rate)} for rate in RATES], trained)
    loss = trials.column("loss")
    allowed = np.flatnonzero(loss < 0.9 * know_nothing)
    return Measurement(
        {"largest": RATES[allowed[-1]] if len(allowed) else np.nan, "best": RATES[loss.argmin()]},
        {"rate": RATES, "loss": loss},
        trials=trials,
    )


def ratio(name):
    """With batch normalisation over without it, geometric mean of two networks."""
    pairs = ((f"{activation}-normalised", activation) for activation in WORDS)
    return exp(
        mean(*(log(metric(with_it, name) / metric(without, name)) for with_it, without in pairs))
    )


PAPER = "Ioffe and Szegedy (2015), section 4.2.1"
LARGEST = "Largest allowed rate with it over that without, geometric mean of two networks"
BEST = "Best rate with it over that without, geometric mean of two networks"
CLAIMS = (  # the ratios are powers of the root of two
    rule("higher-rates-allowed", kind="discrete")
    .says("With batch normalisation the largest rate that trains is higher.")
    .must(ratio("largest") > 1.2, measures=LARGEST),
    detail("five-times-as-high", PAPER, kind="discrete", printed=5)
    .says("It is at least five times as high.")
    .must(ratio("largest") > 5.0, measures=LARGEST),
    detail("best-rate-is-higher", kind="discrete")
    .says("So is the rate that lowers the training loss most.")
    .must(ratio("best") > 1.2, measures=BEST),
    *(
        detail(f"higher-rates-allowed-{activation}", kind="discrete")
        .says(f"So it is in the network of {words}.")
        .must(metric(f"{activation}-normalised", "largest") / metric(activation, "largest") > 1.2)
        for activation, words in WORDS.items()
    ),
)

KNOWS_NOTHING = {"level": math.log(10), "level_label": "ln 10", "top": 5.0}
RECIPE = Recipe(
    slug="bn-higher-lr",
    version=1,
    question="Does batch normalisation allow higher learning rates?",
    sources=Source("cs231n-slides", "Batch normalization"),
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
        Scale("quick", n_train=5_000, n_test=100, updates=200),
        Scale("full", n_test=1_000, updates=2_000),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training loss by rate", Panel("loss", **KNOWS_NOTHING), x="rate", x_log=True),
    metrics=(
        Metric("loss", "training loss in the end", "nats", "rate"),
        Metric("largest", "largest rate that trains"),
        Metric("best", "best rate"),
    ),
)
