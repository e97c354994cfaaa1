"""A skip connection makes optimisation simpler at almost no cost.

Source: "Training" (notes on hyper-parameters), section "Skip Connection"; numbers of weights are
        those of He et al. (2015), table 6
Data:   cifar10, standardised
Cost:   quick 28 s per replicate (Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run skip-cost --scale full

Weights and multiply-accumulates are counted layer by layer of the paper's networks; each number
that is added by a skip counts as one operation, a multiply-accumulate as two. Seconds are medians
of compiled passes, with skips and without in turn. Both networks are then trained alike, each at
the better of two rates by its training loss; skips and all else have the same first weights.
"""

from functools import partial

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, column
from keras_reprise import curve, detail, equal, first, keep, last, maximum, metric, near
from keras_reprise import printed_value, rule, same, timed_calls
from keras_reprise.flops import layer_costs
from keras_reprise.rates import Restartable, at_best_rate
from keras_reprise.residual import residual_network

RATES, IMAGE = (0.1, 0.01), (32, 32, 3)
MILLIONS = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7}


def weights(model):
    """The weights that are trained: those of batch normalisation's averages are not."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def counted(seeds, depth):
    """Millions of weights, and what the skips add, over the network without them."""
    plain, residual = (
        residual_network(seeds, IMAGE, 10, (depth - 2) // 6, skips=skips) for skips in (False, True)
    )
    sums = [layer for layer in residual.layers if isinstance(layer, keras.layers.Add)]
    added = sum(int(np.prod(layer.output.shape[1:])) for layer in sums)
    operations = sum(cost.flops for cost in layer_costs(plain))
    return {
        "millions": weights(residual) / 1e6,
        "more_weights": weights(residual) - weights(plain),
        "more_operations": 100 * added / operations,
    }


def pass_ms(replicate):
    """Milliseconds of a forward and backward pass, plain and residual."""
    scale, seeds = replicate.scale, replicate.seeds
    x = seeds.generator("data").standard_normal((scale.batch_size, *IMAGE), "float32")
    timing = {"backward": True, "calls": 10, "budget_s": scale.budget_s}
    models = {skips: residual_network(seeds, IMAGE, 10, 3, skips=skips) for skips in (False, True)}
    seconds = {skips: [] for skips in models}
    for _ in range(scale.rounds):  # in turn, so that the machine's other work meets both
        for skips, model in models.items():
            seconds[skips] += list(timed_calls(model, x, **timing))
    return [1e3 * float(np.median(seconds[skips])) for skips in (False, True)]


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    if arm.skips is None:
        trials = replicate.sweep(
            [{"depth": depth} for depth in MILLIONS], partial(counted, replicate.seeds)
        )
        plain, residual = pass_ms(replicate)
        times = {"plain_ms": plain, "residual_ms": residual}
        return Measurement(times, trials.curves("depth", "more_operations"), trials=trials)
    options = {"image_shape": data.image_shape, "classes": data.classes, "filters": scale.filters}
    options |= {"shrink": scale.shrink, "blocks": (scale.depth - 2) // 6, "skips": arm.skips}
    build = partial(residual_network, **options)
    network = Restartable(build, data, replicate, keras.optimizers.SGD(momentum=0.9))
    _, history = at_best_rate(network, RATES, scale.epochs, batch_size=scale.batch_size)
    return Measurement(curves={"loss": history.curves["train_loss"]})


def of_depth(depth):
    """Millions of weights of the residual network."""
    return first(keep(column("cost", "millions"), same(column("cost", "depth"), depth)))


PAPER = "He et al. (2015), table 6"
EXACT = {"kind": "exact", "expectation": "MATH"}
RATIO = metric("cost", "residual_ms") / metric("cost", "plain_ms")
CLAIMS = (
    rule("no-more-weights", **EXACT)
    .says("Networks of 20 to 110 layers have as many weights with skips as without.")
    .must(maximum(abs(column("cost", "more_weights"))), equal(0)),
    rule("almost-no-operations", **EXACT)
    .says("Skips add less than half a percent of operations.")
    .must(maximum(curve("cost", "more_operations")) < 0.5),
    rule("almost-no-time", kind="positive", expectation="HW")
    .says("Forward and backward pass of 20 layers take less than 5 % longer with skips.")
    .must(RATIO < 1.05, measures="Seconds with skips over those without"),
    rule("lower-loss")
    .says("After equal updates the network with skips has the lower training loss.")
    .must(last("residual", "loss") < last("plain", "loss")),
    detail("lower-loss-soon")
    .says("So it has after the first epoch.")
    .must(first("residual", "loss") < first("plain", "loss")),
    *(
        printed_value(f"millions-{depth}", PAPER, printed=printed, **EXACT)
        .says(f"The residual network of {depth} layers has {printed} million weights.")
        .must(of_depth(depth), near(printed, absolute=0.05 if printed > 1 else 0.005))
        for depth, printed in MILLIONS.items()
    ),
)

RECIPE = Recipe(
    slug="skip-cost",
    version=2,
    question="What do skip connections cost, and do they make training simpler?",
    sources=Source("hyperparameters-notes", "Skip Connection"),
    data="cifar10",
    arms=(
        Arm("cost", "weights, operations and seconds of both", skips=None),
        Arm("plain", "trained without skips", skips=False),
        Arm("residual", "trained with skips", skips=True),
    ),
    scales=(
        Scale(
            "quick",
            n_train=1_000,
            n_test=500,
            depth=20,
            filters=(8, 16, 32),
            shrink=4,
            batch_size=50,
            epochs=8,
            rounds=3,
            budget_s=0.5,
        ),
        Scale(
            "full",
            depth=56,
            filters=(16, 32, 64),
            shrink=1,
            batch_size=128,
            epochs=20,
            rounds=5,
            budget_s=2.0,
        ),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Training loss", Panel("loss", log=True)),
        Curves("Operations that skips add", "more_operations", x="depth"),
    ),
    metrics=(
        Metric("depth", "layers of weights"),
        Metric("more_operations", "operations of the skips", "percent", "depth"),
        Metric("more_weights", "weights with skips minus those without"),
        Metric("millions", "weights", "million"),
        Metric("plain_ms", "pass without skips", "ms"),
        Metric("residual_ms", "pass with skips", "ms"),
        Metric("loss", "training loss", "nats", "epoch"),
    ),
    timing=True,
)
