"""Deep plain networks train and test worse than shallower ones; with skips they train better.

Source: "Training" (notes on hyper-parameters), sections "Resnet" and "Skip Connection"; the
        experiment is that of He et al. (2015), "Deep residual learning", section 4.2
Data:   cifar10, standardised
Cost:   quick 44 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run depth-degrades --scale full

Plain and residual networks of equal weights, as in the paper; quick ones have half of its filters
and images of 8 x 8 pixels. SGD with momentum 0.9 and a penalty, the rate falls tenfold after a half
and three quarters of the epochs. Each network has the better of two rates, by its training loss;
the paper has 0.1 (0.01 at first for the deepest).
"""

from functools import partial

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, at, column
from keras_reprise import curve, detail, first, keep, last, near, printed_value, rule, same, setting
from keras_reprise.rates import Restartable, at_best_rate
from keras_reprise.residual import residual_network
from keras_reprise.schedules import steps

RATES, PENALTY = (0.1, 0.01), 1e-4


def falling(rate, epochs):
    return steps({0: rate, epochs // 2: rate / 10, 3 * epochs // 4: rate / 100})


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    options = {"image_shape": data.image_shape, "classes": data.classes, "filters": scale.filters}
    options |= {"shrink": scale.shrink, "augmented": scale.augmented, "skips": arm.skips}
    rates = [falling(rate, scale.epochs) for rate in RATES]

    def trained(depth):
        build = partial(residual_network, blocks=(depth - 2) // 6, penalty=1.0, **options)
        network = Restartable(build, data, replicate, keras.optimizers.SGD(momentum=0.9))
        settings = {"batch_size": scale.batch_size, "penalty": PENALTY}
        _, history = at_best_rate(network, rates, scale.epochs, **settings)
        errors = {name: 100 * history.last[f"{name}_error"] for name in ("train", "test")}
        return {f"{name}_percent": error for name, error in errors.items()}

    trials = replicate.sweep([{"depth": depth} for depth in scale.depths], trained)
    return Measurement(
        curves=trials.curves("depth", "train_percent", "test_percent"), trials=trials
    )


def of_20(arm, error):
    """The error of the network of 20 layers."""
    return first(keep(column(arm, f"{error}_percent"), same(column(arm, "depth"), 20)))


def printed(depth, error):
    """What the paper prints of a residual network, which only training as long as it can match."""
    found = first(
        keep(column("residual", "test_percent"), same(column("residual", "depth"), depth))
    )
    return (
        printed_value(f"residual-{depth}", PAPER, printed=error)
        .says(
            f"The residual network of {depth} layers has a test error of {error} %, within a point."
        )
        .must(found, near(error, absolute=1.0), given=setting("epochs") > 100)
    )


RESNET, SKIP, PAPER = "Resnet", "Skip Connection", "He et al. (2015), table 6"
PRINTED = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43}
PLAIN = curve("plain", "test_percent")  # of 8 layers, 20, and more
CLAIMS = (
    rule("deepest-plain-is-less-accurate", RESNET)
    .says("The deepest plain network has a higher test error than that of 20 layers.")
    .must(last("plain", "test_percent") > of_20("plain", "test")),
    rule("deepest-plain-trains-worse", RESNET)
    .says("And a higher training error, so that overfitting is not the cause.")
    .must(last("plain", "train_percent") > of_20("plain", "train")),
    rule("residual-trains-better", SKIP)
    .says("The deepest residual network has a lower training error than the plain one.")
    .must(last("residual", "train_percent") < last("plain", "train_percent")),
    detail("at-first-depth-helps", RESNET)
    .says("From 8 to 20 layers the plain network's test error falls.")
    .must(of_20("plain", "test") < first("plain", "test_percent")),
    detail("plain-stops-rising", RESNET)
    .says("Plain networks gain less accuracy from 20 layers to the next depth than from 8 to 20.")
    .must(at(PLAIN, 2) - at(PLAIN, 3) < at(PLAIN, 1) - at(PLAIN, 2)),
    detail("deepest-residual-is-no-worse", PAPER)
    .says("The deepest residual network has no higher training error than that of 20 layers.")
    .must(last("residual", "train_percent") - of_20("residual", "train") < 0),
    detail("residual-is-more-accurate", PAPER)
    .says("The deepest residual network has a lower test error than the plain one.")
    .must(last("residual", "test_percent") < last("plain", "test_percent")),
    *(printed(depth, error) for depth, error in PRINTED.items()),
)
PANELS = (Panel("train_percent"), Panel("test_percent"))

RECIPE = Recipe(
    slug="depth-degrades",
    version=2,
    question="Do deeper networks train worse, and do skips prevent it?",
    sources=tuple(Source("hyperparameters-notes", title) for title in (RESNET, SKIP)),
    data="cifar10",
    arms=(Arm("plain", "plain", skips=False), Arm("residual", "residual", skips=True)),
    scales=(
        Scale(
            "quick",
            n_train=1_000,
            n_test=500,
            depths=(8, 20, 44),
            filters=(8, 16, 32),
            shrink=4,
            augmented=False,
            batch_size=50,
            epochs=6,
        ),
        Scale(
            "full",
            depths=(8, 20, 32, 44, 56, 110),
            filters=(16, 32, 64),
            shrink=1,
            augmented=True,
            batch_size=128,
            epochs=164,
        ),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Error by depth", PANELS, x="depth"),
    metrics=(
        Metric("depth", "layers of weights"),
        Metric("train_percent", "training error", "percent", "depth"),
        Metric("test_percent", "test error", "percent", "depth"),
    ),
)
