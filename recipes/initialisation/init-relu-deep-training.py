"""Very deep ReLU networks learn from He's doubled weight variance and stall from Xavier's.

Source: "Deep Network Components & Training", slide "RESEARCH...", which names He et al. (2015)
Data:   cifar10, standardised, flattened
Cost:   quick 18 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run init-relu-deep-training --scale full

The claims are those of the paper's Figs. 2 and 3. Its networks are convolutional; these are dense,
100 units wide, without batch normalisation, each at the best of a fixed set of rates.
"""

import math

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import first, metric, rule, snapshot, train

LN10 = math.log(10)


def network(seeds, data, depth, gain):
    model = keras.Sequential([keras.Input(data.image_shape)])
    for number in range(1, depth + 2):
        units, activation = (100, "relu") if number <= depth else (data.classes, None)
        seed = seeds.weights(f"layer{number}")
        weights = keras.initializers.VarianceScaling(gain, "fan_in", "untruncated_normal", seed)
        model.add(keras.layers.Dense(units, activation, kernel_initializer=weights))
    return model


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised().flattened(), replicate.scale.epochs
    model = network(replicate.seeds, data, arm.depth, arm.gain)
    sgd = keras.optimizers.SGD(momentum=0.9)
    restart, runs = snapshot(model, sgd), []
    for rate in replicate.scale.rates:
        restart()
        runs.append(train(model, data, replicate, optimizer=sgd, learning_rate=rate, epochs=epochs))
    losses = [run.last["train_loss"] for run in runs]
    best = losses.index(min(losses, key=lambda loss: loss if math.isfinite(loss) else math.inf))
    return Measurement(runs[best].last | {"rate": replicate.scale.rates[best]}, runs[best].curves)


LOSS = Panel("train_loss", level=LN10, level_label="ln 10")
CLAIMS = (
    rule("he-30-converges")
    .says("Thirty layers from He's weights begin to learn.")
    .must(metric("he-30", "train_loss") < LN10 - 0.1),
    rule("xavier-30-stalls")
    .says("From Xavier's they stall.")
    .must(metric("xavier-30", "train_loss") > LN10 - 0.02),
    detail("he-22-converges")
    .says("Twenty-two layers from He's weights begin to learn.")
    .must(metric("he-22", "train_loss") < LN10 - 0.1),
    detail("xavier-22-converges")
    .says("So do twenty-two from Xavier's.")
    .must(metric("xavier-22", "train_loss") < LN10 - 0.1),
    detail("he-22-starts-earlier")
    .says("But He's start earlier, each at its best rate.")
    .must(first("he-22", "train_loss") < first("xavier-22", "train_loss")),
)

RECIPE = Recipe(
    slug="init-relu-deep-training",
    version=1,
    question="Does the factor of two in He's weights decide whether a deep ReLU network trains?",
    sources=Source("cs231n-slides", "RESEARCH..."),
    data="cifar10",
    arms=tuple(
        Arm(f"{name}-{depth}", f"{depth} layers, variance {gain:g}/fan-in", depth=depth, gain=gain)
        for depth in (22, 30)
        for name, gain in (("xavier", 1.0), ("he", 2.0))
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=1_000, epochs=8, rates=(1e-3, 1e-2)),
        Scale("full", epochs=20, rates=(3e-4, 1e-3, 3e-3, 1e-2)),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training very deep ReLU networks", (LOSS, "test_error")),
    metrics=(Metric("train_loss", "training loss at the best rate", "nats", "epoch"),),
)
