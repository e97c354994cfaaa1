"""What would make training fail or lie is refused before it starts, with what to change."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.base.errors import RecipeError, UserError
from keras_reprise.base.failures import sentence
from keras_reprise.datasets import Dataset
from keras_reprise.engine.backends.start import current_backend
from keras_reprise.engine.objective import Objective, several, shown
from keras_reprise.schedules import Plateau

if TYPE_CHECKING:
    import keras

OVERRIDDEN = ("train_step", "test_step", "compute_loss", "compute_metrics")
MOST_CHARACTERS = 300
NOT_THE_FACT = (
    "Exception encountered when calling",
    "Graph execution error",
    "Detected at node",
    "in user code",
    "File ",
)
MEMORY = ("ResourceExhausted", "OutOfMemory", "MemoryError")


def check_training(
    model: "keras.Model", data: Dataset, optimizer: "keras.optimizers.Optimizer", batch_size: int, epochs: int
) -> None:
    """RecipeError when the examples, the labels, the model and the numbers do not fit together."""
    if not hasattr(optimizer, "apply") or not hasattr(optimizer, "variables"):
        raise RecipeError(
            f"{shown(optimizer)} is no Keras optimizer.\nGive an instance, such as keras.optimizers.SGD()."
        )
    n = len(data.stored_train)
    if batch_size < 1 or epochs < 0:
        raise RecipeError(f"Batches of {batch_size} for {epochs} epochs cannot be trained.\nUse batches of 1 or more.")
    _check_model(model)
    for part, stored, labels in (
        ("training", data.stored_train, data.y_train),
        ("test", data.stored_test, data.y_test),
    ):
        _check_examples(part, stored, labels)
        _check_scaling(part, stored, data)
    if batch_size > n:
        raise RecipeError(
            f"A batch of {batch_size} is larger than the data: {n} training examples.\nUse a batch size of {n} or less."
        )
    if not model.built:
        raise RecipeError(f"The model {model.name} has no weights yet.\nBegin it with keras.Input({data.image_shape}).")
    _check_shapes(model, data)
    if not model.trainable_variables:
        raise RecipeError(f"The model {model.name} has nothing to train.\nSet trainable=True for a layer with weights.")


def refuse_unsupported(options: Mapping[str, object]) -> None:
    """RecipeError for options that `fit` has and `train` has not."""
    if not options:
        return
    weights = [name for name in options if name.endswith(("weight", "weights"))]
    advice = (
        "Every example counts alike here; weigh them in the loss."
        if weights
        else "Its docstring lists those it has; model.fit has others."
    )
    raise RecipeError(f"train has no option {', '.join(options)}.\n{advice}")


def check_options(
    optimizer: "keras.optimizers.Optimizer", learning_rate: object, metrics: "Sequence[keras.metrics.Metric]"
) -> None:
    """RecipeError when a rate is given twice, cannot be set or is none that the engine takes, or a metric is none."""
    import keras

    schedules = keras.optimizers.schedules.LearningRateSchedule
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    own = getattr(inner, "_learning_rate", None)
    if isinstance(learning_rate, schedules):
        raise RecipeError(
            f"learning_rate= is a Keras schedule ({type(learning_rate).__name__}), which counts updates.\n"
            "Give it to the optimizer and leave learning_rate out, or use one of keras_reprise.schedules."
        )
    if learning_rate is not None and isinstance(own, schedules):
        raise RecipeError(
            f"The optimizer has a schedule of its own ({type(own).__name__}), and learning_rate= was given too.\n"
            "Leave one of them out."
        )
    if learning_rate is not None and callable(own):
        raise RecipeError(
            f"The optimizer's own rate is a function ({getattr(own, '__name__', type(own).__name__)}), "
            "and learning_rate= was given too.\nLeave one of them out."
        )
    settable = isinstance(own, keras.Variable) and getattr(inner, "learning_rate", None) is own
    if learning_rate is not None and not settable:
        raise RecipeError(f"{type(inner).__name__} has no learning rate that could be set.\nLeave learning_rate= out.")
    current_backend().check_optimizer(inner)
    if not (learning_rate is None or callable(learning_rate) or isinstance(learning_rate, int | float | Plateau)):
        raise RecipeError(
            f"learning_rate={shown(learning_rate)} is no rate.\n"
            "Give a number, a schedule of keras_reprise.schedules or a Plateau."
        )
    for metric in metrics:
        if not isinstance(metric, keras.metrics.Metric):
            raise RecipeError(
                f"{shown(metric)} is no Keras metric.\nGive an instance, such as keras.metrics.BinaryAccuracy()."
            )


def check_labels(objective: Objective, data: Dataset, outputs: Sequence[int | None]) -> str | None:
    """How misclassified examples are told (see `Objective.errors`); RecipeError for class indices the model has no
    output for.

    `outputs` is the shape of the outputs of a batch.
    """
    y = data.y_train
    integer = bool(np.issubdtype(y.dtype, np.integer) or y.dtype == bool)
    kind = objective.errors((None, *y.shape[1:]), integer, outputs)
    if objective.name == "SparseCategoricalCrossentropy" and getattr(objective.loss, "ignore_class", None) is None:
        labels, classes = np.concatenate([y.ravel(), data.y_test.ravel()]), outputs[-1]
        if classes is not None and (labels.min() < 0 or labels.max() >= classes):
            what = f"{classes} outputs" if classes > 1 else "one output"
            raise RecipeError(
                f"The labels run from {labels.min()} to {labels.max()}, the model has {what}.\n"
                "Class indices begin with 0, and there is an output for each; one output for two classes goes with "
                "BinaryCrossentropy."
            )
    return kind


def _check_model(model: "keras.Model") -> None:
    import keras

    if not isinstance(model, keras.Model):
        raise RecipeError(f"{type(model).__name__} is no Keras model.\nGive an instance of keras.Model.")
    for name in OVERRIDDEN:
        if name in vars(model) or getattr(type(model), name) is not getattr(keras.Model, name):
            raise RecipeError(
                f"The model {model.name} overrides {name}, which the engine would not call.\n"
                "Put what it adds into a layer (add_loss) or a loss, or train the model with its own fit."
            )
    for what in ("inputs", "outputs"):
        if isinstance(found := getattr(model, what, None), list | tuple | dict) and len(found) > 1:
            raise several(model, what, len(found))
    compiled = getattr(model, "_compile_loss", None)
    if getattr(compiled, "_user_loss_weights", None) is not None:
        raise RecipeError(f"The model {model.name} is compiled with loss_weights, which are not used.\nLeave them out.")
    if any(getattr(layer, "stateful", False) for layer in model.layers):
        raise RecipeError(
            f"The model {model.name} has a layer with stateful=True, which carries its state from batch to batch.\n"
            "The engine evaluates and shuffles between batches; leave stateful out."
        )


def _check_examples(part: str, stored: np.ndarray, labels: np.ndarray) -> None:
    for what, array in (("images", stored), ("labels", labels)):
        if not isinstance(array, np.ndarray):
            raise RecipeError(
                f"The {part} {what} are of the type {type(array).__name__}, not a NumPy array.\n"
                "Give one array of inputs and one of labels; a table becomes one with to_numpy()."
            )
    if stored.ndim < 1 or labels.ndim < 1 or len(stored) != len(labels):
        raise RecipeError(
            f"The {part} images have the shape {stored.shape}, the {part} labels {labels.shape}.\nThey come in pairs."
        )
    if len(stored) == 0:
        raise RecipeError(f"There are no {part} images.\nUse one or more.")
    _check_numbers(f"{part} images", stored, "Every loss would be nan; clean the data first.")
    _check_numbers(f"{part} labels", labels, "Clean the data first.")


def _check_scaling(part: str, stored: np.ndarray, data: Dataset) -> None:
    if data.scaling is not None and stored.dtype.kind == "f":
        raise RecipeError(
            f"The {part} images are stored as {stored.dtype}, and the data set has a scaling, which is for pixels.\n"
            "Scale them where they are made, and leave scaling out: replace(data, stored_train=data.x_train, "
            "stored_test=data.x_test, scaling=None)."
        )


def _check_numbers(what: str, array: np.ndarray, advice: str) -> None:
    if array.dtype.kind in "OUST":
        example = array.ravel()[0] if array.size else ""
        advice = "numpy.unique(labels, return_inverse=True)[1] makes class indices of them, 0, 1, 2, ..."
        kind = f"words, such as {str(example)[:40]!r}" if isinstance(example, str | bytes) else "Python objects"
        raise RecipeError(
            f"The {what} have the type {array.dtype}: {kind}.\n"
            + (advice if "labels" in what else "Turn them into an array of numbers.")
        )
    if array.dtype.kind not in "biuf":
        raise RecipeError(f"The {what} have the type {array.dtype}.\nUse numbers.")
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore"):
            # not finite where an element is not: only then it pays to count them
            total = np.sum(array, dtype=np.float64)
        if not np.isfinite(total) and (bad := int((~np.isfinite(array)).sum())):
            raise RecipeError(f"{bad} values of the {what} are not finite.\n{advice}")


def _check_shapes(model: "keras.Model", data: Dataset) -> None:
    for what, train, test in (("images", data.stored_train, data.stored_test), ("labels", data.y_train, data.y_test)):
        if train.shape[1:] != test.shape[1:]:
            raise RecipeError(
                f"A training example has {what} of shape {train.shape[1:]}, a test example {test.shape[1:]}.\n"
                "Both must be alike."
            )
    wanted = getattr(model, "input_shape", None)
    if isinstance(wanted, tuple) and wanted and not isinstance(wanted[0], tuple):
        fits = len(wanted[1:]) == len(data.image_shape) and all(
            w is None or w == s for w, s in zip(wanted[1:], data.image_shape, strict=True)
        )
        if not fits:
            raise RecipeError(
                f"The model takes inputs of shape {wanted[1:]}, the images have {data.image_shape}.\n"
                "Build it with keras.Input(data.image_shape), or flatten the data with data.flattened()."
            )


@contextlib.contextmanager
def first_call(model: "keras.Model") -> Iterator[None]:
    """Turn what a layer, a loss or an optimizer raises while it is compiled and first called into a RecipeError that
    says so.

    What goes wrong on the device for want of memory stays as it is.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # each backend has its own classes for what it cannot compile or run
        import keras

        kind = type(error).__name__
        if any(name in f"{kind}: {error}" for name in MEMORY):
            raise
        raise RecipeError(
            f"The model {model.name} cannot be trained on {keras.backend.backend()}: "
            f"{kind}: {sentence(str(error)).rstrip('.')}.\n"
            "Nothing was trained. Try another backend, or a layer, loss or optimizer that it can compile."
        ) from error
