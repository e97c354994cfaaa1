"""A residual of zero is easier to reach than an identity of layers.

Source: "Training" (notes on hyper-parameters), section "Skip Connection"
Data:   none (standard normal vectors)
Cost:   quick 4 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21);
        full 85 s (one of two workers, Intel Xeon)
Replay: reprise run fit-identity --scale full

The targets are the inputs, 32 numbers. A branch, a ReLU layer of 64 units and a linear one, once or
twice over, stands alone or beside the identity; Glorot's weights, the same in both. SGD with
momentum 0.9, batches of 50, each arm at its best rate, searched for on half of the test vectors.
Errors are mean squares; those of the targets themselves are 1.
"""

import keras

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import detail, metric, rule
from keras_reprise.rates import Restartable, best_run

SIZE, WIDTH, RATES = 32, 64, (0.3, 1.0, 3.0)


def network(seeds, blocks, residual):
    x = inputs = keras.Input((SIZE,))
    for number in range(blocks):
        one, two = (
            keras.initializers.GlorotUniform(seeds.weights(f"block{number}/{layer}"))
            for layer in ("relu", "linear")
        )
        branch = keras.layers.Dense(WIDTH, "relu", kernel_initializer=one)(x)
        branch = keras.layers.Dense(SIZE, kernel_initializer=two)(branch)
        x = keras.layers.Add()([x, branch]) if residual else branch
    return keras.Model(inputs, x)


def choice(history):
    """The mean squared error of the first half of the test vectors."""
    return history.test_losses[-1, :1000].mean()


def measure(arm, replicate):
    scale, draw = replicate.scale, replicate.seeds.generator("data")
    x, x_test = (draw.standard_normal((n, SIZE), "float32") for n in (scale.vectors, 2000))
    data = Dataset.of("vectors", x, x, x_test, x_test)

    def build(seeds):
        return network(seeds, arm.blocks, arm.residual)

    net = Restartable(build, data, replicate, keras.optimizers.SGD(momentum=0.9))
    settings = {"loss": keras.losses.MeanSquaredError(), "batch_size": 50}
    rate, history = best_run(net, RATES, scale.epochs, choice, diverged_factor=None, **settings)
    errors = history.test_losses[:, 1000:].mean(axis=1)
    metrics = {"error": errors[-1], "before": errors[0], "left": errors[-1] / errors[0]}
    curves = {"errors": errors, "epoch": range(len(errors))}
    return Measurement(metrics | {"rate": rate}, curves)


def ratio(name, blocks):
    return metric(f"residual-{blocks}", name) / metric(f"plain-{blocks}", name)


CLAIMS = (
    rule("residual-gets-nearer", kind="positive")
    .says("After equal updates a residual block is nearer to the identity than its branch alone.")
    .must(ratio("error", 1) < 1),
    detail("two-blocks-get-nearer", kind="positive")
    .says("So are two blocks one after the other.")
    .must(ratio("error", 2) < 1),
    detail("less-is-left-of-the-error", kind="positive")
    .says("Less is left of the error that it begins with, too.")
    .must(ratio("left", 1) < 1),
    detail("more-blocks-widen-it", kind="positive")
    .says("With two blocks the ratio of the errors is smaller than with one.")
    .must(ratio("error", 2) / ratio("error", 1) < 1),
    detail("branches-learn-it-too", kind="positive")
    .says("The branch alone learns it to less than a tenth of the targets' squares.")
    .must(metric("plain-1", "error") < 0.1),
)

RECIPE = Recipe(
    slug="fit-identity",
    version=2,
    question="Is the identity easier to learn as a residual of zero?",
    sources=Source("hyperparameters-notes", "Skip Connection"),
    arms=tuple(
        Arm(
            f"{'residual' if residual else 'plain'}-{blocks}",
            f"{blocks} {'residual block' if residual else 'branch'}{'s' * (blocks > 1)}",
            blocks=blocks,
            residual=residual,
        )
        for blocks in (1, 2)
        for residual in (False, True)
    ),
    scales=(Scale("quick", vectors=2_000, epochs=20), Scale("full", vectors=20_000, epochs=100)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Learning the identity", Panel("errors", log=True), x="epoch"),
    metrics=(
        Metric("error", "mean squared error in the end"),
        Metric("before", "mean squared error before training"),
        Metric("left", "mean squared error in the end over that before training", "ratio"),
        Metric("errors", "mean squared error", "", "epoch"),
        Metric("epoch", "epoch"),
        Metric("rate", "best rate"),
    ),
)
