"""Gradients of a loss with respect to weights and inputs, on any backend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.engine.backends.start import current_backend

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Gradients:
    """d(mean loss)/d(weights) by layer and variable ("hidden/kernel"), and d(mean loss)/d(inputs),
    each in its shape."""

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
    names = ["/".join(variable.path.split("/")[-2:]) for variable in model.trainable_variables]
    return Gradients(dict(zip(names, weights, strict=True)), flows)
