"""Width, learning rate and weight decay set what is fitted in effect.

Source: "Lecture 7: Practical considerations for training deep models", slide "Effective Capacity";
        capacity as what is fitted of random labels: Zhang et al. (2017)
Data:   the digits of scikit-learn (8 x 8 pixels), with labels drawn at random
Cost:   quick 19 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run three-factors-of-capacity --scale full

The slide names three factors and no experiment. One for each is varied here, the others kept: the
width of one hidden layer, for what can be represented; Adam's learning rate, for whether it is
found in a fixed number of updates; and the coefficient of weight decay, 0 to 0.1 (L2 is half of it
times the squared weights), for how far the cost regularises. What is fitted is the number of images
with random labels that are right at the end, a tenth of which is chance. That a factor governs it
is read as a change by twofold or more over its range.
"""

import keras

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import at, curve, detail, evaluate, first, last, rank_correlation, rule
from keras_reprise.digits import shuffled_digits
from keras_reprise.models import dense_classifier
from keras_reprise.rates import Restartable

BASE = {"width": 256, "rate": 0.003, "decay": 0.0}
RANGES = {
    "width": (1, 4, 16, 64, 256),
    "rate": (3e-6, 3e-5, 3e-4, 3e-3, 3e-2, 3e-1),
    "decay": (0.0, 1e-4, 1e-3, 1e-2, 1e-1),
}


def measure(arm, replicate):
    scale, (x, _) = replicate.scale, shuffled_digits(replicate.seeds)
    labels = replicate.seeds.generator("data").integers(0, 10, len(x)).astype("int32")
    x, labels = x[: scale.images], labels[: scale.images]
    data, networks = Dataset.of("random labels", x, labels, x[:50], labels[:50]), {}

    def network(width):
        def build(seeds):
            return dense_classifier(seeds, 64, [width], 10, penalty=0.5)

        return Restartable(build, data, replicate, keras.optimizers.Adam())

    def trained(**setting):
        width, rate, decay = (BASE | setting).values()
        if width not in networks:
            networks[width] = network(width)
        options = {"batch_size": 50, "order": Order(passes=scale.passes), "diverged_factor": None}
        networks[width].train(rate, 2, penalty=decay, **options)
        right = ~evaluate(networks[width].model, x, labels)[1]
        return {"fitted": 100 * right.mean()}

    trials = replicate.sweep([{arm.name: value} for value in RANGES[arm.name]], trained)
    curves = {"setting": range(1, len(trials) + 1)} | trials.curves("fitted")
    return Measurement(curves=curves, trials=trials)


def fold(more, less):
    """How many times as many images are fitted."""
    return more / less


RATE = curve("rate", "fitted")
FOLD = {"kind": "positive"}
CLAIMS = (
    rule("width-governs-it", **FOLD)
    .says("With 256 units at least twice as many are fitted as with one.")
    .must(fold(last("width", "fitted"), first("width", "fitted")) > 2),
    rule("optimisation-governs-it", **FOLD)
    .says("At the base's learning rate at least twice as many as at a thousandth of it.")
    .must(fold(at(RATE, 4), first(RATE)) > 2),
    rule("regularisation-governs-it", **FOLD)
    .says("Without weight decay at least twice as many as with the strongest.")
    .must(fold(first("decay", "fitted"), last("decay", "fitted")) > 2),
    detail("more-units-fit-more", kind="discrete")
    .says("The more hidden units, the more are fitted.")
    .must(rank_correlation(curve("width", "fitted")) > 0.8),
    detail("less-decay-fits-more", kind="discrete")
    .says("The less weight decay, the more are fitted.")
    .must(rank_correlation(curve("decay", "fitted")) < -0.8),
    detail("rate-too-high-fits-less", **FOLD)
    .says("A rate a hundred times too high fits less than half, too.")
    .must(fold(at(RATE, 4), last(RATE)) > 2),
)

RECIPE = Recipe(
    slug="three-factors-of-capacity",
    version=1,
    question="What sets how much a network fits in effect?",
    sources=Source("training-practice-slides", "Effective Capacity"),
    arms=(
        Arm("width", "one hidden layer of 1 to 256 units"),
        Arm("rate", "Adam's learning rate, 3e-6 to 0.3"),
        Arm("decay", "L2 of 0 to 0.1"),
    ),
    scales=(Scale("quick", images=500, passes=60), Scale("full", images=1_500, passes=300)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Random labels fitted", "fitted", x="setting", columns="arms"),
    metrics=(
        Metric("setting", "place of the setting in its range, from the lowest"),
        Metric("fitted", "random labels that are right", "percent", "setting"),
        Metric("width", "hidden units"),
        Metric("rate", "learning rate"),
        Metric("decay", "strength of L2"),
    ),
)
