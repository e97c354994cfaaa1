"""The engine checks itself: what it computes on the first batch against what Keras computes on it.

`compute_loss` of a Keras model says what the loss is, eagerly, before a newly compiled program trains. Where loss,
penalties or gradients differ by more than rounding the batch is no longer cut; where they differ even then, training is
refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.base.errors import RecipeError

if TYPE_CHECKING:
    import keras

ROUNDING = {"float32": 1e-4, "float64": 1e-4}  # relative difference of losses; other precisions round more
COARSE = 3e-2
GRADIENTS = 10.0  # times as much for gradients
NEGLIGIBLE = 1e-6  # of the whole gradient's norm: what a single variable may be off in any case


@dataclass(frozen=True)
class Looked:
    """Of one batch: the loss as training counts it (penalties included), that of inference, the gradient of every
    weight.

    `gradients` is None where only losses are compared.
    """

    training: float
    inference: float
    gradients: Sequence[np.ndarray] | None


def reference(penalties: Callable[[], Sequence[object]], loss: "keras.losses.Loss") -> "keras.Model":
    """A Keras model whose `compute_loss` is that of a model compiled with `loss` whose `losses` are what `penalties`
    gives.

    What the user's model was compiled with stays as it is.
    """
    import keras

    class Reference(keras.Model):  # type: ignore[misc]
        @property
        def losses(self) -> list[object]:
            return list(penalties())

    found = Reference()
    found.compile(optimizer=_optimizer(), loss=loss)
    return found


@lru_cache(maxsize=1)
def _optimizer() -> "keras.optimizers.Optimizer":
    """Any optimizer; `compile` wants one, and making one takes a millisecond."""
    import keras

    return keras.optimizers.SGD()


def difference(ours: Looked, keras: Looked, dtype: str) -> str:
    """In words how our numbers differ from Keras's by more than rounding in `dtype`; empty when they do not."""
    bound = ROUNDING.get(dtype, COARSE)
    for name in ("training", "inference"):
        a, b = getattr(ours, name), getattr(keras, name)
        if not _close(a, b, bound):
            where = "the first batch" if name == "training" else "the first batch in inference mode"
            return f"on {where} Keras gives a loss of {b:.7g}, the engine {a:.7g}"
    if ours.gradients is None or keras.gradients is None:
        return ""
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in keras.gradients))
        for number, (a, b) in enumerate(zip(ours.gradients, keras.gradients, strict=True)):
            apart, size = (float(np.linalg.norm(np.ravel(v).astype(np.float64))) for v in (a - b, b))
            if np.isfinite(whole) and not apart <= GRADIENTS * bound * size + NEGLIGIBLE * whole:
                return (
                    f"on the first batch Keras gives a gradient of norm {size:.7g} for weight {number + 1}, "
                    f"the engine one that is {apart:.3g} away"
                )
    return ""


def refusal(model: "keras.Model", difference: str) -> RecipeError:
    """The error for a model whose numbers are not Keras's."""
    return RecipeError(
        f"The model {model.name} would not be trained as Keras trains it: {difference}.\n"
        "Nothing was trained. Please report the model; model.fit trains it."
    )


def _close(a: float, b: float, bound: float) -> bool:
    if not (np.isfinite(a) and np.isfinite(b)):
        return not np.isfinite(a) and not np.isfinite(b)
    return abs(a - b) <= bound * max(abs(a), abs(b)) + 1e-7
