"""Networks that more than one recipe uses, in ordinary Keras, each layer with a seed of its own."""

from collections.abc import Callable, Sequence

import keras

from keras_reprise.activations import activation_layer
from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import Seeds

INITIALISATIONS = ("pytorch", "keras")

InitialiserOf = Callable[[int, int], keras.initializers.Initializer]


def initialisers(kind: str, seeds: Seeds, layer: str, fan_in: int) -> dict[str, keras.initializers.Initializer]:
    """The initializers of the named layer, as keywords of a Keras layer.

    "pytorch": weights and biases uniform in ±1/sqrt(fan_in), PyTorch's default for dense and convolutional layers.
    "keras": Glorot uniform weights, zero biases.
    """
    if kind not in INITIALISATIONS:
        raise RecipeError(f"There is no initialisation {kind!r}.\nThere are {', '.join(INITIALISATIONS)}.")
    if kind == "keras":
        return {"kernel_initializer": keras.initializers.GlorotUniform(seed=seeds.weights(layer))}
    limit = fan_in**-0.5
    return {
        "kernel_initializer": keras.initializers.RandomUniform(-limit, limit, seed=seeds.weights(f"{layer}/kernel")),
        "bias_initializer": keras.initializers.RandomUniform(-limit, limit, seed=seeds.weights(f"{layer}/bias")),
    }


def small_convnet(
    seeds: Seeds, image_shape: tuple[int, ...], classes: int, initialisation: str = "pytorch"
) -> keras.Model:
    """Two convolutions and two dense layers with ReLU; 107,106 parameters for 32 x 32 x 3 images and 10 classes.

    conv 5x5 of 32, max-pool 3, ReLU, conv 5x5 of 64, max-pool 2, ReLU, dense 200, ReLU, dense to logits. Valid padding:
    32 -> 28 -> 9 -> 5 -> 2 pixels. Source: the course solution code of the author of document 000 (the slides do not
    print the network); see the catalogue, A1.
    """
    channels = image_shape[-1]
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Conv2D(32, 5, name="conv1", **initialisers(initialisation, seeds, "conv1", 25 * channels)),
            layers.MaxPooling2D(3),
            layers.ReLU(),
            layers.Conv2D(64, 5, name="conv2", **initialisers(initialisation, seeds, "conv2", 25 * 32)),
            layers.MaxPooling2D(2),
            layers.ReLU(),
            layers.Flatten(),
        ],
        name="small_convnet",
    )
    features = model.output_shape[-1]
    model.add(
        layers.Dense(200, activation="relu", name="dense1", **initialisers(initialisation, seeds, "dense1", features))
    )
    model.add(layers.Dense(classes, name="logits", **initialisers(initialisation, seeds, "logits", 200)))
    return model


def dense_stack(
    seeds: Seeds, inputs: int, widths: Sequence[int], activation: str, initialiser: InitialiserOf, draw: int = 0
) -> keras.Model:
    """Dense layers without biases, one per entry of `widths`, each with `activation`.

    `initialiser(fan_in, seed)` gives a layer's kernel initializer. `draw` selects independent weights under one seed.
    """
    model = keras.Sequential([keras.Input((inputs,))])
    for number, width in enumerate(widths, start=1):
        seed = seeds.weights(f"layer{number}/draw{draw}")
        fan_in = widths[number - 2] if number > 1 else inputs
        model.add(keras.layers.Dense(width, activation, use_bias=False, kernel_initializer=initialiser(fan_in, seed)))
    return model


