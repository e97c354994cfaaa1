"""Networks with ReLU converge several times faster than with sigmoid or tanh, six times they say.

Source: "Deep Network Components & Training" (after CS231n), slides "ReLU (Rectified Linear Unit)"
        and "Leaky ReLU, Parametric Rectifier (PReLU)"; Krizhevsky et al. (2012), Fig. 1
Data:   cifar10, standardised
Cost:   quick 71 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run relu-vs-tanh-25pct --scale full

As in the paper: a convnet of four layers, no regularisation, epochs until the training error is at
25 %, each arm at its fastest rate (of 0.01 to 0.3; the sigmoid: to 1.0), momentum 0.9,
batches of 128. The network is not printed: three convolutions with pools and a dense layer are
those of its author's CIFAR-10 examples. Weights are Xavier's uniform ones, as the slides advise;
those of relu-he are the same times the root of two, He's factor. What does not arrive within the
budget is set there: it is slower still. The quick scale's images have half the side, and are few.
"""

import itertools
import math

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, Target
from keras_reprise import between, detail, metric, printed_value, rule
from keras_reprise.models import activated_convnet
from keras_reprise.rates import Restartable

TARGET = 0.25


def arrival(errors):
    """Epochs until the target is reached, between the middles of epochs on a line; inf if never."""
    for number, (before, after) in enumerate(itertools.pairwise([0.9, *errors])):
        if after <= TARGET:
            return number + 0.5 - (TARGET - after) / (before - after)
    return math.inf


def measure(arm, replicate):
    scale, data = replicate.scale, replicate.dataset().standardised()

    def build(seeds):
        shape = tuple(np.array(data.image_shape) // (scale.shrink, scale.shrink, 1))
        convnet = activated_convnet(seeds, shape, data.classes, scale.filters, arm.activation)
        shrink = keras.layers.AveragePooling2D(scale.shrink)
        convnet.set_weights([arm.gain * weights for weights in convnet.get_weights()])
        return keras.Sequential([keras.Input(data.image_shape), shrink, convnet])

    network = Restartable(build, data, replicate, keras.optimizers.SGD(momentum=0.9))
    runs, budget, stop = [], scale.epochs, Target("train_error", TARGET)
    for rate in arm.rates:  # none goes on for longer than the fastest so far
        history = network.train(rate, budget, batch_size=128, stop=stop)
        errors = history.curves["train_error"]
        budget = history.epochs if errors[-1] <= TARGET else budget
        runs.append((arrival(errors), errors[-1], rate, errors))
    epochs, _, rate, errors = min(runs)
    there = math.isfinite(epochs)
    metrics = {"epochs": epochs if there else scale.epochs, "arrived": there, "rate": rate}
    trials = [{"rate": one[2], "last_error": one[1]} for one in runs]
    return Measurement(metrics, {"train_error": errors}, trials=trials)


RELU, LEAKY = "ReLU (Rectified Linear Unit)", "Leaky ReLU, Parametric Rectifier (PReLU)"
NOT_LEAKY = "The number is that of the ReLU against tanh; nobody measured it for the leaky ReLU."


def times(arm, slower):
    """How many times as many epochs the slower one takes; at least, where it does not arrive."""
    return metric(slower, "epochs") / metric(arm, "epochs")


def arrived(arm):
    return metric(arm, "arrived") > 0.5


FASTER = (
    (rule, "several-times-faster", "less than half the epochs of", 2.0),
    (detail, "faster", "fewer epochs than with", 1.0),
)


def claims(arm, words, where, erratum=None):
    for other, (make, faster, fewer, bound) in itertools.product(("tanh", "sigmoid"), FASTER):
        yield (
            make(f"{arm}-{faster}-than-{other}", where, kind="positive")
            .says(f"With {words} training takes {fewer} {other}.")
            .must(times(arm, other) > bound, given=arrived(arm))
        )
    six = {"kind": "positive", "printed": 6, "erratum": erratum, "expectation": "MIXED"}
    yield (
        printed_value(f"{arm}-six-times-faster", where, **six)
        .says(f"With {words} training is three to nine times as fast as with tanh.")
        .must(times(arm, "tanh"), between(3.0, 9.0), given=arrived(arm) & arrived("tanh"))
    )


CLAIMS = (
    *claims("relu", "ReLU", RELU),
    *claims("leaky-relu", "a leaky ReLU", LEAKY, NOT_LEAKY),
    detail("relu-he-faster-than-tanh", RELU, kind="positive", expectation="MIXED")
    .says("From Xavier's weights times the root of 2 ReLU takes fewer epochs than tanh from these.")
    .must(times("relu-he", "tanh") > 1.0, given=arrived("relu-he")),
)
ERROR = Panel("train_error", level=TARGET, level_label="25 %")
EACH, HIGHER = {"gain": 1.0, "rates": (0.03, 0.1, 0.01, 0.3)}, (0.1, 0.3, 0.03, 1.0, 0.01)

RECIPE = Recipe(
    slug="relu-vs-tanh-25pct",
    version=2,
    question="How much faster does a network with ReLU converge than one with tanh or sigmoid?",
    sources=(Source("cs231n-slides", RELU), Source("cs231n-slides", LEAKY)),
    data="cifar10",
    arms=(
        Arm("relu", "max(0, x)", activation="relu", **EACH),
        Arm("leaky-relu", "max(0.01 x, x)", activation="leaky-relu", **EACH),
        Arm("tanh", "hyperbolic tangent", activation="tanh", **EACH),
        Arm("relu-he", "weights times root 2", activation="relu", **EACH | {"gain": 2**0.5}),
        Arm("sigmoid", "1 / (1 + exp(-x))", activation="sigmoid", **EACH | {"rates": HIGHER}),
    ),
    scales=(
        Scale("quick", n_train=1_500, n_test=100, shrink=2, filters=(16, 16, 32), epochs=45),
        Scale("full", n_test=100, shrink=1, filters=(32, 32, 64), epochs=60),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training error at the fastest rate", ERROR),
    metrics=(
        Metric("epochs", "epochs to 25 % training error"),
        Metric("arrived", "arrival at 25 % training error (0 or 1)"),
    ),
)
