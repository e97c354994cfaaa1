"""A batch in parts through a network some of whose layers see the whole of it.

What acts on single examples is computed for each part. Batch normalisation is, too: the means and variances of the
parts are joined into those of the batch, exactly, and no part waits for more than these. Layers that draw random
numbers are given the parts joined, and so draw what they would for the batch.

The normalisation is TensorFlow's fused kernels, which read and write a batch a few times; Keras's is a dozen
operations, each of which does so.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from keras_reprise.engine.structure import acts_alone, is_graph, normalises_batch, operations
from keras_reprise.flops import layer_costs

if TYPE_CHECKING:
    import keras

FusedNorm, FusedNormGradient = tf.raw_ops.FusedBatchNormV3, tf.raw_ops.FusedBatchNormGradV3


LEAST_MACS = 50_000_000
"""Multiply-accumulates of a batch, forward, for each layer that sees all of it. Measured on two cores of an AMD EPYC,
parts cost a quarter more than the whole at 8 million, since they wait for each other, and paid from 14 million on."""


class Parts:
    """The parts of a batch, where a graph of Keras has one tensor; Keras passes it on as it is."""

    def __init__(self, tensors: Sequence[tf.Tensor]) -> None:
        self.tensors = list(tensors)


def pays(model: "keras.Model", batch_size: int) -> bool:
    """Whether such batches of a model that can be cut in this way are trained faster for it."""
    joints = sum(not acts_alone(operation, training=True) for operation in operations(model))
    try:
        macs = batch_size * sum(cost.macs for cost in layer_costs(model))
    except (ValueError, TypeError):  # of layers that are not counted, and of lengths that no shape tells
        return False
    return macs >= joints * LEAST_MACS


def in_parts(model: "keras.Model", parts: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """What the model, in training, gives for each part of a batch (n, ...), its one input; the state of its layers is
    changed once, as by the whole batch.

    For models that `structure.acts_on_single_examples` in inference.
    """
    import keras

    (found,) = keras.tree.flatten(_through(model, Parts([_as_input(model, part) for part in parts])))
    tensors: list[tf.Tensor] = found.tensors
    return tensors


def _as_input(model: "keras.Model", x: tf.Tensor) -> tf.Tensor:
    """Type and rank as Keras puts them right before the first layer."""
    (expected,) = model.inputs
    rank = len(expected.shape)
    if len(x.shape) == rank + 1 and x.shape[-1] == 1:
        x = tf.squeeze(x, -1)
    elif len(x.shape) == rank - 1 and expected.shape[-1] == 1:
        x = tf.expand_dims(x, -1)
    return tf.cast(x, expected.dtype)


def _through(model: "keras.Model", inputs: object) -> object:
    """The outputs of a graph, nested models opened, for `Parts` in the place of tensors."""
    if type(model).__name__ == "Sequential":
        for layer in model.layers:
            inputs = _applied(layer, inputs)
        return inputs
    outputs: object = model._run_through_graph(inputs, operation_fn=lambda operation: partial(_applied, operation))
    return outputs


def _applied(operation: "keras.Operation", *arguments: object, **options: object) -> object:
    if is_graph(operation):
        return _through(operation, arguments[0])
    if acts_alone(operation, training=True):
        return _each(operation, arguments, options)
    (parts,) = arguments
    assert isinstance(parts, Parts)
    if not options and normalises_batch(operation, len(parts.tensors[0].shape)):
        return _normalised(operation, parts)
    return _whole(partial(operation, **options | {"training": True}), parts)


def _each(operation: "keras.Operation", arguments: tuple[object, ...], options: dict[str, object]) -> Parts:
    """An operation on single examples, applied to each part by itself."""
    import keras

    flat = keras.tree.flatten((arguments, options))
    count = next(len(one.tensors) for one in flat if isinstance(one, Parts))

    def of(number: int) -> tf.Tensor:
        def picked(one: object) -> object:
            return one.tensors[number] if isinstance(one, Parts) else one

        return operation(*keras.tree.map_structure(picked, arguments), **keras.tree.map_structure(picked, options))

    return Parts([of(number) for number in range(count)])


def _whole(operation: Callable[[tf.Tensor], tf.Tensor], parts: Parts) -> Parts:
    """An operation on the batch, whose result is taken apart again."""
    sizes = [tf.shape(part)[0] for part in parts.tensors]
    return Parts(tf.split(operation(tf.concat(parts.tensors, 0)), sizes, num=len(sizes)))


def _normalised(layer: "keras.layers.BatchNormalization", parts: Parts) -> Parts:
    """What Keras's layer does with the batch, running averages included."""
    inputs = [tf.cast(part, tf.float32) for part in parts.tensors]
    channels = inputs[0].shape[-1]
    scale = tf.ones([channels]) if layer.gamma is None else tf.convert_to_tensor(layer.gamma)
    offset = tf.zeros([channels]) if layer.beta is None else tf.convert_to_tensor(layer.beta)
    *outputs, mean, variance = _normalisation(float(layer.epsilon))(scale, offset, *inputs)
    for average, now in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        average.assign(average * layer.momentum + now * (1.0 - layer.momentum))
    return Parts([tf.cast(output, layer.compute_dtype) for output in outputs])


