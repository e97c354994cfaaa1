"""Gradients of a loss with respect to weights and inputs, on any backend."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.engine.backends.start import current_backend

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Gradients:
    """d(mean loss)/d(weights) by layer and variable ("hidden/kernel", or as much of its path as tells it from others),
    and d(mean loss)/d(inputs), each in its shape."""

    weights: dict[str, np.ndarray]
    inputs: list[np.ndarray]


def gradients(
    model: "keras.Model", inputs: Sequence[np.ndarray], y: np.ndarray, loss: "keras.losses.Loss"
) -> Gradients:
    """The gradients of the mean of `loss(y, model(inputs))` in inference mode, penalties left out.

    A model with an extra input of zeros added to a layer's pre-activations gives, as that input's gradient, the
    gradient that is back-propagated to the layer.
    """
    weights, flows = current_backend().gradients(model, list(inputs), y, loss)
    return Gradients(dict(zip(variable_names(model, {}), weights, strict=True)), flows)


def variable_names(model: "keras.Model", labels: Mapping[str, str]) -> list[str]:
    """The trainable weights as "layer/kernel", a layer of the model by its label where it has one.

    Weights that would so be called the same ("lstm_cell/kernel" of two layers) have as much of their paths below the
    model as tells them apart: "lstm_1/lstm_cell/kernel", inner layers without the numbers that Keras appends where
    these are not needed. What no path tells apart is numbered.
    """
    paths = [variable.path.split("/") for variable in model.trainable_variables]
    names = ["/".join([*(labels.get(layer, layer) for layer in path[-2:-1]), path[-1]]) for path in paths]
    if len(set(names)) == len(names):
        return names
    below = _below_model(model, labels)
    plainer = ["/".join([top, *(re.sub(r"_\d+$", "", one) for one in inner), last]) for top, *inner, last in below]
    for longer in (plainer, ["/".join(path) for path in below]):
        names = _where_repeated(names, longer)
    numbers = [names[:k].count(name) + 1 for k, name in enumerate(names)]
    return [name if number == 1 else f"{name}_{number}" for name, number in zip(names, numbers, strict=True)]


def _where_repeated(names: Sequence[str], longer: Sequence[str]) -> list[str]:
    """The names, the longer ones for those that are there more than once."""
    counts = Counter(names)
    return [name if counts[name] == 1 else other for name, other in zip(names, longer, strict=True)]


def _below_model(model: "keras.Model", labels: Mapping[str, str]) -> list[list[str]]:
    """The path of every trainable weight, two parts or more: the label of the model's layer that holds it, then what
    follows; of a weight of the model's own, the model."""
    holders: dict[int, keras.Layer] = {}
    for layer in model.layers:
        for variable in layer.variables:
            holders.setdefault(id(variable), layer)
    paths = []
    for variable in model.trainable_variables:
        *scopes, last = variable.path.split("/")
        name = holders.get(id(variable), model).name
        start = scopes.index(name) + 1 if name in scopes else scopes[:1].count(model.name)
        paths.append([labels.get(name, name), *scopes[start:], last])
    return paths
