"""The deeper a network, the longer its training takes.

Source: "Deep Network Components & Training", slide "Batch normalization - why?"
Data:   cifar10, standardised, flattened
Cost:   quick 14 s per replicate (Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run deeper-takes-longer --scale full

The slide names no network: 2 to 20 layers of one width, the last to logits, with ReLUs and He's
weights, plain SGD. Seconds of an update are medians over the training. The target is a training
loss of three quarters of a guesser's, looked at every hundredth of the updates; each depth has the
best of four rates, that with the fewest updates to it. Where the target is not reached at any, all
updates count, which are too few.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import Target, curve, detail, first, last, log, rank_correlation, rule, slope
from keras_reprise.rates import Restartable

RATES, DEPTHS, BATCH, LOOKS = (0.003, 0.01, 0.03, 0.1), (2, 5, 10, 20), 50, 100


def network(seeds, depth, width, features, classes):
    model = keras.Sequential([keras.Input((features,))])
    for number in range(1, depth + 1):
        kernel = keras.initializers.HeNormal(seeds.weights(f"layer{number}"))
        units, activation = (width, "relu") if number < depth else (classes, None)
        model.add(keras.layers.Dense(units, activation, kernel_initializer=kernel))
    return model


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    features, classes = data.image_shape[0], data.classes
    order = Order("with-replacement", examples=BATCH * (scale.updates // LOOKS))
    target = 0.75 * np.log(classes)

    def trained(depth):
        def build(seeds):
            return network(seeds, depth, scale.width, features, classes)

        net, found = Restartable(build, data, replicate), []
        for rate in RATES:
            settings = {"batch_size": BATCH, "order": order, "stop": Target("train_loss", target)}
            history = net.train(rate, LOOKS, **settings)
            reached = history.reached("train_loss", target)
            found.append((reached.updates if reached else scale.updates, history.timing.step_s))
        updates = min(count for count, _ in found)
        step = float(np.median(np.concatenate([seconds for _, seconds in found])))
        return {"updates": updates, "step_ms": 1e3 * step, "seconds": updates * step}

    trials = replicate.sweep([{"depth": depth} for depth in DEPTHS], trained)
    return Measurement(curves=trials.curves(*trials[0]), trials=trials)


HARDWARE = {"kind": "positive", "expectation": "HW"}


def deepest_over_shallowest(name):
    return last("dense", name) / first("dense", name)


STEPS, LAYERS = curve("dense", "step_ms"), curve("dense", "depth")
CLAIMS = (
    rule("longer-to-one-loss", **HARDWARE)
    .says("To one training loss 20 layers take more seconds than 2.")
    .must(deepest_over_shallowest("seconds") > 1),
    rule("longer-updates", **HARDWARE)
    .says("An update of 20 layers takes longer than one of 2.")
    .must(deepest_over_shallowest("step_ms") > 1),
    detail("each-depth-longer", kind="discrete", expectation="HW")
    .says("The deeper of two depths has always the longer updates.")
    .must(rank_correlation(STEPS, LAYERS) > 0.99),
    detail("each-depth-takes-longer", kind="discrete", expectation="HW")
    .says("To one training loss the deeper of two depths always takes more seconds.")
    .must(rank_correlation(curve("dense", "seconds"), LAYERS) > 0.99),
    detail("less-than-in-proportion", expectation="HW")
    .says("Seconds of an update grow by a lower power of the depth than one.")
    .must(slope(log(STEPS), log(LAYERS)) < 1),
    detail("more-updates", kind="positive")
    .says("To one training loss 20 layers need more updates than 2.")
    .must(deepest_over_shallowest("updates") > 1),
)

RECIPE = Recipe(
    slug="deeper-takes-longer",
    version=1,
    question="Does the training of a deeper network take longer?",
    sources=Source("cs231n-slides", "Batch normalization - why?"),
    data="cifar10",
    arms=(Arm("dense", "dense ReLU networks"),),
    scales=(
        Scale("quick", n_train=5_000, n_test=500, width=100, updates=1_000),
        Scale("full", n_test=1_000, width=300, updates=20_000),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Training by depth",
        (Panel("seconds", log=True), Panel("step_ms", log=True), Panel("updates", log=True)),
        x="depth",
    ),
    metrics=(
        Metric("depth", "layers of weights"),
        Metric("seconds", "time to one training loss", "s", "depth"),
        Metric("step_ms", "time of an update", "ms", "depth"),
        Metric("updates", "updates to one training loss", "", "depth"),
    ),
    timing=True,
)
