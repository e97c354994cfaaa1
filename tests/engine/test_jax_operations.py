"""What is computed another way on JAX gives the numbers and gradients of the operations as written."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

from keras_reprise.engine.backends.jax_operations import faster  # noqa: E402


def images(*shape):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape).astype(np.float32))


def convolution(strides, padding, filters=("NHWC", "HWIO", "NHWC"), groups=1):
    def value(x, kernel):
        found = lax.conv_general_dilated(
            x, kernel, strides, padding, dimension_numbers=filters, feature_group_count=groups
        )
        return jnp.sum(jnp.sin(found))

    return value


def pool(window, strides, padding="VALID"):
    def value(x):
        found = lax.reduce_window(x, -jnp.inf, lax.max, (1, *window, 1), (1, *strides, 1), padding)
        return jnp.sum(jnp.sin(found))

    return value


def distance(ours, expected):
    """Norm of the difference over that of what is expected."""
    return float(np.linalg.norm(np.ravel(ours - expected)) / np.linalg.norm(np.ravel(expected)))


def text(function, *arguments):
    return str(jax.make_jaxpr(function)(*arguments))


def both(function, *arguments):
    places = tuple(range(len(arguments)))
    ways = (faster(function), function)
    return [jax.tree.leaves(jax.value_and_grad(way, places)(*arguments)) for way in ways]


@pytest.mark.parametrize("padding", ["VALID", "SAME", ((2, 0), (1, 3))])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (1, 3)])
def test_a_convolution_by_patches_is_the_convolution(strides, padding):
    function, arguments = convolution(strides, padding), (images(4, 11, 10, 3), images(5, 3, 3, 6))
    assert "conv_general_dilated" not in text(faster(function), *arguments)
    for ours, expected in zip(*both(function, *arguments), strict=True):
        assert distance(ours, expected) < 1e-5


def test_the_product_is_as_exact_as_the_convolution_was_to_be():
    def function(x, kernel):
        numbers = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=numbers, precision="highest")

    assert "precision=(Precision.HIGHEST" in text(faster(function), images(2, 6, 6, 3), images(3, 3, 3, 2))
    coarse = text(faster(convolution((1, 1), "VALID")), images(2, 6, 6, 3), images(3, 3, 3, 2))
    assert "HIGHEST" not in coarse


def test_a_convolution_in_groups_or_of_many_patches_stays():
    grouped = convolution((1, 1), "SAME", groups=2)
    assert "conv_general_dilated" in text(faster(grouped), images(2, 8, 8, 4), images(3, 3, 2, 6))
    large = jax.ShapeDtypeStruct((100, 64, 64, 64), np.float32), jax.ShapeDtypeStruct((3, 3, 64, 64), np.float32)
    assert "conv_general_dilated" in text(faster(convolution((1, 1), "SAME")), *large)


@pytest.mark.parametrize("size", [(12, 12), (11, 10), (3, 4)])
@pytest.mark.parametrize("window", [(2, 2), (3, 3), (1, 2)])
def test_the_largest_of_tiles_is_the_pool(window, size):
    function, x = pool(window, window), images(3, *size, 4)
    assert "reduce_window" not in text(faster(function), x)
    for ours, expected in zip(*both(function, x), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_of_equal_values_the_first_has_the_gradient_as_in_the_pool():
    x = jnp.asarray(np.random.default_rng(1).integers(0, 2, (4, 9, 9, 3)).astype(np.float32))
    for ours, expected in zip(*both(pool((3, 3), (3, 3)), x), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_a_pool_whose_windows_overlap_or_that_is_padded_stays():
    x = images(2, 9, 9, 3)
    assert "reduce_window" in text(faster(pool((3, 3), (2, 2))), x)
    assert "reduce_window" in text(faster(pool((2, 2), (2, 2), "SAME")), x)


def test_operations_are_found_in_functions_that_are_called_by_jit():
    function = jax.jit(convolution((1, 1), "VALID"))
    assert "conv_general_dilated" not in text(faster(function), images(2, 6, 6, 3), images(3, 3, 3, 2))


def test_several_members_at_once_give_what_each_gives_alone():
    function, x, kernels = convolution((1, 1), "SAME"), images(2, 8, 8, 3), images(4, 3, 3, 3, 5)
    together = jax.vmap(jax.grad(faster(function), 1), in_axes=(None, 0))(x, kernels)
    for k, kernel in enumerate(kernels):
        assert distance(together[k], jax.grad(function, 1)(x, kernel)) < 1e-5
