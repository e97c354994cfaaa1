"""What of a model draws random numbers without a seed: two runs of one replicate then differ,
and nothing else would say so."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.engine.probes import layer_labels

if TYPE_CHECKING:
    import keras


def unseeded(model: "keras.Model") -> list[str]:
    """Every layer that draws, and every initializer of a layer's weights, without a seed: "dropout_1",
    "dense_1/kernel".

    Of models that draw nothing, or only with seeds, an empty list. A seed set for the whole process is none: it ties
    the numbers to what was drawn before.
    """
    import keras

    labels = layer_labels(model) if hasattr(model, "layers") else {}
    found = dict[str, None]()
    for layer in _layers(model):
        name = labels.get(layer.name, layer.name)
        for attribute, value in vars(layer).items():
            if isinstance(value, keras.random.SeedGenerator) and _without_seed(value) and _draws(layer):
                found[name] = None
            elif isinstance(value, keras.initializers.Initializer) and _without_seed(value):
                weight = attribute.strip("_").removesuffix("_initializer")
                drawn = [one for one in layer.variables if one.name in (weight, f"{weight}_kernel")]
                if any(_as_drawn(variable, value) for variable in drawn):
                    found[f"{name}/{weight}"] = None
    return list(found)


def _as_drawn(variable: "keras.Variable", initializer: "keras.initializers.Initializer") -> bool:
    """Whether a weight still is what its initializer drew, which draws the same again; not so,
    it was set to something else."""
    import keras

    drawn = initializer(variable.shape, dtype=variable.dtype)
    to_numpy = keras.ops.convert_to_numpy
    return bool(np.array_equal(to_numpy(drawn), to_numpy(variable)))


def draws(model: "keras.Model") -> bool:
    """Whether a layer of the model has a generator of random numbers."""
    import keras

    return any(
        isinstance(value, keras.random.SeedGenerator) for layer in _layers(model) for value in vars(layer).values()
    )


def _layers(model: "keras.Model") -> "Iterator[keras.Layer]":
    """The model and every layer in it, those inside of layers too; each once."""
    seen, waiting = set[int](), [model]
    while waiting:
        layer = waiting.pop(0)
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer
            waiting += (
                layer._layers
            )  # what Keras itself walks; `layers` lacks those of wrappers and of users' own layers


def _without_seed(part: "keras.initializers.Initializer | keras.random.SeedGenerator") -> bool:
    """Whether an initializer or a seed generator takes a seed and was given none."""
    try:
        return bool(part.get_config().get("seed", 0) is None)
    except NotImplementedError:  # of a user's own: nothing tells
        return False


def _draws(layer: "keras.Layer") -> bool:
    """Whether the layer draws at all: rates and deviations of zero draw nothing."""
    shares = [
        share
        for name in ("rate", "stddev", "dropout", "recurrent_dropout")
        if (share := getattr(layer, name, None)) is not None
    ]
    return not shares or any(share != 0 for share in shares)
