"""What would make training fail or lie is refused before it starts, with what to change."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_reprise.datasets import Dataset
from keras_reprise.errors import RecipeError


def check_training(model: Any, data: Dataset, optimizer: Any, loss: Any, batch_size: int, epochs: int) -> None:
    """RecipeError when the examples, the labels, the model and the numbers do not fit together."""
    if not hasattr(optimizer, "apply") or not hasattr(optimizer, "variables"):
        raise RecipeError(f"{optimizer!r} is no Keras optimizer.\nGive an instance, such as keras.optimizers.SGD().")
    if not hasattr(loss, "call"):
        raise RecipeError(f"{loss!r} is no Keras loss.\nGive an instance, such as keras.losses.MeanSquaredError().")
    n = len(data.stored_train)
    if batch_size < 1 or epochs < 0:
        raise RecipeError(f"Batches of {batch_size} for {epochs} epochs cannot be trained.\nUse batches of 1 or more.")
    if batch_size > n:
        raise RecipeError(
            f"A batch of {batch_size} is larger than the data: {n} training examples.\nUse a batch size of {n} or less."
        )
    for part, stored, labels in (
        ("training", data.stored_train, data.y_train),
        ("test", data.stored_test, data.y_test),
    ):
        _check_examples(part, stored, labels)
    if not model.built:
        raise RecipeError(f"The model {model.name} has no weights yet.\nBegin it with keras.Input({data.image_shape}).")
    _check_shapes(model, data)
    if not model.trainable_variables:
        raise RecipeError(f"The model {model.name} has nothing to train.\nSet trainable=True for a layer with weights.")


def _check_examples(part: str, stored: np.ndarray, labels: np.ndarray) -> None:
    if len(stored) != len(labels):
        raise RecipeError(
            f"There are {len(stored)} {part} images and {len(labels)} {part} labels.\nThey come in pairs."
        )
    if len(stored) == 0:
        raise RecipeError(f"There are no {part} images.\nUse one or more.")
    if np.issubdtype(stored.dtype, np.floating):
        with np.errstate(invalid="ignore"):
            total = np.sum(
                stored, dtype=np.float64
            )  # not finite where an element is not: only then it pays to count them
        if not np.isfinite(total) and (bad := int((~np.isfinite(stored)).sum())):
            raise RecipeError(
                f"{bad} values of the {part} images are not finite.\nEvery loss would be nan; clean the data first."
            )
    elif not np.issubdtype(stored.dtype, np.integer):
        raise RecipeError(f"The {part} images have the type {stored.dtype}.\nUse numbers.")
    if np.issubdtype(labels.dtype, np.floating) and not np.isfinite(labels).all():
        raise RecipeError(f"The {part} labels are not all finite.\nClean the data first.")


def _check_shapes(model: Any, data: Dataset) -> None:
    wanted = getattr(model, "input_shape", None)
    if isinstance(wanted, tuple) and wanted and wanted[0] is None:
        fits = len(wanted[1:]) == len(data.image_shape) and all(
            w is None or w == s for w, s in zip(wanted[1:], data.image_shape, strict=True)
        )
        if not fits:
            raise RecipeError(
                f"The model takes inputs of shape {wanted[1:]}, the images have {data.image_shape}.\n"
                "Build it with keras.Input(data.image_shape), or flatten the data with data.flattened()."
            )
    outputs = getattr(model, "output_shape", None)
    if isinstance(outputs, list):
        raise RecipeError(f"The model {model.name} has {len(outputs)} outputs.\nThe engine trains models with one.")
    labels = np.concatenate([data.y_train, data.y_test]) if data.y_train.ndim == 1 else np.zeros(0)
    if isinstance(outputs, tuple) and len(outputs) == 2 and np.issubdtype(labels.dtype, np.integer) and len(labels):
        classes = outputs[-1]
        if labels.min() < 0 or (classes > 1 and labels.max() >= classes):
            raise RecipeError(
                f"The labels run from {labels.min()} to {labels.max()}, the model has {classes} outputs.\n"
                f"Labels are 0 to {classes - 1}; give the model as many outputs as there are classes."
            )


@contextlib.contextmanager
def first_call(model: Any) -> Iterator[None]:
    """Turn what a layer, a loss or an optimizer raises while it is compiled into a RecipeError that says so.

    What goes wrong on the device (no memory left) stays as it is.
    """
    try:
        yield
    except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
        import keras

        raise RecipeError(
            f"The model {model.name} cannot be trained on {keras.backend.backend()}: {type(error).__name__}: {error}\n"
            "Nothing was trained. Try another backend, or a layer, loss or optimizer that it can compile."
        ) from error
