"""Shared by recipes."""

import other

FACTOR = 3
UNUSED = 4


def times(x):
    return other.double(x) * FACTOR
