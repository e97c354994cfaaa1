"""Timing one compiled call of a layer or network, the device synchronised, what compiling takes left out."""

import time
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.engine.backends.start import current_backend

if TYPE_CHECKING:
    import keras

WARM_UP = 3


def timed_calls(
    model: "keras.Model", x: np.ndarray, *, backward: bool = False, calls: int = 30, budget_s: float = 1.0
) -> np.ndarray:
    """Seconds (n,) of each of n compiled calls of `model` on the batch `x`, which lies on the device; n >= 5.

    A call is the forward pass, or with `backward` forward and backward pass: the gradients of weights and inputs for a
    fixed random gradient of the outputs, as in the middle of a network. Each call ends when the device has finished.
    The first three are not counted; after `budget_s` seconds no further call is begun, so that slow layers are called
    less often.
    """
    if calls < 5:
        raise RecipeError(f"{calls} calls are too few for a median.\nUse 5 or more.")
    call = current_backend().timed_call(model, np.asarray(x, np.float32), backward)
    seconds: list[float] = []
    for _ in range(WARM_UP):
        call()
    begun = time.perf_counter()
    while len(seconds) < calls and (len(seconds) < 5 or time.perf_counter() - begun < budget_s):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return np.array(seconds)
