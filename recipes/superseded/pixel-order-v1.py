"""For known neighbourhoods convolutions beat fully connected layers.

Source: "Lecture 7: Practical considerations for training deep models", slides "Default Baseline
        Models"
Data:   cifar10, standardised
Cost:   quick 43 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run pixel-order --scale full

The slides name no networks: two convolutions of 3 x 3 with a max-pool of 2 each and a dense layer
of 64, or dense layers of 44 and 32, of nearly as many weights. Images are as they are, or have
their pixels in one random order, the same for all, so that neighbourhoods are not known. SGD with
momentum 0.9; each arm has the best of three rates, chosen on half of the test images by one draw of
the weights and judged on the other half by others.
"""

from dataclasses import replace

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, between, detail
from keras_reprise import equal, metric, near, rule
from keras_reprise.rates import Restartable, judged_errors, tuned

RATES = (0.003, 0.01, 0.03)


def network(seeds, shape, classes, convolutions):
    layers, model = keras.layers, keras.Sequential([keras.Input(shape)])

    def he(name):
        return keras.initializers.HeNormal(seeds.weights(name))

    for filters in (16, 32) if convolutions else ():
        kernel = he(f"conv{filters}")
        model.add(
            layers.Conv2D(filters, 3, 1, "same", activation="relu", kernel_initializer=kernel)
        )
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten(name="flat"))
    for units in (64,) if convolutions else (44, 32):
        model.add(layers.Dense(units, "relu", kernel_initializer=he(f"dense{units}")))
    model.add(layers.Dense(classes, kernel_initializer=he("logits")))
    return model


def shuffled(data, order):
    """The images with their pixels in this order, each with its channels."""

    def pixels(images):
        rows = images.reshape(len(images), len(order), -1)
        return rows[:, order].reshape(images.shape)

    return replace(
        data, stored_train=pixels(data.stored_train), stored_test=pixels(data.stored_test)
    )


def off_by_order(model, data, order):
    """How far outputs are from those for shuffled pixels with the first weights shuffled along."""
    x, expected = data.x_test[:100], keras.ops.convert_to_numpy(model(data.x_test[:100]))
    moved, first = keras.models.clone_model(model), model.get_weights()
    channels = x.shape[-1]
    rows = (order[:, None] * channels + np.arange(channels)).ravel()
    moved.set_weights([first[0][rows], *first[1:]])
    x = x.reshape(len(x), len(order), channels)[:, order].reshape(x.shape)
    found = keras.ops.convert_to_numpy(moved(x))
    return np.abs(found - expected).max() / np.abs(expected).max()


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised(), replicate.scale.epochs
    order = replicate.seeds.generator("data").permutation(data.image_shape[0] ** 2)

    def build(seeds):
        return network(seeds, data.image_shape, data.classes, arm.convolutions)

    metrics = {} if arm.convolutions else {"off": off_by_order(build(replicate.seeds), data, order)}
    data = shuffled(data, order) if arm.shuffled else data
    sgd = keras.optimizers.SGD(momentum=0.9)
    net = Restartable(build, data, replicate, sgd, draws=1 + replicate.scale.draws)

    def judge(history):
        errors = judged_errors(history, epochs)
        return {"error": errors[-1], "errors": errors}

    trials, best = tuned(net, RATES, epochs, judge, batch_size=50)
    curves = trials.curves("rate", "criterion") | {"errors": best.pop("errors")}
    metrics |= {"weights": net.model.count_params()}
    return Measurement(best | metrics, curves, trials=trials)


def error(arm):
    return metric(arm, "error")


EXACT = {"kind": "exact", "expectation": "MATH"}
CLAIMS = (
    rule("convolutions-win-on-images")
    .says("On images convolutions have a lower error than dense layers of as many weights.")
    .must(error("conv") < error("dense")),
    detail("order-costs-convolutions")
    .says("In a random order of the pixels convolutions lose more than three points.")
    .must(error("conv-shuffled") - error("conv") > 3),
    detail("order-costs-dense-nothing")
    .says("Dense layers lose and gain less than two points.")
    .must(error("dense-shuffled") - error("dense"), between(-2, 2)),
    detail("dense-wins-when-shuffled")
    .says("In a random order dense layers have the lower error.")
    .must(error("dense-shuffled") < error("conv-shuffled")),
    detail("same-outputs-for-shuffled-weights", **EXACT)
    .says("With its first weights in the same order a dense network has the same outputs.")
    .must(metric("dense", "off") < 1e-5, equal(1)),
    detail("equal-weights", **EXACT)
    .says("Both networks have as many weights, within 1 %.")
    .must(metric("dense", "weights") / metric("conv", "weights"), near(1, absolute=0.01)),
)

RECIPE = Recipe(
    slug="pixel-order",
    version=1,
    question="Are convolutions better than dense layers because pixels have neighbours?",
    sources=Source("training-practice-slides", "Default Baseline Models"),
    data="cifar10",
    arms=(
        Arm("conv", "convolutions, images", convolutions=True, shuffled=False),
        Arm("dense", "dense, images", convolutions=False, shuffled=False),
        Arm("conv-shuffled", "convolutions, pixels shuffled", convolutions=True, shuffled=True),
        Arm("dense-shuffled", "dense, pixels shuffled", convolutions=False, shuffled=True),
    ),
    scales=(
        Scale("quick", n_train=4_000, n_test=2_000, epochs=5, draws=1),
        Scale("full", epochs=20, draws=2),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Test error at the best rate", "errors"),
        Curves("Validation error by rate", "criterion", x="rate", x_log=True),
    ),
    metrics=(
        Metric("error", "test error", "percent"),
        Metric("errors", "test error", "percent", "epoch"),
        Metric("criterion", "validation error", "percent", "rate"),
        Metric("off", "largest difference of an output over the largest output", "ratio"),
        Metric("weights", "number of weights"),
    ),
)
