"""As long as training does not diverge, a larger learning rate lowers the loss faster.

Source: Fleuret, Deep learning 5.6, slide "Regarding the learning rate, for training to succeed"
Data:   cifar10, standardised, flattened
Cost:   quick 4 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 13 s (one of two workers, Intel Xeon)
Replay: reprise run lr-larger-is-faster --scale full

The slide names no network: 3072-100-10, plain SGD, batches of 100. After a fixed number of updates
the training loss is the mean over the last fifth of them. Training diverges where that is not
finite, above three times the first loss, or in the end a tenth above it.
"""

from functools import partial

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Recipe, Scale, Source, at, curve
from keras_reprise import detail, finite, metric, rank_correlation, rule
from keras_reprise.models import dense_classifier
from keras_reprise.rates import Restartable, diverges, stable
from keras_reprise.search import log_grid

RATES = log_grid(2.0**-10, 8.0, 14)  # each twice the one before
LOOKS = 5


def measure(arm, replicate):
    data, updates = replicate.dataset().standardised().flattened(), replicate.scale.updates
    build = partial(
        dense_classifier, features=data.image_shape[0], hidden=[100], classes=data.classes
    )
    network = Restartable(build, data, replicate)
    order = Order("with-replacement", examples=100 * (updates // LOOKS))

    def trained(rate):
        history = network.train(rate, LOOKS, order=order)
        return {"loss": history.last["train_loss"], "diverged": diverges(history)}

    trials = replicate.sweep([{"rate": rate} for rate in RATES], trained)
    number = stable([trial["diverged"] for trial in trials])
    loss = [trial["loss"] if k < number else np.nan for k, trial in enumerate(trials)]
    return Measurement({"stable": number}, {"rate": RATES, "loss": loss}, trials=trials)


RATE, LOSS, STABLE = curve("sweep", "rate"), curve("sweep", "loss"), metric("sweep", "stable")
CLAIMS = (
    rule("larger-is-faster", kind="discrete")
    .says("Of rates that do not diverge, the larger one reaches the lower loss, nearly always.")
    .must(rank_correlation(finite(RATE, where=LOSS), finite(LOSS)) < -0.9),
    detail("faster-up-to-the-edge", expectation="MIXED")
    .says("The largest rate that does not diverge reaches a lower loss than half of it.")
    .must(at(LOSS, STABLE) < at(LOSS, STABLE - 1)),
    detail("faster-up-to-a-quarter-of-it", expectation="LIKELY")
    .says("A quarter of that rate reaches a lower loss than an eighth.")
    .must(at(LOSS, STABLE - 2) < at(LOSS, STABLE - 3)),
)

RECIPE = Recipe(
    slug="lr-larger-is-faster",
    version=1,
    question="Does a larger learning rate lower the loss faster, as long as it does not diverge?",
    sources=Source("fleuret-2021", "Regarding the learning rate, for training to succeed"),
    data="cifar10",
    arms=(Arm("sweep", "fourteen rates from 1/1024 to 8, each from the same initial weights"),),
    scales=(Scale("quick", n_train=5_000, n_test=500, updates=100), Scale("full", updates=500)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Loss after a fixed number of updates", "loss", x="rate", x_log=True),
    metrics=(
        Metric("loss", "training loss", "nats", "rate"),
        Metric("stable", "rates that do not diverge"),
    ),
)
