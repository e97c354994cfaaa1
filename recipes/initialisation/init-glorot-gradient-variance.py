"""Xavier weights give gradients of like size in all layers; standard weights leave a big gap.

Source: "Deep Network Components & Training", slide "XAVIOR INITILAIZATION"
Data:   cifar10, standardised, flattened to 3,072 features (full: 10,000 train, 2,000 test images)
Cost:   full 140 s per replicate, quick 4 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run init-glorot-gradient-variance --scale full

Widths, batch size and standard weights are those of Glorot and Bengio (2010); epochs and rate are
ours. Back-propagated gradients are those of a layer's pre-activations. Images scaled by 0.01 keep
tanh linear, as the paper's derivation has it.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Histogram, HistogramGrid, Measurement, Metric, Panel, Recipe
from keras_reprise import Scale, Source, at, between, curve, detail, gradients, maximum, minimum
from keras_reprise import rule, train

LAYERS = 5


def initialiser(arm, fan_in, seed):
    """Standard: uniform in ±1/sqrt(fan_in). Normalised: Glorot's uniform."""
    if arm.normalised:
        return keras.initializers.GlorotUniform(seed=seed)
    return keras.initializers.RandomUniform(-(fan_in**-0.5), fan_in**-0.5, seed=seed)


def networks(arm, replicate, features, classes):
    """The network, and its layers with an input of zeros added to the pre-activations of each."""
    width, seeds = replicate.scale.width, replicate.seeds
    inputs = keras.Input((features,))
    zeros = [keras.Input((width,)) for _ in range(LAYERS)]
    hidden = probed = inputs
    for number, zero in enumerate(zeros, start=1):
        name, fan_in = f"layer{number}", hidden.shape[-1]
        dense = keras.layers.Dense(
            width, kernel_initializer=initialiser(arm, fan_in, seeds.weights(name)), name=name
        )
        hidden = keras.activations.tanh(dense(hidden))
        probed = keras.activations.tanh(dense(probed) + zero)
    logits = keras.layers.Dense(
        classes, kernel_initializer=initialiser(arm, width, seeds.weights("logits")), name="logits"
    )
    return keras.Model(inputs, logits(hidden)), keras.Model([inputs, *zeros], logits(probed))


