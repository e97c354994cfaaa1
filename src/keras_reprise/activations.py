"""Statistics of what flows through a network: per-layer mean, standard deviation and histogram, averaged over draws."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from keras_reprise.recipe.numbers import Measurement
from keras_reprise.record.histogram import Histogram
from keras_reprise.record.metric import Metric

OF_LAYERS = (
    Metric("mean", "mean of the activations", per="layer"),
    Metric("std", "standard deviation of the activations", per="layer"),
    Metric("second_moment", "mean square of the activations", per="layer"),
)
"""What `LayerStatistics` gives of every layer, for `Recipe(metrics=...)`."""


FORMULAS = {
    "relu": "max(0, x)",
    "leaky-relu": "max(0.01 x, x)",
    "sigmoid": "1 / (1 + exp(-x))",
    "tanh": "hyperbolic tangent",
    "elu": "x, and exp(x) - 1 below 0",
}
"""What arms of these names are in words."""


def activation_layer(name: str) -> keras.layers.Layer:
    """The activation of this name as a layer: "leaky-relu" with the slope 0.01 of document 003, where Keras's own is
    0.3; any other as Keras calls it."""
    return keras.layers.LeakyReLU(0.01) if name == "leaky-relu" else keras.layers.Activation(name)


def forward(model: keras.Sequential, x: np.ndarray) -> list[np.ndarray]:
    """The output of every layer of a Sequential model for the inputs `x` (n, ...), in inference mode."""
    outputs = []
    for layer in model.layers:
        x = layer(x, training=False)
        outputs.append(keras.ops.convert_to_numpy(x))
    return outputs


class LayerStatistics:
    """Collects per-layer statistics over several draws of the weights.

    `add` takes the outputs of all layers (each of any shape). Means, standard deviations and second moments are
    averaged over the draws; histograms of [lo, hi] are summed. Given `saturated`, the share of |values| above it is
    kept too.
    """

    def __init__(self, lo: float, hi: float, bins: int, saturated: float | None = None) -> None:
        self.lo, self.hi, self.bins, self.saturated = lo, hi, bins, saturated
        self.rows: list[list[dict[str, float]]] = []
        self.counts: dict[str, Histogram] = {}

    def add(self, outputs: Sequence[np.ndarray]) -> None:
        """One draw: the outputs of layers 1, 2, ..."""
        draw = []
        for number, values in enumerate(outputs, start=1):
            wide = values.astype(np.float64)
            row = {"mean": wide.mean(), "std": wide.std(), "second_moment": (wide**2).mean()}
            if self.saturated is not None:
                row["saturated"] = (np.abs(wide) > self.saturated).mean()
            draw.append(row)
            name, new = f"layer_{number}", Histogram.of(values, self.lo, self.hi, self.bins)
            old = self.counts.get(name)
            self.counts[name] = new if old is None else old + new
        self.rows.append(draw)

    def measurement(self) -> Measurement:
        """Curves over the layers, and one histogram per layer named layer_1, layer_2, ..."""
        names = self.rows[0][0]
        curves = {name: np.mean([[row[name] for row in draw] for draw in self.rows], axis=0) for name in names}
        return Measurement(curves=curves, histograms=self.counts)


def entering(model: keras.Sequential, x: np.ndarray) -> list[np.ndarray]:
    """What enters every `Activation` layer of a Sequential model for the inputs `x` (n, ...), in training mode.

    Batch normalisation normalises by the moments of `x`, and layers that draw do draw; afterwards the model's variables
    are what they were.
    """
    variables, inputs = list(model.variables), []
    kept = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    for layer in model.layers:
        if isinstance(layer, keras.layers.Activation):
            inputs.append(np.array(keras.ops.convert_to_numpy(x)))
        x = layer(x, training=True)
    for variable, value in zip(variables, kept, strict=True):
        variable.assign(value)
    return inputs


def input_shift(
    model: keras.Sequential, images: np.ndarray, weights: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> float:
    """By how much an update moves the mean of what enters a unit of an `Activation` layer, for the same `images`.

    In standard deviations of these inputs before it, in training mode; the mean over all units of all such layers.
    `weights` are all trainable weights before and after the update, as `Moment.trial_update` gives them. Layers that
    draw draw other numbers after it. The model's variables are left as they were.
    """
    variables = list(model.variables)
    kept = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    before = entering(model, images)
    model(images, training=True)  # as in an update: the generators of layers that draw go on
    for variable, (_, updated) in zip(model.trainable_variables, weights.values(), strict=True):
        variable.assign(updated)
    pairs = zip(before, entering(model, images), strict=True)
    for variable, value in zip(variables, kept, strict=True):
        variable.assign(value)
    moved = [abs(new.mean(axis=0) - old.mean(axis=0)) / (old.std(axis=0) + 1e-12) for old, new in pairs]
    return float(np.concatenate(moved).mean())


def alignment(one: np.ndarray, other: np.ndarray) -> float:
    """Linear centred kernel alignment of two layers' outputs for the same inputs (n, units): 1 if they are alike.

    Alike up to a rotation, a factor and a shift; Kornblith et al. (2019), "Similarity of neural network
    representations revisited", section 3. nan where an output is the same for all inputs.
    """
    x, y = (values - values.mean(axis=0) for values in (one.astype(np.float64), other.astype(np.float64)))
    return float(np.linalg.norm(x.T @ y) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))
