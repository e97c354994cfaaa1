"""Be careful with the learning rate: at too high a one ReLU units die and never learn again.

Source: "Deep Network Components & Training" (after CS231n), slides "ReLU (Rectified Linear Unit)"
        and "IN PRACTICE"; "Introduction to Deep Learning" (recap), slide "Activation Functions";
        the course's notes, that "as much as 40%" of a network can be dead
Data:   cifar10, standardised, flattened
Cost:   quick 29 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 7 min (one of two workers, Intel Xeon)
Replay: reprise run dead-relu-vs-rate --scale full

No experiment is given: 3072-100-100-100-10 in batches of 100, plain SGD and Adam, rates by factors
of two, each from the same weights. A hidden unit is dead if the gradient of its weights is exactly
zero for all training images together: its ReLU is off for each of them, or no gradient reaches it
for any, as below a layer that is off everywhere. Rates at which the loss is finite no more are left
out: one cannot tell there what is dead.
"""

from functools import partial

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, argmin, at
from keras_reprise import between, curve, detail, finite, gradients, maximum, rank_correlation, rule
from keras_reprise.activations import FORMULAS
from keras_reprise.models import activated_classifier
from keras_reprise.rates import Restartable
from keras_reprise.search import log_grid

EIGHT_TIMES = 3  # rates: each is twice the one before
OPTIMIZERS = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}


def measure(arm, replicate):
    data = replicate.dataset().standardised().flattened()
    shape = {"features": data.image_shape[0], "hidden": [100] * 3, "classes": data.classes}
    build = partial(activated_classifier, **shape, activation=arm.activation)
    network = Restartable(build, data, replicate, OPTIMIZERS[arm.by]())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def trained(rate):
        end = network.train(rate, replicate.scale.epochs, diverged_factor=None).last
        found = gradients(network.model, [data.x_train], data.y_train, loss).weights
        flows = [found[f"hidden{number}/kernel"] for number in (1, 2, 3)]
        sound = np.isfinite([np.sum(flow) for flow in flows] + [end["train_loss"]]).all()
        dead = np.mean([(flow == 0).all(axis=0) for flow in flows])
        return {
            "dead": 100 * dead if sound else np.nan,
            "loss": end["train_loss"] if sound else np.inf,
            "accuracy": 100 * (1 - end["train_error"]),
        }

    trials = replicate.sweep([{"rate": rate} for rate in arm.rates], trained)
    return Measurement(curves=trials.curves("rate", "dead", "loss", "accuracy"))


def dead(arm):
    return finite(curve(arm, "dead"))


def lost(arm):
    """The accuracy at the best rate minus that at eight times of it."""
    accuracy, best = curve(arm, "accuracy"), argmin(arm, "loss")
    return at(accuracy, best) - at(accuracy, best + EIGHT_TIMES)


RELU, LEAKY = "ReLU (Rectified Linear Unit)", "Leaky ReLU, Parametric Rectifier (PReLU)"
PRACTICE = "In practice (activation functions)"
RATE, DEAD = curve("relu-adam", "rate"), curve("relu-adam", "dead")
CLAIMS = (
    rule("units-die", RELU, kind="discrete")
    .says("At some rate more than one ReLU unit in a hundred is dead, by plain SGD or by Adam.")
    .must(
        maximum(maximum(dead("relu-sgd")), maximum(finite(DEAD))) > 1.0,
        measures="Dead units at the worst rate of both optimizers",
    ),
    rule("higher-rates-kill-more", PRACTICE, kind="discrete")
    .says("The higher Adam's rate, the more units are dead.")
    .must(rank_correlation(finite(RATE, where=DEAD), finite(DEAD)) > 0.5),
    detail("few-at-the-best-rate", "Course notes", kind="discrete")
    .says("At the rate of the lowest training loss fewer than one in a hundred is.")
    .must(at(DEAD, argmin("relu-adam", "loss")) < 1.0),
    detail("forty-percent", "Course notes", kind="discrete", printed=40)
    .says("At some rate of Adam two fifths of the units are dead, at least.")
    .must(maximum(finite(DEAD)) > 40),
    detail("units-die-by-sgd", RELU, kind="discrete", expectation="MIXED")
    .says("By plain SGD, too, units die at rates at which the loss stays finite.")
    .must(maximum(dead("relu-sgd")) > 1.0),
    detail("leaky-cannot-die", LEAKY, kind="exact", expectation="MATH")
    .says("No unit of a leaky ReLU dies at any rate.")
    .must(maximum(dead("leaky-relu-adam")), between(0.0, 1e-9)),
    detail("more-care-than-tanh", PRACTICE, expectation="MIXED")
    .says("At eight times its best rate of SGD a ReLU network loses more than one of tanh.")
    .must(lost("relu-sgd") > lost("tanh-sgd")),
)
ARMS = ("relu", "sgd"), ("tanh", "sgd"), ("relu", "adam"), ("leaky-relu", "adam")
RATES = {"sgd": log_grid(2.0**-8, 8.0, 12), "adam": log_grid(2.0**-14, 0.125, 12)}

RECIPE = Recipe(
    slug="dead-relu-vs-rate",
    version=1,
    question="Do the units of a ReLU network die if the learning rate is too high?",
    sources=(
        *(Source("cs231n-slides", title) for title in (RELU, PRACTICE, LEAKY)),
        Source("dl-recap-slides", "Activation Functions"),
    ),
    data="cifar10",
    arms=tuple(
        Arm(f"{name}-{by}", f"{FORMULAS[name]}, {by}", activation=name, by=by, rates=RATES[by])
        for name, by in ARMS
    ),
    scales=(
        Scale("quick", n_train=2_000, n_test=100, epochs=10),
        Scale("full", n_train=20_000, n_test=1_000, epochs=20),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Rates and dead units", ("dead", "accuracy"), x="rate", x_log=True),
    metrics=(
        Metric("rate", "learning rate"),
        Metric("dead", "dead units", "percent", "rate"),
        Metric("loss", "training loss in the last epoch", "nats", "rate"),
        Metric("accuracy", "training accuracy", "percent", "rate"),
    ),
)
