"""The best learning rate is within a factor of two of the largest that does not diverge.

Source: "Training" (notes on hyper-parameters), section "Learning rate", after Bengio (2012)
Data:   cifar10, standardised
Cost:   quick 58 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 4 min (one of two workers, Intel Xeon)
Replay: reprise run lr-optimal-vs-divergence --scale full

The notes name no network; the convnet is that of cifar10-lr-drop. Plain SGD, batches of 100. Best
is the lowest training loss in the last epoch. Training diverges where the mean loss of an epoch is
not finite, above three times the first loss, or in the end a tenth above it.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, between, column
from keras_reprise import detail, exp, last, log, mean, metric, rule
from keras_reprise.models import dense_classifier, small_convnet
from keras_reprise.rates import Restartable, diverges, stable
from keras_reprise.search import log_grid

RATES = log_grid(2.0**-8, 4.0, 31)  # three to a factor of two


def measure(arm, replicate):
    data = replicate.dataset().standardised()
    data = data if arm.name == "convnet" else data.flattened()

    def build(seeds):
        if arm.name == "convnet":
            return small_convnet(seeds, data.image_shape, data.classes)
        hidden = [100] if arm.name == "dense" else []
        return dense_classifier(seeds, data.image_shape[0], hidden, data.classes)

    network = Restartable(build, data, replicate)

    def trained(rate):
        history = network.train(rate, replicate.scale.epochs)
        return {"loss": history.last["train_loss"], "diverged": diverges(history)}

    trials = replicate.sweep([{"rate": rate} for rate in RATES], trained)
    number = stable([trial["diverged"] for trial in trials])
    loss = [trial["loss"] if k < number else np.nan for k, trial in enumerate(trials)]
    best, largest = RATES[int(np.nanargmin(loss))], RATES[number - 1]
    return Measurement(
        {"best": best, "largest": largest, "factor": largest / best},
        {"rate": RATES, "loss": loss},
        trials=trials,
    )


FACTORS = {network: metric(network, "factor") for network in ("linear", "dense", "convnet")}
MEAN = "Largest rate that does not diverge over the best, geometric mean of three networks"
CLAIMS = (
    rule("within-a-factor-of-two", kind="positive", printed=2, expectation="MIXED")
    .says("The largest rate that does not diverge is at most twice the best one.")
    .must(exp(mean(*map(log, FACTORS.values()))) < 2.0, measures=MEAN),
    *(
        detail(f"within-a-factor-of-two-{network}", kind="discrete", expectation="MIXED")
        .says(f"So it is for the {network} network, mostly.")
        .must(factor, between(1.0, 2.0 * 1.001))
        for network, factor in FACTORS.items()
    ),
    detail("largest-rate-diverges", kind="discrete")
    .says("At the largest rate that is tried, 4, training diverges in every network.")
    .must(
        mean(*(last(column(network, "diverged")) for network in FACTORS)) > 0.99,
        unit="share",
        measures="Share of three networks in which training diverges at the largest rate",
    ),
)

RECIPE = Recipe(
    slug="lr-optimal-vs-divergence",
    version=1,
    question="How far is the best learning rate from those that diverge?",
    sources=Source("hyperparameters-notes", "Learning rate"),
    data="cifar10",
    arms=(
        Arm("linear", "no hidden layer"),
        Arm("dense", "100 hidden units"),
        Arm("convnet", "two convolutions, 200 hidden units"),
    ),
    scales=(
        Scale("quick", n_train=2_000, n_test=200, epochs=3),
        Scale("full", n_train=10_000, n_test=1_000, epochs=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training loss of the rates that do not diverge", "loss", x="rate", x_log=True),
    metrics=(
        Metric("loss", "training loss in the last epoch", "nats", "rate"),
        Metric("best", "best rate"),
        Metric("largest", "largest rate that does not diverge"),
        Metric("factor", "largest rate that does not diverge over the best", "ratio"),
    ),
)
