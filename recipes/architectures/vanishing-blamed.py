"""In deep plain networks, which train worse, the gradients of the first layers vanish.

Source: "Training" (notes on hyper-parameters), section "Resnet"; that they do not, with batch
        normalisation, is an argument of He et al. (2015), section 4.1
Data:   cifar10, standardised
Cost:   quick 32 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run vanishing-blamed --scale full

Gradients of the mean loss of 200 training images with respect to what each convolution gives, as
their Euclidean norm, before training and at its end; images are normalised by their own moments, as
in training. (Those of its weights tell nothing without normalisation: there the product of weights
and gradient is the same in every layer.) Those of the first tenth of the layers are set against
those of the last tenth. Networks are the paper's plain ones, with batch normalisation and without;
quick ones have half of its filters and images of 8 x 8. SGD with momentum 0.9, each network at its
best rate, by its training loss.
"""

from functools import partial

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, detail
from keras_reprise import gradients, metric, rule
from keras_reprise.rates import Restartable, best_network
from keras_reprise.residual import residual_network

RATES, IMAGES = (0.01, 0.03), 200
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class BatchMoments(keras.layers.BatchNormalization):
    """Normalises by the moments of the batch, as in training, in whatever mode."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=True, mask=mask)


def tapped(model):
    """The model, a chain of layers, with an input of zeros added to what each convolution gives."""
    inputs = [keras.Input(model.input_shape[1:])]
    x = inputs[0]
    for layer in model.layers[1:]:
        x = layer(x)
        if isinstance(layer, keras.layers.Conv2D):
            inputs.append(keras.Input(x.shape[1:]))
            x = keras.layers.Add()([x, inputs[-1]])
    return keras.Model(inputs, x)


def sizes(model, taps, data):
    """The norm of the gradient that each convolution's output gets, from the first layer on."""
    taps.set_weights(model.get_weights())
    x, y = data.x_train[:IMAGES], data.y_train[:IMAGES]
    zeros = [np.zeros((len(x), *one.shape[1:]), "float32") for one in taps.inputs[1:]]
    _, *flows = gradients(taps, [x, *zeros], y, LOSS).inputs
    return np.array([np.linalg.norm(flow.astype(float)) for flow in flows])


def first_over_last(found):
    """The geometric mean of the first tenth of the layers over that of the last."""
    tenth, logs = max(1, len(found) // 10), np.log(np.maximum(found, 1e-30))
    return np.exp(logs[:tenth].mean() - logs[-tenth:].mean())


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale
    depth = scale.shallow if arm.shallow else scale.deep
    options = {"image_shape": data.image_shape, "classes": data.classes, "filters": scale.filters}
    options |= {"shrink": scale.shrink, "blocks": (depth - 2) // 6, "skips": False}
    build = partial(residual_network, **options)
    kind = keras.layers.BatchNormalization if arm.normalised else None
    sgd = keras.optimizers.SGD(momentum=0.9)
    network = Restartable(partial(build, normalisation=kind), data, replicate, sgd)
    taps = tapped(build(replicate.seeds, normalisation=BatchMoments if arm.normalised else None))
    before = sizes(network.model, taps, data)
    rate, history = best_network(network, RATES, scale.epochs, batch_size=scale.batch_size)
    after = sizes(network.model, taps, data)
    metrics = {"before": first_over_last(before), "after": first_over_last(after), "rate": rate}
    metrics |= {"first_layer": before[0], "train_percent": 100 * history.last["train_error"]}
    curves = {"layer": range(1, depth), "gradient": before / before[-1]}
    return Measurement(metrics, curves | {"trained": after / after[-1]})


def ratio(arm, name):
    """A number of the arm over that of the shallow network."""
    return metric(arm, name) / metric("shallow", name)


PAPER = "He et al. (2015), section 4.1"
WRONG = (
    "The paper behind the notes says the contrary: batch normalisation keeps them from vanishing."
)
WORSE = metric("deep", "train_percent") > metric("shallow", "train_percent")
CLAIMS = (
    rule("output-gradients-vanish", erratum=WRONG, kind="positive")
    .says(
        "In a deep plain network, which trains worse, the gradients that the first layers get are"
        " below a hundredth of the last's."
    )
    .must(metric("deep", "before") < 0.01, given=WORSE),
    rule("output-gradients-vanish-at-the-end", erratum=WRONG, kind="positive")
    .says("And so they are at the end of training.")
    .must(metric("deep", "after") < 0.01, given=WORSE),
    detail("deep-trains-worse")
    .says("It has a higher training error than the shallow one.")
    .must(WORSE),
    detail("deep-first-layer-gets-no-less", PAPER, kind="positive")
    .says("Its first layer gets at first more than a tenth of the gradient in the shallow one.")
    .must(ratio("deep", "first_layer") > 0.1),
    detail("deep-loses-no-more-on-the-way", PAPER, kind="positive")
    .says("First over last, its gradients are more than a tenth of those of the shallow one.")
    .must(ratio("deep", "before") > 0.1),
    detail("first-layer-gets-less-without-normalisation", kind="positive")
    .says("Without batch normalisation its first layer gets less than that of the shallow one.")
    .must(ratio("deep-bare", "first_layer") < 1),
)
PANELS = (
    Panel("gradient", "before training, over the last", log=True, level=0.01, level_label="1/100"),
    Panel("trained", "at its end, over the last", log=True, level=0.01, level_label="1/100"),
)

RECIPE = Recipe(
    slug="vanishing-blamed",
    version=3,
    question="Do gradients vanish in the deep plain networks that train worse?",
    sources=Source("hyperparameters-notes", "Resnet"),
    data="cifar10",
    arms=(
        Arm("shallow", "few layers, batch normalisation", shallow=True, normalised=True),
        Arm("deep", "many layers, batch normalisation", shallow=False, normalised=True),
        Arm("deep-bare", "many layers without it", shallow=False, normalised=False),
    ),
    scales=(
        Scale(
            "quick",
            n_train=1_000,
            n_test=500,
            shallow=8,
            deep=32,
            filters=(8, 16, 32),
            shrink=4,
            batch_size=50,
            epochs=8,
        ),
        Scale(
            "full", shallow=20, deep=56, filters=(16, 32, 64), shrink=1, batch_size=128, epochs=20
        ),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Size of the gradients that the layers get", PANELS, x="layer"),
    metrics=(
        Metric("layer", "layer"),
        Metric("before", "first layers' gradient over the last's before training", "ratio"),
        Metric("after", "first layers' gradient over the last's at its end", "ratio"),
        Metric("first_layer", "gradient of the first layer's output before training"),
        Metric("train_percent", "training error", "percent"),
        Metric("rate", "best rate"),
        Metric("gradient", "gradient before training", "ratio", "layer"),
        Metric("trained", "gradient at the end of training", "ratio", "layer"),
    ),
)
