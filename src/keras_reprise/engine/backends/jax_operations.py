"""Operations that XLA has slow kernels for, computed another way: the same numbers up to rounding.

A function is traced, and what is known to be slow in it is put in by another form before it is differentiated:

- the maximum over windows that do not overlap, whose gradient XLA scatters: a comparison with the first largest;
- a convolution in float32 whose patches are few: one product of the patches with the kernel. On a GPU cuDNN rearranges
  its operands and takes kernels that were not made for such small images; on a CPU XLA's own loop is slower by ten.

Only what stands in the function itself, or in functions that it calls by `jit`, is replaced; whatever has
differentiation rules of its own stays.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core

R = TypeVar("R")

CACHED_BYTES = 64 * 2**20
"""The largest size of a convolution's patches, beyond which writing them costs more than they save."""


def faster(function: Callable[..., R]) -> Callable[..., R]:
    """`function`, whose arguments and results are arrays (in lists and tuples), with its slow operations replaced."""

    def traced(*arguments: object) -> R:
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
        found = _evaluated(closed.jaxpr, closed.consts, jax.tree.leaves(arguments))
        result: R = jax.tree.unflatten(jax.tree.structure(shape), found)
        return result

    return traced


def _evaluated(jaxpr: core.Jaxpr, constants: Sequence[jax.Array], arguments: Sequence[jax.Array]) -> list[jax.Array]:
    """What the traced function gives for these arguments, with its slow operations replaced."""
    known: dict[core.Var, jax.Array] = dict(zip(jaxpr.constvars, constants, strict=True))
    known |= dict(zip(jaxpr.invars, arguments, strict=True))

    def value(atom: core.Var | core.Literal) -> jax.Array:
        return atom.val if isinstance(atom, core.Literal) else known[atom]

    for equation in jaxpr.eqns:
        results = _computed(equation, [value(atom) for atom in equation.invars])
        known |= dict(zip(equation.outvars, results, strict=True))
    return [value(atom) for atom in jaxpr.outvars]


def _computed(equation: core.JaxprEqn, operands: list[jax.Array]) -> Sequence[jax.Array]:
    name, parameters = equation.primitive.name, equation.params
    if name in ("jit", "pjit"):
        inner = parameters["jaxpr"]
        return _evaluated(inner.jaxpr, inner.consts, operands)
    if name == "reduce_window_max" and _tiles(operands[0], parameters):
        return [largest_of_tiles(operands[0], parameters["window_dimensions"][1], parameters["window_dimensions"][2])]
    if name == "conv_general_dilated" and _has_small_patches(equation):
        given = (parameters[name] for name in ("window_strides", "padding", "precision"))
        return [convolved(operands[0], operands[1], *given)]
    bound = equation.primitive.get_bind_params(parameters)
    functions, bound = bound if isinstance(bound, tuple) else ((), bound)  # before JAX 0.10 they stood apart
    found = equation.primitive.bind(*functions, *operands, **bound)
    return found if equation.primitive.multiple_results else [found]


def _tiles(images: jax.Array, parameters: dict[str, Any]) -> bool:
    """Whether these windows over images (n, height, width, channels) lie side by side."""
    window = parameters["window_dimensions"]
    return (
        images.ndim == 4
        and window[0] == window[3] == 1
        and tuple(window) == tuple(parameters["window_strides"])
        and not any(map(sum, parameters["padding"]))
        and all(one == 1 for one in (*parameters["base_dilation"], *parameters["window_dilation"]))
        and all(window[axis] <= images.shape[axis] for axis in (1, 2))
    )


def _tiled(images: jax.Array, height: int, width: int) -> jax.Array:
    """Images cut into tiles (n, rows, height, columns, width, channels); what is over at the right and below, left
    out."""
    n, rows, columns, channels = images.shape[0], images.shape[1] // height, images.shape[2] // width, images.shape[3]
    whole = images[:, : rows * height, : columns * width]
    return whole.reshape(n, rows, height, columns, width, channels)


@partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def largest_of_tiles(images: jax.Array, height: int, width: int) -> jax.Array:
    """The largest of each tile of images (n, height, width, channels); of equal ones the first has the gradient."""
    return _tiled(images, height, width).max((2, 4))


def _places(height: int, width: int) -> jax.Array:
    """The number of each place in a tile, row by row, along the axes of a tile."""
    shape = (1, 1, height, 1, width, 1)
    return lax.broadcasted_iota(jnp.int32, shape, 2) * width + lax.broadcasted_iota(jnp.int32, shape, 4)


def _largest_and_place(
    images: jax.Array, height: int, width: int
) -> tuple[jax.Array, tuple[jax.Array, tuple[int, ...]]]:
    tiles = _tiled(images, height, width)
    largest = tiles.max((2, 4))
    places = jnp.where(tiles == largest[:, :, None, :, None], _places(height, width), height * width)
    return largest, (places.min((2, 4)), images.shape)


def _to_first_largest(
    height: int, width: int, kept: tuple[jax.Array, tuple[int, ...]], gradient: jax.Array
) -> tuple[jax.Array]:
    places, (n, rows, columns, channels) = kept
    taken = places[:, :, None, :, None] == _places(height, width)
    tiles = jnp.where(taken, gradient[:, :, None, :, None], 0)
    covered = rows // height * height, columns // width * width
    margins = ((0, 0), (0, rows - covered[0]), (0, columns - covered[1]), (0, 0))
    found = jnp.pad(tiles.reshape(n, *covered, channels), margins)
    return (lax.optimization_barrier(found),)  # lest it is computed anew for every use


largest_of_tiles.defvjp(_largest_and_place, _to_first_largest)


def _has_small_patches(equation: core.JaxprEqn) -> bool:
    """Whether this is a plain convolution of images in float32 whose patches are few enough."""
    parameters, (images, kernel) = equation.params, (atom.aval for atom in equation.invars)
    numbers = parameters["dimension_numbers"]
    last = (0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2)
    if images.ndim != 4 or (numbers.lhs_spec, numbers.rhs_spec, numbers.out_spec) != last:
        return False
    plain = (
        parameters["feature_group_count"] == parameters["batch_group_count"] == 1
        and all(one == 1 for one in (*parameters["lhs_dilation"], *parameters["rhs_dilation"]))
        and images.dtype == kernel.dtype == jnp.float32
        and parameters["preferred_element_type"] in (None, jnp.float32)
    )
    n, rows, columns, _ = equation.outvars[0].aval.shape
    height, width, channels, _ = kernel.shape
    return plain and 4 * n * rows * columns * height * width * channels <= CACHED_BYTES


def convolved(
    images: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    precision: tuple[lax.Precision, lax.Precision] | None = None,
) -> jax.Array:
    """Images (n, height, width, channels) convolved with a kernel (height, width, channels, filters), by one product
    of patches, which is as exact as the convolution was to be (`precision`)."""
    height, width, channels, filters = kernel.shape
    padded = lax.pad(images, jnp.zeros((), images.dtype), [(0, 0, 0), *((a, b, 0) for a, b in padding), (0, 0, 0)])
    n, rows, columns, _ = padded.shape
    rows, columns = (rows - height) // strides[0] + 1, (columns - width) // strides[1] + 1
    down, right = (
        stride * np.arange(many, dtype=np.int32)[:, None] + np.arange(size, dtype=np.int32)
        for stride, many, size in ((strides[0], rows, height), (strides[1], columns, width))
    )
    patches = padded[:, down[:, None, :, None], right[None, :, None, :]]
    flat = patches.reshape(n * rows * columns, -1), kernel.reshape(-1, filters)
    product = jnp.matmul(*flat, precision=precision)
    return product.reshape(n, rows, columns, filters)
