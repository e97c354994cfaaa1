"""What is compiled on JAX, and for which stretches of an epoch.

Executables are kept by the text of what was compiled, so that a search compiles once per shape.
"""

import hashlib
import re
from collections.abc import Callable

import jax
import numpy as np

from keras_reprise.engine.keeping import Keeping

KEPT_EXECUTABLES = 32
"""A network takes about six: its epochs, their rests, its evaluation, the check."""

_executables: Keeping[jax.stages.Compiled] = Keeping(KEPT_EXECUTABLES)
_alike: Keeping[jax.stages.Compiled] = Keeping(KEPT_EXECUTABLES)

Values = list[jax.Array]
"""Of variables, in their order."""

State = tuple[Values, Values, Values]
"""Trainable variables, the model's others, the optimizer's."""

Updated = tuple[State, jax.Array, jax.Array]
"""A state, losses and errors of the updates that led to it."""

Examples = tuple[jax.Array, jax.Array]
"""Examples and their labels."""


def compiled(function: Callable[..., object], *arguments: object, donate: tuple[int, ...] = ()) -> jax.stages.Compiled:
    """The executable of `function` for these arguments, compiled unless one of the same text is kept.

    Arguments that are not used are not in the text, but their shapes and types are looked at when it is called.
    """
    lowered = jax.jit(function, donate_argnums=donate).lower(*arguments)
    key = hashlib.sha256(f"{lowered.args_info} {lowered.as_text()}".encode()).hexdigest()
    return _executables.get(key, lowered.compile)


def compiled_alike(
    alike: str | None, function: Callable[..., object], *arguments: object, donate: tuple[int, ...] = ()
) -> jax.stages.Compiled:
    """The same without tracing, where what is traced alike (None: that is not known) was compiled for such arguments.

    `alike` tells the function, too; how exactly JAX multiplies (TF32) is a setting of the process, not of the model.
    """
    precision = jax.config.jax_default_matmul_precision
    key = alike and f"{alike} {jax.tree.map(jax.typeof, arguments)} {donate} {precision}"
    return _alike.get(key, lambda: compiled(function, *arguments, donate=donate))


def whole_and_rest(
    order: np.ndarray, rates: np.ndarray | None, size: int, capacity: int
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Cut an order (n,) into stretches of whole batches (updates, size), and the remainder (1, rest),
    with their rates."""
    whole = len(order) // size
    pieces = [(start, min(start + capacity, whole)) for start in range(0, whole, capacity)]
    cut = [(order[a * size : b * size].reshape(b - a, size), None if rates is None else rates[a:b]) for a, b in pieces]
    if len(order) % size:
        cut.append((order[None, whole * size :], None if rates is None else rates[whole : whole + 1]))
    return cut


def text(function: Callable[..., jax.Array], arguments: tuple[object, ...]) -> str:
    """What JAX would compile, as text, without addresses of this process."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(jax.make_jaxpr(function)(*arguments)))