def dense_classifier(
    seeds: Seeds, features: int, hidden: Sequence[int], classes: int, penalty: float | None = None
) -> keras.Model:
    """Dense ReLU layers of the widths `hidden` and a dense layer to logits, Glorot uniform weights, zero biases.

    `penalty` adds L2(penalty) to every kernel.
    """

    def dense(units: int, activation: str | None, name: str) -> keras.layers.Layer:
        regularizer = None if penalty is None else keras.regularizers.L2(penalty)
        initialiser = keras.initializers.GlorotUniform(seed=seeds.weights(name))
        return keras.layers.Dense(
            units, activation, name=name, kernel_initializer=initialiser, kernel_regularizer=regularizer
        )

    layers = [dense(units, "relu", f"hidden{number}") for number, units in enumerate(hidden, start=1)]
    return keras.Sequential([keras.Input((features,)), *layers, dense(classes, None, "logits")])


def activated_classifier(
    seeds: Seeds, features: int, hidden: Sequence[int], classes: int, activation: str
) -> keras.Model:
    """Dense layers of the widths `hidden`, named hidden1, hidden2, ..., each followed by the activation, and a dense
    layer to logits.

    Glorot uniform weights, zero biases. `activation` is a name of `activation_layer`.
    """

    def dense(units: int, name: str) -> keras.layers.Layer:
        return keras.layers.Dense(
            units, kernel_initializer=keras.initializers.GlorotUniform(seeds.weights(name)), name=name
        )

    model = keras.Sequential([keras.Input((features,))])
    for number, units in enumerate(hidden, start=1):
        model.add(dense(units, f"hidden{number}"))
        model.add(activation_layer(activation))
    model.add(dense(classes, "logits"))
    return model


def activated_convnet(
    seeds: Seeds, image_shape: tuple[int, ...], classes: int, filters: Sequence[int], activation: str
) -> keras.Model:
    """Convolutions of 5 x 5, each followed by the activation and a max-pool of 2, and a dense layer to logits.

    Same padding, Glorot uniform weights, zero biases. `activation` is a name of `activation_layer`. With three
    convolutions of 32, 32 and 64 filters it has the four layers of weights of A. Krizhevsky's CIFAR-10 examples.
    """
    layers, model = keras.layers, keras.Sequential([keras.Input(image_shape)])
    for number, width in enumerate(filters, start=1):
        kernel = keras.initializers.GlorotUniform(seeds.weights(f"conv{number}"))
        model.add(layers.Conv2D(width, 5, padding="same", kernel_initializer=kernel))
        model.add(activation_layer(activation))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(classes, kernel_initializer=keras.initializers.GlorotUniform(seeds.weights("logits"))))
    return model


ACTIVATIONS = ("relu", "leaky", "prelu", "elu", "maxout", "tanh", "sigmoid")


def activated(
    seeds: Seeds, image_shape: tuple[int, ...], classes: int, activation: str, *,
    convolutions: Sequence[int] = (), dense: Sequence[int] = (), slope: float = 0.01, dropout: float = 0.0,
) -> keras.Model:  # fmt: skip
    """A network with one activation function, one of `ACTIVATIONS`, after every hidden layer; dense to logits.

    Convolutions 3x3 with stride 2 and same padding of so many filters, then dense layers of these widths. Weights are
    normal of the variance gain / fan-in, biases zero. The gain is 2 for the ReLU and its relatives (He et al., 2015),
    else 1; two linear pieces of which maxout takes the larger keep the mean square with it. `slope` is the leaky
    ReLU's; PReLU's begins at 0.25 (He et al.) and is learned by channel. `dropout` stands after every dense activation.
    """
    if activation not in ACTIVATIONS:
        raise RecipeError(f"There is no activation {activation!r} here.\nThere are {', '.join(ACTIVATIONS)}.")
    layers, gain = keras.layers, 2.0 if activation in ACTIVATIONS[:4] else 1.0

    def linear(name: str, units: int, gain: float, *, image: bool = False) -> keras.layers.Layer:
        kernel = keras.initializers.VarianceScaling(gain, "fan_in", "untruncated_normal", seeds.weights(name))
        if image:
            return layers.Conv2D(units, 3, 2, "same", kernel_initializer=kernel, name=name)
        return layers.Dense(units, kernel_initializer=kernel, name=name)

    x = inputs = keras.Input(image_shape)
    for number, units in enumerate((*convolutions, *dense), start=1):
        image, name = number <= len(convolutions), f"activation{number}"
        x = layers.Flatten()(x) if not image and len(x.shape) > 2 else x
        if activation == "maxout":
            pieces = [linear(f"layer{number}{piece}", units, gain, image=image) for piece in "ab"]
            x = layers.Maximum(name=name)([piece(x) for piece in pieces])
        else:
            x = linear(f"layer{number}", units, gain, image=image)(x)
            x = _activation(activation, slope, name, image=image)(x)
        if dropout and not image:
            x = layers.Dropout(dropout, seed=seeds.integer("dropout", name))(x)
    x = layers.Flatten()(x) if len(x.shape) > 2 else x
    return keras.Model(inputs, linear("logits", classes, 1.0)(x))


