"""Probes look into a network before training and after each epoch; what they return becomes curves and histograms.

A probe is any function of a `Moment` that returns numbers (curves of these names) and histograms. Those of this file
are made by their constructors; a probe that is not asked for costs nothing.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.engine.gradients import Gradients, gradients, variable_names
from keras_reprise.record.histogram import Histogram

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A network between two epochs: `epoch` (0: before training), the model and its loss.

    `examples(n)` gives the first n training examples, scaled, and their labels. `trial_update()` makes the next update,
    takes it back, and returns each trainable weight before and after it.
    """

    epoch: int
    model: "keras.Model"
    loss: "keras.losses.Loss"
    examples: Callable[[int], tuple[np.ndarray, np.ndarray]]
    trial_update: Callable[[], dict[str, tuple[np.ndarray, np.ndarray]]]

    def gradients(self, n: int) -> Gradients:
        """Gradients of the mean loss of the first n training examples, in inference mode."""
        x, y = self.examples(n)
        return gradients(self.model, [x], y, self.loss)


Probe = Callable[[Moment], Mapping[str, float | Histogram]]


def layer_labels(model: "keras.Model") -> dict[str, str]:
    """Every layer's name as curves call it: automatic names ("dense_17") are counted within the model ("dense_1")."""
    labels, counts = {}, Counter[str]()
    for layer in model.layers:
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)).lower()
        automatic = re.sub(r"_\d+$", "", layer.name) == kind  # Keras's automatic names: the class in snake case
        counts[kind] += bool(automatic)
        labels[layer.name] = f"{kind}_{counts[kind]}" if automatic else layer.name
    return labels


def weight_names(model: "keras.Model") -> list[str]:
    """The trainable weights as "layer/kernel", each name once (see `variable_names`)."""
    return variable_names(model, layer_labels(model))


def text_of(probe: Probe) -> str | None:
    """What tells a probe from others: where its function stands, and the numbers and words that it was made with.

    None for what is no function, or was made with something else, a model say, of which no text tells all.
    """
    if not isinstance(probe, FunctionType):
        return None
    held = [cell.cell_contents for cell in probe.__closure__ or ()]
    made_with = (*held, *(probe.__defaults__ or ()), *(probe.__kwdefaults__ or {}).values())
    if not _plain(made_with):
        return None
    code = probe.__code__
    constants = [getattr(one, "co_code", one) for one in code.co_consts]  # of functions within
    where = f"{probe.__module__}.{probe.__qualname__}:{code.co_firstlineno}"
    return f"{where} {made_with} {code.co_code.hex()} {code.co_names} {constants}"


def _plain(value: object) -> bool:
    """Whether it is a number or a word, or a tuple of these."""
    if isinstance(value, tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def weight_norms() -> Probe:
    """The Euclidean norm of every trainable weight: "norm/conv1/kernel"."""

    def probe(moment: Moment) -> dict[str, float]:
        import keras

        arrays = map(keras.ops.convert_to_numpy, moment.model.trainable_variables)
        return {f"norm/{name}": _norm(array) for name, array in zip(weight_names(moment.model), arrays, strict=True)}

    return probe


def update_ratios() -> Probe:
    """Norm of an update over the norm of what it changes, for every trainable weight: "update_ratio/conv1/kernel".

    The update is the one that the next batch would make, with the optimizer's state and rate as they are. A healthy
    ratio is about 1e-3 (catalogue, B10); a weight of zeros gives nan.
    """

    def probe(moment: Moment) -> dict[str, float]:
        ratios = {}
        for name, (before, after) in moment.trial_update().items():
            norm = _norm(before)
            ratios[f"update_ratio/{name}"] = _norm(after.astype(np.float64) - before) / norm if norm else float("nan")
        return ratios

    return probe


def activation_statistics(n: int = 500, histogram: tuple[float, float, int] | None = None) -> Probe:
    """Of every layer's output for the first n training examples: mean, deviation and dead units.

    "activation_mean/conv1", "activation_std/conv1", and "dead/conv1": the fraction of units (channels, for a
    convolution) that are zero for all examples (at all places). `histogram` (lo, hi, bins) adds "activation/conv1".
    """

    def probe(moment: Moment) -> dict[str, float | Histogram]:
        import keras

        found: dict[str, float | Histogram] = {}
        x, _ = moment.examples(n)
        for layer, label in zip(moment.model.layers, layer_labels(moment.model).values(), strict=True):
            x = layer(x, training=False)
            values = keras.ops.convert_to_numpy(x).astype(np.float64)
            found |= _moments("activation", label, values, histogram)
            found[f"dead/{label}"] = float((values.reshape(-1, values.shape[-1]) == 0).all(axis=0).mean())
        return found

    return probe


def gradient_statistics(n: int = 500, histogram: tuple[float, float, int] | None = None) -> Probe:
    """Mean and deviation of the loss's gradient with respect to every trainable weight, over the first n training
    examples.

    "gradient_mean/conv1/kernel", "gradient_std/conv1/kernel"; `histogram` (lo, hi, bins) adds "gradient/conv1/kernel".
    """

    def probe(moment: Moment) -> dict[str, float | Histogram]:
        found: dict[str, float | Histogram] = {}
        found_gradients = moment.gradients(n).weights.values()
        for name, values in zip(weight_names(moment.model), found_gradients, strict=True):
            found |= _moments("gradient", name, values.astype(np.float64), histogram)
        return found

    return probe


def _moments(
    kind: str, name: str, values: np.ndarray, histogram: tuple[float, float, int] | None
) -> dict[str, float | Histogram]:
    found: dict[str, float | Histogram] = {
        f"{kind}_mean/{name}": float(values.mean()),
        f"{kind}_std/{name}": float(values.std()),
    }
    if histogram is not None:
        found[f"{kind}/{name}"] = Histogram.of(values, *histogram)
    return found


def _norm(array: np.ndarray) -> float:
    return float(np.sqrt(np.sum(np.square(array, dtype=np.float64))))
