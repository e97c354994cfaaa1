"""A network can fit most at the right learning rate, not at the largest or the smallest.

Source: "Lecture 7: Practical considerations for training deep models", slide "Learning Rate";
        capacity as what is fitted of random labels: Zhang et al. (2017)
Data:   cifar10, standardised, flattened
Cost:   quick 18 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 4 min (one of two workers, Intel Xeon)
Replay: reprise run lr-effective-capacity --scale full

3072-100-10, plain SGD, batches of 100. Right is the rate that fits the images' own labels with the
lowest loss; how much a network fits is told by random labels, of which nothing can be generalised.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, argmin, at, curve
from keras_reprise import detail, first, last, rule
from keras_reprise.models import dense_classifier
from keras_reprise.rates import Restartable
from keras_reprise.search import log_grid

RATES, DECADE = log_grid(1e-4, 10.0, 11), 2  # two rates of the grid are a factor of ten


def measure(arm, replicate):
    data = replicate.dataset().standardised().flattened()
    if arm.random:
        draw = replicate.seeds.generator("data")
        labels = draw.integers(0, data.classes, len(data.y_train)).astype("int32")
        data = replace(data, y_train=labels)
    build = partial(
        dense_classifier, features=data.image_shape[0], hidden=[100], classes=data.classes
    )
    network = Restartable(build, data, replicate)

    def trained(rate):
        history = network.train(rate, replicate.scale.epochs, diverged_factor=None)
        loss = history.last["train_loss"]
        return {
            "fitted": 1 - history.last["train_error"],
            "loss": loss if np.isfinite(loss) else np.inf,
        }

    trials = replicate.sweep([{"rate": rate} for rate in RATES], trained)
    curves = {name: [trial[name] for trial in trials] for name in ("rate", "fitted", "loss")}
    return Measurement(curves=curves)


RANDOM, RIGHT = curve("random-labels", "fitted"), argmin("own-labels", "loss")
CLAIMS = (
    rule("more-than-at-a-tenth")
    .says("At the right rate more random labels are fitted than at a tenth of it.")
    .must(100 * (at(RANDOM, RIGHT) - at(RANDOM, RIGHT - DECADE)) > 0),
    rule("more-than-at-ten-times")
    .says("And more than at ten times of it.")
    .must(100 * (at(RANDOM, RIGHT) - at(RANDOM, RIGHT + DECADE)) > 0),
    detail("more-than-at-the-smallest")
    .says("And more than at the smallest rate.")
    .must(100 * (at(RANDOM, RIGHT) - first(RANDOM)) > 0),
    detail("more-than-at-the-largest")
    .says("And more than at the largest.")
    .must(100 * (at(RANDOM, RIGHT) - last(RANDOM)) > 0),
)

RECIPE = Recipe(
    slug="lr-effective-capacity",
    version=1,
    question="At which learning rate can a network fit most?",
    sources=Source("training-practice-slides", "Learning Rate"),
    data="cifar10",
    arms=(
        Arm("own-labels", "the images' own labels", random=False),
        Arm("random-labels", "labels drawn at random", random=True),
    ),
    scales=(
        Scale("quick", n_train=1_000, n_test=100, epochs=50),
        Scale("full", n_train=5_000, n_test=100, epochs=100),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("What is fitted", "fitted", x="rate", x_log=True),
    metrics=(
        Metric("loss", "training loss in the last epoch", "nats", "rate"),
        Metric("fitted", "training accuracy in the last epoch", "fraction", "rate"),
    ),
)
