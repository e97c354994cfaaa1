"""Arrays that nobody changes, so that what is kept of them stays right."""

from collections.abc import Iterator

import numpy as np


def may_change(*arrays: np.ndarray) -> bool:
    """Whether what lies in the arrays can become another without their being others.

    It can where one of them can be written to, or another array whose memory it shows.
    """
    return any(shown.flags.writeable for array in arrays for shown in _shown(array))


def freeze(array: np.ndarray) -> None:
    """Make the array read-only, and those whose memory it shows."""
    for shown in _shown(array):
        shown.setflags(write=False)


def _shown(array: object) -> Iterator[np.ndarray]:
    """The array, the one of which it is a view, and so on to the one that owns the memory."""
    while isinstance(array, np.ndarray):
        yield array
        array = array.base
