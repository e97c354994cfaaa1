"""Operations that Keras has torch do the slow way on a CPU, computed another way: the same numbers up to rounding.

Within `faster`, for layers of Keras's own:

- images stay as they lie. Keras's are (n, height, width, channels), torch's (n, channels, height, width), which the
  same memory may hold with the channels last; Keras copies them all the same before every convolution and pool;
- the statistics of a batch, and their gradient, are torch's own kernel of batch normalisation instead of some thirty
  operations on all images.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    import keras


class AsTheyLie(TorchFunctionMode):  # type: ignore[misc]
    """Images whose channels lie last in memory are not copied to lie first."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        if func is torch.Tensor.contiguous and not kwargs and len(args) == 1:
            images = args[0]
            if images.dim() == 4 and images.is_contiguous(memory_format=torch.channels_last):
                return images
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def faster() -> Iterator[None]:
    """What Keras computes within is computed the faster way."""
    import keras

    kind = keras.layers.BatchNormalization
    kerass = kind.call

    def call(
        layer: "keras.layers.BatchNormalization",
        inputs: torch.Tensor,
        training: bool | None = None,
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        if training and mask is None and _one_kernel_does(layer, inputs):
            return normalised(layer, inputs)
        found: torch.Tensor = kerass(layer, inputs, training=training, mask=mask)
        return found

    kind.call = call
    try:
        with AsTheyLie():
            yield
    finally:
        kind.call = kerass


def _one_kernel_does(layer: "keras.layers.BatchNormalization", inputs: torch.Tensor) -> bool:
    """Whether torch's kernel computes what this layer does with these inputs in training."""
    last = layer.axis in (-1, inputs.dim() - 1)
    plain = layer.trainable and last and not layer.renorm and not layer.synchronized
    return plain and inputs.dim() in (2, 4) and inputs.dtype == torch.float32 == layer.moving_mean.value.dtype


def normalised(layer: "keras.layers.BatchNormalization", inputs: torch.Tensor) -> torch.Tensor:
    """What the layer makes of a batch (n, ..., channels) in training; its moving statistics go on as Keras has them."""
    images = inputs.permute(0, 3, 1, 2) if inputs.dim() == 4 else inputs
    scale, offset = (None if one is None else one.value for one in (layer.gamma, layer.beta))
    outputs, mean, inverse = torch.native_batch_norm(images, scale, offset, None, None, True, 0.0, layer.epsilon)
    with torch.no_grad():
        variance = inverse.pow(-2) - layer.epsilon
        for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving.value * layer.momentum + value * (1.0 - layer.momentum))
    return outputs.permute(0, 2, 3, 1) if inputs.dim() == 4 else outputs
