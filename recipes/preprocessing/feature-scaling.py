"""Features of very different ranges slow learning down; brought to one scale, it is fast.

Source: "Deep Network Components & Training" (after CS231n), slide "Batch normalization is not
        normalization"
Data:   none (one feature uniform from 0 to 1, one from 1 to 1,000)
Cost:   quick 6 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run feature-scaling --scale full

The slide gives the two ranges and no experiment. The exact part is a linear unit with a bias and
the mean squared error, its target the sum of both features as parts of their ranges: how many steps
of gradient descent at the best rate, 2 / (sum of the extreme curvatures), bring the loss from that
of zero weights to a thousandth of it. The other part is a network of 16 ReLU units that tells a
disc from its surroundings, each arm at the best of 17 rates, chosen by other initial weights.
"""

from functools import partial

import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import curve, detail, log, metric, near, rule, slope
from keras_reprise.models import activated
from keras_reprise.rates import Restartable, tuned
from keras_reprise.search import log_grid

TOPS, RATES = (3, 10, 30, 100, 300, 1000), log_grid(1e-7, 10.0, 17)


ARMS = {
    "as-given": "0 to 1 and 1 to 1,000",
    "zero-to-one": "both 0 to 1",
    "standardised": "both of mean 0 and deviation 1",
}


def features(arm, top):
    """Offsets and widths (2,): a feature is offset + width * part, a part uniform in 0 to 1."""
    if arm.name == "as-given":
        return np.array([0.0, 1.0]), np.array([1.0, top - 1.0])
    if arm.name == "zero-to-one":
        return np.zeros(2), np.ones(2)
    return np.full(2, -(3**0.5)), np.full(2, 12**0.5)  # mean 0, deviation 1


def descent(offsets, widths):
    """The condition number of the loss, and how many steps gradient descent takes."""
    means, variances = np.array([1.0, *(offsets + widths / 2)]), np.array([0.0, *widths**2 / 12])
    curvatures, axes = np.linalg.eigh(np.outer(means, means) + np.diag(variances))
    solution = np.array([-(offsets / widths).sum(), *1 / widths])
    losses = curvatures * (axes.T @ solution) ** 2  # along each axis, at zero weights
    shrink = (1 - 2 * curvatures / (curvatures[0] + curvatures[-1])) ** 2  # in one step

    def arrived(steps):
        return (losses * shrink**steps).sum() <= 1e-3 * losses.sum()

    low, high = 0, 1
    while not arrived(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if arrived(middle) else (middle, high)
    return curvatures[-1] / curvatures[0], high


def measure(arm, replicate):
    conditions, steps = zip(*(descent(*features(arm, top)) for top in TOPS), strict=True)
    parts = replicate.seeds.generator("data").random((replicate.scale.examples, 2))
    labels = (((parts - 0.5) ** 2).sum(axis=1) < 0.5 / np.pi).astype("int32")  # half of the square
    offsets, widths = features(arm, TOPS[-1])
    x = (offsets + widths * parts).astype("float32")
    build = partial(activated, image_shape=(2,), classes=2, activation="relu", dense=(16,))
    data = Dataset.of("a disc", x, labels, x, labels)
    network = Restartable(build, data, replicate, draws=1 + replicate.scale.draws)
    trials, best = tuned(
        network,
        RATES,
        replicate.scale.epochs,
        lambda history: {"log_loss": np.log(history.last["test_loss"])},
        lambda history: history.last["test_loss"],
    )
    metrics = {"rate": best["rate"], "loss": np.exp(best["log_loss"]), "steps": steps[-1]}
    curves = {"top": TOPS, "condition": conditions, "steps_by_top": steps}
    curves |= trials.curves("rate", "criterion")
    return Measurement(metrics, curves, trials=trials)


GIVEN, SCALED, STANDARDISED = (metric(arm, "steps") for arm in ARMS)
STEPS, CONDITIONS = curve("as-given", "steps_by_top"), curve("as-given", "condition")
EXACT = {"kind": "exact", "expectation": "MATH"}
CLAIMS = (
    rule("fewer-steps", **EXACT)
    .says("Gradient descent takes more steps with features as given than with standardised ones.")
    .must(GIVEN / STANDARDISED > 1),
    rule("network-learns-faster", kind="positive")
    .says("In as many updates a network gets to a lower training loss with standardised features.")
    .must(metric("as-given", "loss") / metric("standardised", "loss") > 1),
    detail("ten-times-fewer", **EXACT)
    .says("It takes more than ten times as many steps.")
    .must(GIVEN / STANDARDISED > 10),
    detail("zero-to-one-is-faster", **EXACT)
    .says("Bringing both features to 0 to 1 saves steps, too.")
    .must(GIVEN / SCALED > 1),
    detail("standardising-is-best", **EXACT)
    .says("Standardising saves more steps than bringing them to 0 to 1.")
    .must(STANDARDISED < SCALED),
    detail("as-the-condition-number", **EXACT)
    .says("The number of steps grows as the condition number of the loss.")
    .must(slope(log(STEPS), log(CONDITIONS)), near(1.0, absolute=0.1)),
)

RECIPE = Recipe(
    slug="feature-scaling",
    version=1,
    question="Do features of one scale speed up learning?",
    sources=Source("cs231n-slides", "Batch normalization is not normalization"),
    arms=tuple(Arm(name, words) for name, words in ARMS.items()),
    scales=(
        Scale("quick", examples=1_000, epochs=20, draws=4),
        Scale("full", examples=5_000, epochs=40, draws=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Steps by range", Panel("steps_by_top", log=True), x="top", x_log=True),
        Curves("A network's loss by rate", Panel("criterion", log=True), x="rate", x_log=True),
    ),
    metrics=(
        Metric("condition", "condition number of the loss", per="upper end"),
        Metric("steps", "steps of gradient descent"),
        Metric("steps_by_top", "steps of gradient descent", per="upper end"),
        Metric("top", "upper end of the second feature's range"),
        Metric("loss", "training loss at the best rate", "nats"),
        Metric("criterion", "training loss", "nats", "rate"),
    ),
)
