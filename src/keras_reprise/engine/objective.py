"""What training minimises, as `compile` has it: the loss of a batch, of each example, and what counts as misclassified.

Backend-neutral: arguments are tensors of any backend, which annotations call `keras.KerasTensor`. The value of a batch
is what the loss object itself says; for Keras's own losses that average one number per example the average is taken
directly, which is the same number by fewer operations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from keras_reprise.base.errors import RecipeError

if TYPE_CHECKING:
    import keras

GivenLoss: TypeAlias = "keras.losses.Loss | str | Callable[..., object] | None"
"""What `compile` takes for a single output; None is cross-entropy of logits and class indices."""

# Keras's own losses that give one number per example, whatever the other examples are.
AVERAGED = frozenset(
    [
        "SparseCategoricalCrossentropy",
        "CategoricalCrossentropy",
        "CategoricalFocalCrossentropy",
        "BinaryCrossentropy",
        "BinaryFocalCrossentropy",
        "MeanSquaredError",
        "MeanAbsoluteError",
        "MeanAbsolutePercentageError",
        "MeanSquaredLogarithmicError",
        "Huber",
        "LogCosh",
        "Poisson",
        "KLDivergence",
        "CosineSimilarity",
        "Hinge",
        "SquaredHinge",
        "CategoricalHinge",
    ]
)
MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
ONE_HOT = ("CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalHinge")
BINARY = ("BinaryCrossentropy", "BinaryFocalCrossentropy")


def resolved(loss: "GivenLoss", model: "keras.Model") -> "keras.losses.Loss":
    """The loss object that `compile` makes of `loss`: an instance, a name or a function; None is cross-entropy of
    logits.

    RecipeError when it is none of these, or when nothing is given for a model that was compiled with a loss of its own.
    """
    import keras

    compiled = getattr(model, "loss", None) if getattr(model, "compiled", False) else None
    if loss is None and compiled is not None:
        raise RecipeError(
            f"The model {model.name} is compiled with the loss {_named(compiled)}, and train was given none.\n"
            "What it was compiled with is not used here. Give loss= to train."
        )
    if loss is None:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if isinstance(loss, list | tuple | dict):
        raise RecipeError(
            f"{len(loss)} losses were given, in a {type(loss).__name__}.\n"
            "The engine trains models with one output and one loss."
        )
    try:
        found = loss if isinstance(loss, keras.losses.Loss) else keras.losses.get(loss)
    except ValueError:
        found = None
    if isinstance(found, type) or not (isinstance(found, keras.losses.Loss) or callable(found)):
        raise RecipeError(
            f"{shown(loss)} is no Keras loss.\nGive an instance, such as keras.losses.MeanSquaredError()."
        )
    if not isinstance(found, keras.losses.Loss):
        wrapper = keras.losses.MeanSquaredError.__mro__[1]  # the class by which `compile` makes losses of functions
        found = wrapper(found, name=getattr(loss, "__name__", str(loss)))
    if found.reduction in (None, "none"):
        raise RecipeError(
            f"The loss {_named(found)} has no reduction, so a batch has no single number to be minimised.\n"
            'Use reduction="sum_over_batch_size".'
        )
    return found


def shown(value: object) -> str:
    """A value in a message: text and numbers as they are, anything else by its type."""
    return (
        repr(value)
        if isinstance(value, str | int | float | None.__class__)
        else f"An object of the type {type(value).__name__}"
    )


def _named(loss: object) -> str:
    return loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)


@dataclass(frozen=True)
class Facts:
    """What a forward pass of a few examples shows.

    `shape` of the outputs of one example; `masked`: they carry a mask; `penalties`: the model has penalties of
    activities, beside those of its weights.
    """

    shape: tuple[int, ...]
    masked: bool
    penalties: bool


class Objective:
    """A Keras loss as the engine asks for it."""

    def __init__(self, loss: "keras.losses.Loss") -> None:
        import keras

        kind, base = type(loss), keras.losses.Loss
        self._gives_values = kind.__call__ is base.__call__ and kind.call is not base.call
        self.loss, self.name = loss, kind.__name__
        own = kind.__module__.startswith("keras.") and self.name in AVERAGED
        ignores = getattr(loss, "ignore_class", None) is not None  # its mean is over the others
        last = getattr(loss, "_fn_kwargs", {}).get("axis", -1) == -1  # another axis may be that of the examples
        self.averages = own and last and not ignores and loss.reduction in MEANS

    def value(self, y: "keras.KerasTensor", outputs: "keras.KerasTensor") -> "keras.KerasTensor":
        """The loss of a batch, as a scalar: what `compute_loss` gives, penalties left out."""
        import keras

        if self.averages and mask_of(outputs) is None:
            values = self.loss.call(self._labels(y), keras.ops.cast(outputs, self.loss.dtype))
            if len(values.shape) == 1:
                return keras.ops.mean(values)
        return self.loss(y, outputs)

    def sum(self, y: "keras.KerasTensor", outputs: "keras.KerasTensor") -> "keras.KerasTensor":
        """The sum of the examples' losses, for a part of a batch whose loss averages them."""
        import keras

        return keras.ops.sum(self.loss.call(self._labels(y), keras.ops.cast(outputs, self.loss.dtype)))

    def per_example(self, y: "keras.KerasTensor", outputs: "keras.KerasTensor") -> "keras.KerasTensor":
        """The loss of each example (n,), as float32: the mean of its values;
        nan where the loss gives none for an example."""
        import keras

        ops = keras.ops
        nothing = ops.full((ops.shape(y)[0],), float("nan"), dtype="float32")
        if not self._gives_values:
            return nothing
        values = self.loss.call(self._labels(y), ops.cast(outputs, self.loss.dtype))
        rank = len(values.shape)
        if rank == 0 or mask_of(outputs) is not None or mask_of(values) is not None:
            return nothing
        return ops.cast(ops.mean(values, axis=tuple(range(1, rank))) if rank > 1 else values, "float32")

    def _labels(self, y: "keras.KerasTensor") -> "keras.KerasTensor":
        """Labels in the type in which the loss gets them; class indices stay integers, which they become again."""
        import keras

        return y if self.name == "SparseCategoricalCrossentropy" else keras.ops.cast(y, self.loss.dtype)

    def errors(self, labels: Sequence[int | None], integer: bool, outputs: Sequence[int | None]) -> str | None:
        """How misclassified examples are told: "sparse", "one-hot", "threshold", or None where nothing says what a
        class is.

        From the shapes of labels and outputs (the batch first) and whether labels are integers (or booleans).
        """
        flat = len(labels) == 1 or (len(labels) == 2 and labels[-1] == 1)
        units = outputs[-1] if len(outputs) == 2 else 1 if len(outputs) == 1 else None
        if units is None:
            return None
        if units > 1:
            if flat and (integer or self.name == "SparseCategoricalCrossentropy"):
                return "sparse"
            return "one-hot" if tuple(labels[1:]) == (units,) and self.name in ONE_HOT else None
        return "threshold" if flat and self.name in BINARY else None

    def wrong(
        self,
        y: "keras.KerasTensor",
        outputs: "keras.KerasTensor",
        argmax: "Callable[[keras.KerasTensor], keras.KerasTensor]",
    ) -> "keras.KerasTensor":
        """Whether each example (n,) is misclassified; False where nothing says what a class is.
        `argmax` is over the last axis."""
        import keras

        ops = keras.ops
        kind = self.errors(y.shape, is_integer(y), outputs.shape)
        if kind is None:
            return ops.zeros((ops.shape(y)[0],), dtype="bool")
        if kind == "one-hot":
            return ops.not_equal(argmax(outputs), argmax(y))
        labels = ops.squeeze(y, -1) if len(y.shape) == 2 else y
        if kind == "sparse":
            return ops.not_equal(argmax(outputs), ops.cast(labels, "int32"))
        units = ops.squeeze(outputs, -1) if len(outputs.shape) == 2 else outputs
        positive = ops.greater(units, 0.0 if self.loss.from_logits else 0.5)
        return ops.not_equal(positive, ops.greater(ops.cast(labels, "float32"), 0.5))

    def look(self, model: "keras.Model", x: "keras.KerasTensor", y: "keras.KerasTensor") -> Facts:
        """What a forward pass of the few examples `x` shows;
        RecipeError where the engine does not train such a model."""
        import keras

        outputs = model(x, training=False)
        if isinstance(outputs, list | tuple | dict) and len(outputs) != 1:
            raise several(model, "outputs", len(outputs))
        outputs = only(outputs)
        self.loss(y, outputs)
        if self._gives_values:
            values = self.loss.call(self._labels(y), keras.ops.cast(outputs, self.loss.dtype))
            self._gives_values = len(values.shape) > 0 and values.shape[0] == x.shape[0]
        return Facts(
            shape=tuple(outputs.shape[1:]),
            masked=mask_of(outputs) is not None,
            penalties=len(model.losses) > sum(v.regularizer is not None for v in model.trainable_variables),
        )


def only(
    outputs: "keras.KerasTensor | Sequence[keras.KerasTensor] | Mapping[str, keras.KerasTensor]",
) -> "keras.KerasTensor":
    """The one tensor of a model's outputs, which may come in a list or a dictionary."""
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    return outputs[0] if isinstance(outputs, list | tuple) else outputs


def several(model: "keras.Model", what: str, n: int) -> RecipeError:
    """The refusal of a model with several inputs or outputs."""
    return RecipeError(
        f"The model {model.name} has {n} {what}.\nThe engine trains models with one input and one output."
    )


def mask_of(tensor: "keras.KerasTensor") -> "keras.KerasTensor | None":
    """The mask that Keras's layers and losses hang on a tensor, or None."""
    found = getattr(tensor, "_keras_mask", None)
    if found is None:
        from keras.src.backend.common.masking import get_keras_mask  # of tensors that take no attributes

        found = get_keras_mask(tensor)
    return found


def is_integer(tensor: "keras.KerasTensor") -> bool:
    """Whether a tensor holds integers or booleans."""
    import keras

    kind = keras.backend.standardize_dtype(tensor.dtype)
    return "int" in kind or kind == "bool"
