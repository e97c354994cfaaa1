"""It is enough to tune the learning rate to a factor of two; ten times off is not good enough.

Source: "Training" (notes on hyper-parameters), section "Learning rate"
Data:   cifar10, standardised
Cost:   quick 81 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 4 min (one of two workers, Intel Xeon)
Replay: reprise run lr-factor-of-two --scale full

The notes name neither networks nor what is enough: 3072-100-10 and the small convnet of
cifar10-lr-drop, plain SGD, batches of 100; enough is less than one point of test error, not enough
more than two. Rates are a factor of 2.15 apart, three of them ten. The best is chosen by other
initial weights than those it is judged by.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, above, below
from keras_reprise import detail, mean, metric, rule
from keras_reprise.models import dense_classifier, small_convnet
from keras_reprise.rates import Restartable, off_best
from keras_reprise.search import log_grid

RATES = log_grid(1e-3, 10.0, 13)
PLACES = {"tenth": -3, "half": -1, "twice": 1, "ten_times": 3}


def measure(arm, replicate):
    data, draws = replicate.dataset().standardised(), replicate.scale.draws
    data = data if arm.name == "convnet" else data.flattened()

    def build(seeds):
        if arm.name == "convnet":
            return small_convnet(seeds, data.image_shape, data.classes)
        return dense_classifier(seeds, data.image_shape[0], [100], data.classes)

    network = Restartable(build, data, replicate, draws=draws)

    def trained(draw, rate):
        history = network.train(rate, replicate.scale.epochs, draw)
        return {"error": 100 * history.last["test_error"]}

    settings = [{"draw": draw, "rate": rate} for draw in range(draws) for rate in RATES]
    trials = replicate.sweep(settings, trained)
    errors = np.array([trial["error"] for trial in trials]).reshape(draws, -1)
    return Measurement(
        {name: off_best(errors, places) for name, places in PLACES.items()},
        {"rate": RATES, "error": errors.mean(axis=0)},
        trials=trials,
    )


NETWORKS = ("dense", "convnet")
WORDS = {"tenth": "a tenth of", "half": "half", "twice": "twice", "ten_times": "ten times"}


def off(*names):
    """Mean, over networks and the named places, of the test error lost there, in points."""
    return mean(*(metric(network, name) for network in NETWORKS for name in names))


TWO = "Test error at half and twice the best rate minus that at the best, mean of two networks"
TEN = "Test error at a tenth and ten times the best rate minus that at the best, mean of both"
CLAIMS = (
    rule("a-factor-of-two-is-enough", printed=2, expectation="LIKELY")
    .says("Half or twice the best rate costs less than a point of test error.")
    .must(off("half", "twice") < 1.0, measures=TWO),
    rule("a-factor-of-ten-is-not", expectation="LIKELY")
    .says("A tenth or ten times of it costs more than two points.")
    .must(off("tenth", "ten_times") > 2.0, measures=TEN),
    *(
        detail(f"{name.replace('_', '-')}-of-the-best")
        .says(f"So it is at {words} the best rate alone.")
        .must(
            off(name),
            below(1.0) if name in ("half", "twice") else above(2.0),
            measures=f"Test error at {words} the best rate minus that at the best",
        )
        for name, words in WORDS.items()
    ),
)

RECIPE = Recipe(
    slug="lr-factor-of-two",
    version=1,
    question="How exactly must the learning rate be tuned?",
    sources=Source("hyperparameters-notes", "Learning rate"),
    data="cifar10",
    arms=(Arm("dense", "100 hidden units"), Arm("convnet", "two convolutions, 200 hidden units")),
    scales=(
        Scale("quick", n_train=2_000, n_test=2_000, epochs=4, draws=2),
        Scale("full", n_train=10_000, n_test=5_000, epochs=5, draws=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error by rate", "error", x="rate", x_log=True),
    metrics=(
        Metric("error", "test error", "percent", "rate"),
        *(
            Metric(name, f"test error at {words} the best rate minus that at the best", "points")
            for name, words in WORDS.items()
        ),
    ),
)