def layer_gradients(probed, x, y, width):
    """The gradients per hidden layer: of the weights, and back-propagated."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = gradients(
        probed, [x, *(np.zeros((len(x), width), np.float32) for _ in range(LAYERS))], y, loss
    )
    weights = [
        gradient
        for path, gradient in found.weights.items()
        if path.startswith("layer") and path.endswith("kernel")
    ]
    return {"weights": weights, "backprop": found.inputs[1:]}


def measure(arm, replicate) -> Measurement:
    scale, data = replicate.scale, replicate.dataset().standardised().flattened()
    network, probed = networks(arm, replicate, data.image_shape[0], data.classes)
    x, y = data.x_train[: scale.n_gradient], data.y_train[: scale.n_gradient]
    found = {
        f"{kind}-start": values
        for kind, values in layer_gradients(probed, x, y, scale.width).items()
    }
    found["backprop-linear"] = layer_gradients(probed, 0.01 * x, y, scale.width)["backprop"]
    history = train(
        network,
        data,
        replicate,
        optimizer=keras.optimizers.SGD(),
        learning_rate=0.01,
        batch_size=10,
        epochs=scale.epochs,
    )
    found |= {
        f"{kind}-trained": values
        for kind, values in layer_gradients(probed, x, y, scale.width).items()
    }
    curves = {
        name.replace("-", "_"): [layer.std() for layer in layers] for name, layers in found.items()
    }
    histograms = {
        f"layer{number}_{name}": Histogram.of(layer / layers[-1].std(), -3.0, 3.0, 30)
        for name, layers in found.items()
        for number, layer in enumerate(layers, start=1)
    }
    return Measurement(
        metrics=history.last, curves=curves, histograms=histograms, diverged=history.diverged
    )


ERRATUM = "In the paper the gap appears in training; before, only back-propagated gradients shrink."


def down(arm, name):
    """The spread of the gradients in the lowest layer over that in the highest."""
    return at(curve(arm, name), 1) / at(curve(arm, name), LAYERS)


START, TRAINED = (curve("normalised", f"weights_{when}") for when in ("start", "trained"))
SHRUNK, KEPT = between(0.081, 0.141), between(0.6, 1.2)
CLAIMS = (
    rule("normalised-near-identical", kind="positive")
    .says("Xavier weights give near identical variances of the weight gradients across the layers.")
    .must((maximum(START) / minimum(START)) ** 2 < 1.5),
    rule("standard-gap-much-bigger", kind="positive", erratum=ERRATUM)
    .says("Standard weights start with a much bigger gap in variance between low and high layers.")
    .must((down("standard", "weights_start") / down("normalised", "weights_start")) ** 2 > 4.0),
    detail("standard-shrinks-linear", kind="positive")
    .says("Where tanh is linear, standard weights shrink gradients by the root of three a layer.")
    .must(down("standard", "backprop_linear"), SHRUNK),
    detail("normalised-keeps-linear", kind="positive")
    .says("Where tanh is linear, Xavier weights about keep them.")
    .must(down("normalised", "backprop_linear"), KEPT),
    detail("standard-shrinks-backprop", kind="positive", erratum=ERRATUM)
    .says("Under standard weights back-propagated gradients shrink by the root of three a layer.")
    .must(down("standard", "backprop_start"), SHRUNK),
    detail("normalised-keeps-backprop", kind="positive")
    .says("Under Xavier weights they about keep their size.")
    .must(down("normalised", "backprop_start"), KEPT),
    detail("standard-even-at-start", kind="positive", erratum=ERRATUM)
    .says("Standard weights, too, start the lowest and highest layers' weight gradients alike.")
    .must(down("standard", "weights_start"), between(0.5, 2.0)),
    detail("standard-gap-after-training", kind="positive")
    .says("After training there is a gap under standard weights.")
    .must(down("standard", "weights_trained") > 2.0),
    detail("standard-gap-is-bigger", kind="positive")
    .says("After training the gap is bigger than under Xavier weights.")
    .must(down("standard", "weights_trained") / down("normalised", "weights_trained") > 1.0),
    detail("near-identical-after-training", kind="positive")
    .says("After training the variances under Xavier weights are still near identical.")
    .must((maximum(TRAINED) / minimum(TRAINED)) ** 2 < 1.5),
    detail("much-bigger-after-training", kind="positive")
    .says("After training the gap in variance is much bigger than under Xavier weights.")
    .must((down("standard", "weights_trained") / down("normalised", "weights_trained")) ** 2 > 4),
)

SPREADS = {
    "backprop_linear": "back-propagated spread, inputs x 0.01",
    "backprop_start": "back-propagated spread at the start",
    "weights_start": "weight gradients' spread at the start",
    "weights_trained": "weight gradients' spread after training",
}
PANELS = tuple(Panel((name,), words, log=True) for name, words in SPREADS.items())
KINDS = tuple(name.replace("_", "-") for name in SPREADS)
LAYER_NAMES = tuple(f"layer{number}" for number in range(1, LAYERS + 1))
RECIPE = Recipe(
    slug="init-glorot-gradient-variance",
    version=1,
    question="Which initial weights let gradients of the same size reach every layer?",
    sources=Source("cs231n-slides", "XAVIOR INITILAIZATION"),
    data="cifar10",
    arms=(
        Arm("standard", "uniform in ±1/sqrt(fan-in)", normalised=False),
        Arm("normalised", "Glorot's uniform", normalised=True),
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=1_000, n_gradient=500, width=300, epochs=2),
        Scale("full", n_train=10_000, n_test=2_000, n_gradient=1_000, width=1_000, epochs=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        HistogramGrid("Gradients per layer", KINDS, LAYER_NAMES, "gradient over that of layer 5"),
        Curves("Spread of the gradients", PANELS, x_label="layer"),
    ),
    suites=("quickstart", "gate"),
    metrics=tuple(Metric(name, words, per="layer") for name, words in SPREADS.items()),
)
