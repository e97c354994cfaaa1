"""Whether a model treats every example by itself, as far as its graph tells: then a batch may be cut into parts.

Every operation of the graph is looked at, those that are no layers (`keras.ops` in a functional model) too. What is not
Keras's own, or not known here, counts as acting on the whole batch.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from keras_reprise.engine.backends.start import current_backend

if TYPE_CHECKING:
    import keras

# Layers whose output for an example depends on that example alone and on no random number, in training and inference.
LAYERS = frozenset(
    [
        "InputLayer", "Dense", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D",
        "SeparableConv2D", "MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D",
        "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "Flatten",
        "Reshape", "Permute", "ZeroPadding2D", "Cropping2D", "UpSampling2D", "Rescaling", "Activation", "ReLU",
        "LeakyReLU", "ELU", "PReLU", "Softmax", "LayerNormalization", "Add", "Subtract", "Multiply", "Average",
        "Maximum", "Minimum", "Concatenate",
    ]
)  # fmt: skip
# Layers of which this holds in inference only.
IN_INFERENCE = frozenset(
    [
        "BatchNormalization", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout",
        "GaussianDropout", "GaussianNoise",
    ]
)  # fmt: skip
# Layers that act on a whole batch, or keep a state, by the same operations in every update.
IN_EVERY_UPDATE = frozenset(
    [
        "BatchNormalization",
        "GroupNormalization",
        "RMSNormalization",
        "UnitNormalization",
        "Conv2DTranspose",
        "Embedding",
    ]
)
# Operations of `keras.ops` that act on each element.
OPERATIONS = frozenset(
    [
        "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum", "Negative", "Absolute", "Square",
        "Sqrt", "Exp", "Log", "Power", "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Gelu", "Silu", "Sigmoid", "Tanh",
        "Softplus", "Softsign", "HardSigmoid", "HardSilu", "Cast",
    ]
)  # fmt: skip


def is_graph(operation: "keras.Operation") -> bool:
    """Whether it is a model of Keras's own making whose operations are known."""
    return keras_own(operation) and type(operation).__name__ in ("Sequential", "Functional")


def operations(model: "keras.Model") -> "Iterator[keras.Operation]":
    """Every operation of a graph of Keras's own making, nested models opened; a model of another kind as itself."""
    if not is_graph(model):
        yield model
        return
    for operation in model.layers if type(model).__name__ == "Sequential" else model.operations:
        yield from operations(operation)


def acts_on_single_examples(model: "keras.Model", *, training: bool) -> bool:
    """Whether an example's output, in training or in inference, depends on that example alone and on no random number.

    False where that is not known: subclassed models, layers and activations of a user's own, penalties of activities.
    """
    return all(acts_alone(operation, training=training) for operation in operations(model))


def acts_alone(operation: "keras.Operation", *, training: bool) -> bool:
    """The same of one operation of a graph."""
    name = type(operation).__name__
    layer = hasattr(operation, "trainable_variables")
    frozen = _is_batch_normalisation(operation) and not operation.trainable  # as in inference
    known = (LAYERS if training and not frozen else LAYERS | IN_INFERENCE) if layer else OPERATIONS
    return (
        keras_own(operation)
        and name in known
        and getattr(operation, "activity_regularizer", None) is None
        and keras_own(getattr(operation, "activation", None))
        and not _reaches_batch(getattr(operation, "axis", -1))
    )


def same_in_every_update(
    model: "keras.Model", optimizer: "keras.optimizers.Optimizer", loss: "keras.losses.Loss"
) -> bool:
    """Whether an update is the same operations every time, on other numbers: no random number, and no function of a
    user's own, which may do otherwise the next time.

    False where that is not known. Values that decide what is done (in the optimizer) are not looked for here.
    """
    parts = [optimizer, getattr(optimizer, "_learning_rate", None), loss, getattr(loss, "fn", None)]
    for variable in model.variables:
        parts += [variable.regularizer, variable.constraint]
    return all(map(keras_own, parts)) and all(map(_same_in_every_update, operations(model)))


def _same_in_every_update(operation: "keras.Operation") -> bool:
    layer = hasattr(operation, "trainable_variables")
    return (
        keras_own(operation)
        and type(operation).__name__ in (LAYERS | IN_EVERY_UPDATE if layer else OPERATIONS)
        and keras_own(getattr(operation, "activation", None))
        and keras_own(getattr(operation, "activity_regularizer", None))
    )


def normalises_batch(operation: "keras.Operation", rank: int) -> bool:
    """Whether it normalises inputs of this rank by the batch's mean and variance of each channel, the last axis, in
    float32."""
    return (
        _is_batch_normalisation(operation)
        and operation.trainable
        and operation.axis in (-1, rank - 1)
        and operation.compute_dtype == operation.variable_dtype == "float32"
        and not getattr(operation, "renorm", False)
        and not operation.synchronized
    )


def _is_batch_normalisation(operation: "keras.Operation") -> bool:
    return keras_own(operation) and type(operation).__name__ == "BatchNormalization"


def keras_own(part: object) -> bool:
    """Whether a layer, loss, optimizer or function (None: there is none) is of Keras's own making."""
    if part is None:
        return True
    kind = part if hasattr(part, "__qualname__") else type(part)
    return str(kind.__module__).startswith(("keras.", *current_backend().own_functions))


def _reaches_batch(axis: object) -> bool:
    """Whether an axis, or one of several, is or may be that of the examples."""
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return any(isinstance(one, int) and (one == 0 or one < -1) for one in axes)
