"""Xavier weights give gradients of like size in all layers; standard weights leave a big gap.

Source: "Deep Network Components & Training", slide "XAVIOR INITILAIZATION"
Data:   cifar10, standardised, flattened to 3,072 features (full: 10,000 train, 2,000 test images)
Cost:   full 140 s per replicate, quick 4 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run init-glorot-gradient-variance --scale full

The slides tell two statements as one; both are measured here. Back-propagated gradients are those
with respect to a layer's pre-activations. Widths, batch size and standard weights are those of
Glorot and Bengio (2010); the epochs and the learning rate are ours. Gradients are taken on the
first training images, before training also with the images scaled by 0.01: there tanh is
practically linear, which is what the paper's derivation assumes.
"""

import keras
import numpy as np

from keras_reprise import Arm, Claim, Curves, Histogram, HistogramGrid, Measurement, Metric, Panel
from keras_reprise import Recipe, Scale, Source, above, at, below, between, curve, gradients
from keras_reprise import maximum, minimum, train

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


SLIDE = "XAVIOR INITILAIZATION"
ERRATUM = (
    "The document gives the gap between the layers' weight gradients as a property of the"
    " initialisation. In the paper it appears during training; at the start they have roughly the"
    " same variance in every layer under both initialisations, and it is the back-propagated"
    " gradients that shrink."
)
SAYS = {
    "normalised-near-identical": "Xavier weights give near identical variances of the weight"
    " gradients across the layers.",
    "standard-gap-much-bigger": "Standard weights give a much bigger gap in variance between the"
    " lower layers' weight gradients and the upper ones' (read as a property of initial weights).",
    "standard-shrinks-linear": "Where tanh is linear, standard weights shrink the back-propagated"
    " gradient by the root of three a layer.",
    "normalised-keeps-linear": "Where tanh is linear, Xavier weights about keep it.",
    "standard-shrinks-backprop": "Under standard weights the back-propagated gradient shrinks on"
    " its way down, by the root of three a layer.",
    "normalised-keeps-backprop": "Under Xavier weights it about keeps its size.",
    "standard-even-at-start": "Before training standard weights, too, give the lowest and the"
    " highest layer weight gradients of like size.",
    "standard-gap-after-training": "After training there is a gap under standard weights.",
    "standard-gap-is-bigger": "After training the gap is bigger than under Xavier weights.",
    "normalised-even-at-start": "Xavier weights keep the weight gradients even across layers.",
    "standard-gap-at-start": "Standard weights give a much bigger gap between weight gradients.",
}
FOURFOLD = "variances of one to four count as near identical; see normalised-near-identical"
ALONE = "not compared with Xavier weights, nor in variance; see standard-gap-much-bigger"


def claim(id, value, must, **more):
    return Claim(id, SAYS[id], SLIDE, value=value, must=must, kind="positive", **more)


def down(arm, name):
    """The spread of the gradients in the lowest layer over that in the highest."""
    return at(curve(arm, name), 1) / at(curve(arm, name), LAYERS)


SHRUNK, KEPT, EVEN = between(0.081, 0.141), between(0.6, 1.2), between(0.5, 2.0)
START = curve("normalised", "weights_start")
STANDARD, XAVIER = down("standard", "weights_start"), down("normalised", "weights_start")
TRAINED, XAVIER_TRAINED = (down(arm, "weights_trained") for arm in ("standard", "normalised"))
RULE, WRONG = {"role": "rule"}, {"erratum": ERRATUM}
CLAIMS = (
    claim("normalised-near-identical", (maximum(START) / minimum(START)) ** 2, below(1.5), **RULE),
    claim("standard-gap-much-bigger", (STANDARD / XAVIER) ** 2, above(4.0), **RULE, **WRONG),
    claim("standard-shrinks-linear", down("standard", "backprop_linear"), SHRUNK),
    claim("normalised-keeps-linear", down("normalised", "backprop_linear"), KEPT),
    claim("standard-shrinks-backprop", down("standard", "backprop_start"), SHRUNK, **WRONG),
    claim("normalised-keeps-backprop", down("normalised", "backprop_start"), KEPT),
    claim("standard-even-at-start", STANDARD, EVEN, **WRONG),
    claim("standard-gap-after-training", TRAINED, above(2.0)),
    claim("standard-gap-is-bigger", TRAINED / XAVIER_TRAINED, above(1.0)),
)

SPREADS = {
    "backprop_linear": "back-propagated, inputs x 0.01",
    "backprop_start": "back-propagated, before training",
    "weights_start": "weights, before training",
    "weights_trained": "weights, after training",
}
RECIPE = Recipe(
    slug="init-glorot-gradient-variance",
    version=1,
    question="Which initial weights let gradients of the same size reach every layer, and what"
    " becomes of them in training?",
    sources=(Source("cs231n-slides", SLIDE),),
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
        HistogramGrid(
            "Gradients per layer, in units of the fifth layer's",
            tuple(name.replace("_", "-") for name in SPREADS),
            tuple(f"layer{n}" for n in range(1, LAYERS + 1)),
            "gradient over its standard deviation in layer 5",
        ),
        Curves(
            "Spread of the gradients per layer",
            tuple(Panel((name,), label, log=True) for name, label in SPREADS.items()),
            x_label="layer",
            columns="overlay",
        ),
    ),
    suites=("quickstart", "gate"),
    metrics=tuple(
        Metric(name, f"spread of gradients ({label})", per="layer")
        for name, label in SPREADS.items()
    ),
)
