"""A deeper network need not train worse: its further layers can be the identity.

Source: "Training" (notes on hyper-parameters), section "Resnet"
Data:   the 1,797 digits of scikit-learn, 1,000 of them to train
Cost:   quick 4 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 3 s (one of two workers, Intel Xeon)
Replay: reprise run identity-layers --scale full

A trained 64-64-10 ReLU network gets further layers behind its hidden one: ReLU layers whose matrix
is the identity, or residual blocks x + branch(x), whose branch, a ReLU layer and a linear one, ends
in zeros. Behind its logits, which are negative, too, it gets one more layer.
"""

import keras
import numpy as np
from sklearn.datasets import load_digits

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import detail, equal, metric, rule, train
from keras_reprise.models import dense_classifier


def further(x, residual, seeds, name):
    """A layer, or a residual block, that is the identity of what is not negative."""
    dense, units = keras.layers.Dense, x.shape[-1]
    if not residual:
        return dense(units, "relu", kernel_initializer="identity")(x)
    kernel = keras.initializers.GlorotUniform(seeds.weights(name))
    branch = dense(units, kernel_initializer="zeros")(
        dense(units, "relu", kernel_initializer=kernel)(x)
    )
    return keras.layers.Add()([x, branch])


def deeper(shallow, hidden, behind, residual, seeds):
    """The trained network with so many further layers behind its hidden layer and its logits."""
    x = inputs = keras.Input((64,))
    copies = [keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]
    for copy, layer, layers in zip(copies, shallow.layers, (hidden, behind), strict=True):
        x = copy(x)
        copy.set_weights(layer.get_weights())
        for number in range(layers):
            x = further(x, residual, seeds, f"{layer.name}/{number}")
    return keras.Model(inputs, x)


def measure(arm, replicate):
    scale, images = replicate.scale, load_digits()
    order = replicate.seeds.generator("data").permutation(len(images.target))
    x, y = (images.data[order] / 16).astype("float32"), images.target[order].astype("int32")
    data = Dataset.of("digits", x[:1000], y[:1000], x[1000:], y[1000:])
    shallow = dense_classifier(replicate.seeds, 64, [64], 10)
    train(shallow, data, replicate, optimizer=keras.optimizers.Adam(), epochs=scale.epochs)

    def outputs(hidden, behind=0):
        model = deeper(shallow, hidden, behind, arm.residual, replicate.seeds)
        return keras.ops.convert_to_numpy(model(data.x_train))

    def error(logits):
        return 100 * (logits.argmax(axis=1) != data.y_train).mean()

    def far(logits):
        return np.abs(logits - expected).max() / np.abs(expected).max()

    expected = keras.ops.convert_to_numpy(shallow(data.x_train))
    found = [outputs(layers) for layers in scale.layers]
    metrics = {
        "off_outputs": max(far(logits) for logits in found),
        "off_error": max(abs(error(logits) - error(expected)) for logits in found),
        "off_behind": far(outputs(0, 1)),
    }
    curves = {"layers": scale.layers, "error": [error(logits) for logits in found]}
    return Measurement(metrics, curves | {"shallow": [error(expected)] * len(found)})


RESNET, SKIP = "Resnet", "Skip Connection"
EXACT = {"kind": "exact", "expectation": "MATH"}
CLAIMS = (
    rule("same-outputs", RESNET, **EXACT)
    .says("With further layers that are the identity a network has the shallow one's outputs.")
    .must(metric("layers", "off_outputs") < 1e-5, equal(1)),
    rule("same-training-error", RESNET, **EXACT)
    .says("And its training error.")
    .must(metric("layers", "off_error"), equal(0)),
    detail("blocks-same-outputs", SKIP, **EXACT)
    .says("So has one with further residual blocks whose branches are zero.")
    .must(metric("blocks", "off_outputs") < 1e-5, equal(1)),
    detail("blocks-same-training-error", SKIP, **EXACT)
    .says("And its training error.")
    .must(metric("blocks", "off_error"), equal(0)),
    detail("relu-is-no-identity-of-negatives", RESNET, kind="discrete")
    .says("A ReLU layer cannot be the identity of negative numbers, such as logits.")
    .must(metric("layers", "off_behind") > 0.01),
    detail("block-is-one-of-negatives", SKIP, **EXACT)
    .says("A residual block is the identity of these as well.")
    .must(metric("blocks", "off_behind") < 1e-5, equal(1)),
)

ERRORS = Panel(("error", "shallow"), "training error (percent)")

RECIPE = Recipe(
    slug="identity-layers",
    version=1,
    question="Can a deeper network do what a shallow one does?",
    sources=tuple(Source("hyperparameters-notes", title) for title in (RESNET, SKIP)),
    arms=(
        Arm("layers", "ReLU layers with the identity's matrix", residual=False),
        Arm("blocks", "residual blocks with branches of zeros", residual=True),
    ),
    scales=(
        Scale("quick", epochs=20, layers=(1, 3, 10)),
        Scale("full", epochs=50, layers=(1, 3, 10, 30, 100)),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training error with further layers", ERRORS, x="layers", columns="arms"),
    metrics=(
        Metric("off_outputs", "largest difference of an output over the largest output", "ratio"),
        Metric("off_error", "largest difference of the training error", "points"),
        Metric("off_behind", "largest difference with a layer behind the logits", "ratio"),
        Metric("layers", "further layers"),
        Metric("error", "training error", "percent", "depth"),
        Metric("shallow", "training error of the shallow network", "percent", "depth"),
    ),
)