class _Moments(NamedTuple):
    """Of `count` numbers a channel, by channel: their mean, and the sum of their squared differences from it."""

    mean: tf.Tensor
    squares: tf.Tensor
    count: tf.Tensor

    @property
    def variance(self) -> tf.Tensor:
        return self.squares / self.count


def _normalisation(epsilon: float) -> Callable[..., tuple[tf.Tensor, ...]]:
    """Of scale, offset and the parts of a batch (n, ..., channels) in float32: the parts normalised by mean and
    variance of the batch, and these two, through which no gradient flows."""

    def normalised(scale: tf.Tensor, offset: tf.Tensor, *parts: tf.Tensor) -> tuple[object, object]:
        images = [_four_dimensional(part) for part in parts]
        batch = _joined([_moments(part, scale, offset) for part in images])
        mean, variance = batch.mean, batch.variance
        outputs = [
            FusedNorm(
                x=part, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=epsilon, is_training=False
            ).y
            for part in images
        ]  # fmt: skip

        def gradient(*flows: tf.Tensor) -> tuple[tf.Tensor, ...]:
            # As of fixed moments first: by the sums over the parts that gives, by scale and offset, it is corrected.
            given = [
                FusedNormGradient(
                    y_backprop=tf.reshape(flow, tf.shape(part)), x=part, scale=scale, reserve_space_1=mean,
                    reserve_space_2=variance, reserve_space_3=tf.zeros([0]), epsilon=epsilon, is_training=False,
                )
                for flow, part in zip(flows[:-2], images, strict=True)
            ]  # fmt: skip
            by_scale = tf.add_n([one.scale_backprop for one in given])
            by_offset = tf.add_n([one.offset_backprop for one in given])
            inverse = tf.math.rsqrt(variance + epsilon)
            slope = -scale * tf.square(inverse) * by_scale / batch.count
            level = -scale * inverse * by_offset / batch.count - slope * mean
            by_parts = [
                tf.reshape(one.x_backprop + _affine(part, slope, level), tf.shape(flow))
                for one, part, flow in zip(given, images, flows[:-2], strict=True)
            ]
            return by_scale, by_offset, *by_parts

        shaped = [tf.reshape(output, tf.shape(part)) for output, part in zip(outputs, parts, strict=True)]
        return (*shaped, mean, variance), gradient

    found: Callable[..., tuple[tf.Tensor, ...]] = tf.custom_gradient(normalised)
    return found


def _four_dimensional(part: tf.Tensor) -> tf.Tensor:
    """As images, the channels last: what the fused kernels take."""
    return part if len(part.shape) == 4 else tf.reshape(part, [-1, 1, 1, part.shape[-1]])


def _moments(part: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> _Moments:
    """Of one part, by the fastest kernel there is for it; its outputs are not used."""
    none = tf.zeros([0])
    found = FusedNorm(x=part, scale=scale, offset=offset, mean=none, variance=none, is_training=True)
    count = tf.cast(tf.size(part) // part.shape[-1], tf.float32)
    # The kernel divides by count - 1, and a part without examples (of a last, small batch) has no mean.
    squares = tf.math.multiply_no_nan(found.batch_variance, tf.maximum(count - 1.0, 0.0))
    return _Moments(tf.math.multiply_no_nan(found.batch_mean, tf.sign(count)), squares, count)


def _joined(parts: Sequence[_Moments]) -> _Moments:
    """Of all parts together, by the rule of Chan, Golub and LeVeque."""
    count = tf.add_n([part.count for part in parts])
    mean = tf.add_n([part.mean * part.count for part in parts]) / count
    between = tf.add_n([part.count * tf.math.squared_difference(part.mean, mean) for part in parts])
    return _Moments(mean, tf.add_n([part.squares for part in parts]) + between, count)


def _affine(part: tf.Tensor, slope: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    """`slope * part + level` by channel in one pass: the kernel of normalisation with mean 0 and variance 1."""
    nothing = tf.zeros_like(slope)
    return FusedNorm(
        x=part, scale=slope, offset=level, mean=nothing, variance=nothing + 1.0, epsilon=0.0, is_training=False
    ).y
