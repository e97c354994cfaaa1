"""Take the ReLU first: tanh does worse than it, and the sigmoid worst of all.

Source: "Deep Network Components & Training" (after CS231n), slide "In practice" on activation
        functions; "Introduction to Deep Learning" (recap), slide "Activation Functions"
Data:   cifar10, standardised
Cost:   quick 55 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run activation-ranking --scale full

The slides give no experiment. Two strided convolutions of 16 and 32 and a dense layer of 64, each
followed by the activation; maxout of two pieces has fewer units, for as many weights. Weights are
He's for the ReLU and its relatives, of variance 1 / fan-in for the others; momentum 0.9, batches of
50. Each has the best of three rates, the sigmoid's 16 times higher, chosen on half of the test
images from one draw of the weights and judged on the other half from another. One document says to
try leaky ReLU, maxout and ELU, the other to return to the ReLU after that: both are judged, as
details. The point of margin is ours.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, above_each
from keras_reprise import below_each, detail, maximum, metric, minimum, number, rule
from keras_reprise.models import activated
from keras_reprise.rates import Restartable, judged_errors, tuned

WIDTHS, RATES = {"maxout": (11, 23, 45)}, {"sigmoid": (0.02, 0.08, 0.32)}
LOWER, TRIED = (0.00125, 0.005, 0.02), ("leaky", "maxout", "elu")


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised(), replicate.scale.epochs
    *convolutions, dense = WIDTHS.get(arm.name, (16, 32, 64))
    layers, rates = {"convolutions": convolutions, "dense": [dense]}, RATES.get(arm.name, LOWER)

    def build(seeds):
        return activated(seeds, data.image_shape, data.classes, arm.name, **layers)

    sgd = keras.optimizers.SGD(momentum=0.9)
    network = Restartable(build, data, replicate, sgd, draws=1 + replicate.scale.draws)

    def judge(history):
        accuracies = 100 - judged_errors(history, epochs)
        found = {"accuracies": accuracies, "train_loss": history.last["train_loss"]}
        if arm.name == "prelu":
            each = [network.model.get_layer(f"activation{number}") for number in (1, 2, 3)]
            slopes = np.concatenate([layer.get_weights()[0].ravel() for layer in each])
            found["moved"] = np.abs(slopes - 0.25).mean()
        return found | {"accuracy": accuracies[-1]}

    trials, best = tuned(network, rates, epochs, judge, batch_size=50)
    curves = trials.curves("rate", "criterion") | {"accuracies": best.pop("accuracies")}
    return Measurement(best, curves, trials=trials)


def summarise(arms, scale):
    """What is gained over the ReLU by the one of three that did best in the trial."""
    best = min(TRIED, key=lambda name: min(arms[name].curves["criterion"]))
    return {"gain": arms[best].metrics["accuracy"] - arms["relu"].metrics["accuracy"]}


NAMES = ("relu", "leaky", "prelu", "elu", "maxout", "tanh")
ACCURACY = {name: metric(name, "accuracy") for name in (*NAMES, "sigmoid")}
LOSSES = [metric(name, "train_loss") for name in NAMES]
RECAP, ELU = "Activation Functions", "Exponential Linear Units (ELU)"
CLAIMS = (
    rule("relu-beats-tanh")
    .says("The ReLU has a higher test accuracy than tanh.")
    .must(ACCURACY["relu"] > ACCURACY["tanh"]),
    rule("sigmoid-is-worst")
    .says("The sigmoid has a lower test accuracy than the worst of the six others.")
    .must(ACCURACY["sigmoid"] < minimum(*(ACCURACY[name] for name in NAMES))),
    detail("tanh-does-worse")
    .says("tanh has a lower test accuracy than {other}.")
    .must(ACCURACY["tanh"], below_each(*(ACCURACY[name] for name in NAMES[1:5]))),
    detail("one-that-is-tried-beats-relu", expectation="MIXED")
    .says("The one of leaky ReLU, maxout and ELU that does best in a trial beats the ReLU.")
    .must(number("gain") > 0),
    detail("none-beats-relu-by-a-point", RECAP)
    .says("Nothing lasting is gained: {other} is not better than the ReLU by a point.")
    .must(
        ACCURACY["relu"] + 1,
        above_each(*(ACCURACY[name] for name in TRIED)),
        measures="Test accuracy of the ReLU and one point minus {other}'s",
    ),
    detail("elu-as-good-as-relu", ELU)
    .says("The ELU does as well as the ReLU, to a point.")
    .must(ACCURACY["elu"] - ACCURACY["relu"] > -1),
    detail("elu-trains-as-fast", ELU, kind="positive")
    .says("In as many updates the ELU's training loss is as low as the ReLU's, within a tenth.")
    .must(metric("elu", "train_loss") / metric("relu", "train_loss") < 1.1),
    detail("relu-beats-sigmoid")
    .says("The ReLU has a higher test accuracy than the sigmoid.")
    .must(ACCURACY["relu"] > ACCURACY["sigmoid"]),
    detail("sigmoid-learns-slowest", RECAP)
    .says("In as many updates the sigmoid's training loss is still above that of all others.")
    .must(metric("sigmoid", "train_loss") > maximum(*LOSSES)),
    detail("prelu-learns-its-slopes", "Parametric Rectifier (PReLU)", kind="positive")
    .says("PReLU's slopes are learned: they move from 0.25, by more than a tenth of it on average.")
    .must(metric("prelu", "moved") > 0.025),
)

RECIPE = Recipe(
    slug="activation-ranking",
    version=1,
    question="Which activation function should one take?",
    sources=(
        Source("cs231n-slides", "In practice (activation functions)"),
        Source("dl-recap-slides", RECAP),
    ),
    data="cifar10",
    arms=(
        Arm("relu", "max(0, x)"),
        Arm("leaky", "max(0.01 x, x)"),
        Arm("prelu", "slope learned below 0, by channel"),
        Arm("elu", "exp(x) - 1 below 0"),
        Arm("maxout", "the larger of two linear pieces, at equal weights"),
        Arm("tanh", "hyperbolic tangent"),
        Arm("sigmoid", "1 / (1 + exp(-x))"),
    ),
    scales=(
        Scale("quick", n_train=3_000, n_test=3_000, epochs=5, draws=1),
        Scale("full", n_train=20_000, epochs=15, draws=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Seven activation functions, each at its best rate", "accuracies"),
        Curves("Validation error by rate", "criterion", x="rate", x_log=True),
    ),
    metrics=(
        Metric("accuracy", "test accuracy at the best rate", "percent"),
        Metric("train_loss", "training loss at the best rate", "nats"),
        Metric("accuracies", "test accuracy", "percent", "epoch"),
        Metric("criterion", "validation error", "percent", "rate"),
        Metric("moved", "mean distance of the slopes from 0.25"),
        Metric("gain", "gain over the ReLU of the one that did best in the trial", "points"),
    ),
    summarise=summarise,
)
