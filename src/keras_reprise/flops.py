"""Parameters and floating-point operations of a Keras model, counted from its layers' shapes.

A multiply-accumulate (MAC) is two operations; an element-wise operation is one per element. Counted are convolutions,
dense layers, normalisation, pooling, activations and element-wise merges. A training step costs, per example, the
forward pass, as much again for the gradient with respect to a layer's weights, and as much again for that with respect
to its inputs, which the first layer with weights does not need.
"""

import math
from dataclasses import dataclass
from typing import Any

ELEMENTWISE = frozenset(
    [
        "Activation",
        "ReLU",
        "LeakyReLU",
        "ELU",
        "PReLU",
        "Softmax",
        "Add",
        "Subtract",
        "Multiply",
        "Average",
        "Maximum",
        "Minimum",
        "Dropout",
        "Rescaling",
    ]
)


@dataclass(frozen=True)
class LayerCost:
    """A layer's parameters, and per example its multiply-accumulates and its floating-point operations (forward)."""

    name: str
    kind: str
    params: int
    macs: int
    flops: int


def layer_costs(model: Any) -> list[LayerCost]:
    """The cost of every layer of a Sequential or functional model; ValueError for one whose shapes are not known."""
    found = []
    for layer in model.layers:
        if hasattr(layer, "layers"):
            found += layer_costs(layer)
            continue
        macs, flops = _operations(layer)
        found.append(LayerCost(layer.name, type(layer).__name__, layer.count_params(), macs, flops))
    return found


def forward_flops(model: Any) -> int:
    """Floating-point operations of one example's forward pass."""
    return sum(cost.flops for cost in layer_costs(model))


def training_flops(model: Any) -> int:
    """Floating-point operations of one example's forward and backward pass; the optimizer's update is left out."""
    total, first = 0, True
    for cost in layer_costs(model):
        total += cost.flops + (cost.flops if cost.macs == 0 or not first else 0)
        if cost.macs:
            total += cost.flops
            first = False
    return total


def _operations(layer: Any) -> tuple[int, int]:
    """MACs and operations of a layer for one example, from its input and output shapes."""
    kind = type(layer).__name__
    if kind in ("InputLayer", "Flatten", "Reshape", "Permute", "ZeroPadding2D"):
        return 0, 0
    try:
        inputs, outputs = layer.input.shape, layer.output.shape
    except (AttributeError, ValueError) as error:
        raise ValueError(
            f"The shapes of the layer {layer.name} are not known, so its operations cannot be counted."
        ) from error
    n_out = math.prod(outputs[1:])
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    extra = n_out * ((activation != "linear") + bool(getattr(layer, "use_bias", False)))
    if kind == "Dense":
        macs = inputs[-1] * n_out
    elif kind in ("Conv1D", "Conv2D", "Conv3D"):
        macs = n_out * math.prod(layer.kernel_size) * (inputs[-1] // layer.groups)
    elif kind in ("DepthwiseConv1D", "DepthwiseConv2D"):
        macs = n_out * math.prod(layer.kernel_size)
    elif kind in ("SeparableConv1D", "SeparableConv2D"):
        positions = math.prod(outputs[1:-1])
        channels = inputs[-1] * layer.depth_multiplier
        macs = positions * channels * (math.prod(layer.kernel_size) + outputs[-1])
    elif kind in ("BatchNormalization", "LayerNormalization"):
        return 0, 2 * n_out  # scale and shift; in training mode the statistics cost about as much again
    elif "Pooling" in kind:
        window = math.prod(layer.pool_size) if hasattr(layer, "pool_size") else math.prod(inputs[1:]) // n_out
        return 0, n_out * window
    elif kind in ELEMENTWISE:
        return 0, n_out
    else:
        raise ValueError(f"The operations of a layer of kind {kind} ({layer.name}) are not counted here.")
    return macs, 2 * macs + extra
