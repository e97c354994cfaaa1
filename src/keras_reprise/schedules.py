"""Learning-rate schedules: the rate of every update as a function of the epoch in which it falls.

A schedule maps the epoch (an array of floats; 0.0 is the start of the first epoch, 2.5 the middle of the third) to the
learning rate per update. Being plain functions of the epoch, two schedules that agree up to an epoch train alike up to it.
"""

from collections.abc import Callable, Mapping

import numpy as np

from keras_reprise.errors import RecipeError

Schedule = Callable[[np.ndarray], np.ndarray]


def constant(rate: float) -> Schedule:
    """`rate` throughout."""
    return lambda epoch: np.full_like(epoch, rate)


def steps(rates: Mapping[int, float]) -> Schedule:
    """Piecewise constant: `steps({0: 0.1, 25: 0.05})` is 0.1 for the first 25 epochs and 0.05 from then on."""
    starts = sorted(rates)
    if not starts or starts[0] != 0:
        raise RecipeError(f"The steps {dict(rates)} do not say the rate of the first epoch.\nStart them at 0.")
    values = np.array([rates[start] for start in starts])
    return lambda epoch: values[np.searchsorted(starts, epoch, side="right") - 1]