def _activation(kind: str, slope: float, name: str, *, image: bool) -> keras.layers.Layer:
    if kind == "leaky":
        return keras.layers.LeakyReLU(slope, name=name)
    if kind == "prelu":
        start = keras.initializers.Constant(0.25)
        return keras.layers.PReLU(start, shared_axes=(1, 2) if image else None, name=name)
    return keras.layers.Activation(kind, name=name)


def normalised_convnet(seeds: Seeds, image_shape: tuple[int, ...], classes: int) -> keras.Model:
    """Two convolutions with batch normalisation and a dense layer to logits; 25,722 parameters for 32 x 32 x 3 images
    and 10 classes.

    conv 3x3 of 16, normalisation, ReLU, max-pool 2, conv 3x3 of 32, normalisation, ReLU, max-pool 2, dense to logits.
    Same padding: 32 -> 16 -> 8 pixels. Glorot uniform weights, no biases before a normalisation.
    """
    layers, model = keras.layers, keras.Sequential([keras.Input(image_shape)])
    for number, filters in enumerate((16, 32), start=1):
        initialiser = keras.initializers.GlorotUniform(seed=seeds.weights(f"conv{number}"))
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer=initialiser))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    logits = keras.initializers.GlorotUniform(seed=seeds.weights("logits"))
    model.add(layers.Dense(classes, kernel_initializer=logits))
    return model


def normalised_dense(
    seeds: Seeds,
    features: int,
    hidden: Sequence[int],
    classes: int,
    activation: str = "relu",
    normalisation: str = "before",
    dropout: float = 0.0,
) -> keras.Model:
    """Dense layers of the widths `hidden` with batch normalisation "before" or "after" each activation, or with "none",
    and a dense layer to logits.

    He normal weights before a ReLU, Glorot uniform ones otherwise; no biases before a normalisation, whose averages
    have momentum 0.9, so that they follow a training of a few hundred updates. `dropout` is the rate after each
    activation. Initial weights do not depend on `normalisation` or `dropout`.
    """
    if normalisation not in ("before", "after", "none"):
        raise RecipeError(
            f"Batch normalisation cannot stand {normalisation!r}.\n"
            "It stands 'before' or 'after' the activation, or there is 'none'."
        )
    layers, model = keras.layers, keras.Sequential([keras.Input((features,))])
    for number, units in enumerate(hidden, start=1):
        initialiser = keras.initializers.HeNormal if activation == "relu" else keras.initializers.GlorotUniform
        kernel = initialiser(seeds.weights(f"hidden{number}"))
        model.add(layers.Dense(units, use_bias=normalisation != "before", kernel_initializer=kernel))
        if normalisation == "before":
            model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.Activation(activation))
        if normalisation == "after":
            model.add(layers.BatchNormalization(momentum=0.9))
        if dropout:
            model.add(layers.Dropout(dropout, seed=seeds.integer("dropout", f"hidden{number}")))
    logits = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model.add(layers.Dense(classes, kernel_initializer=logits))
    return model
