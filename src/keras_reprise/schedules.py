"""Learning-rate schedules: the rate of every update as a function of the epoch in which it falls.

A schedule maps the epoch (an array of floats; 0.0 is the start of the first epoch, 2.5 the middle of the third) to the
learning rate per update. Being plain functions of the epoch, two schedules that agree up to an epoch train alike up to
it. Only `Plateau` looks at how training goes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_reprise.base.errors import RecipeError

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


def geometric(rate: float, factor: float) -> Schedule:
    """rate * factor**epoch: the rate is multiplied by `factor` every epoch."""
    return lambda epoch: rate * factor**epoch


def inverse(rate: float, tau: float) -> Schedule:
    """rate * tau / max(epoch, tau): constant for `tau` epochs, then falling as 1 / epoch.

    Source: Bergstra and Bengio (2012), eq. 7; document 002, section on the learning rate.
    """
    return lambda epoch: rate * tau / np.maximum(epoch, tau)


def cosine(rate: float, epochs: float, floor: float = 0.0) -> Schedule:
    """From `rate` to `floor` along half a cosine over `epochs` epochs, then `floor`.

    floor + (rate - floor) * (1 + cos(pi * epoch / epochs)) / 2. Source: Loshchilov and Hutter (2017), eq. 5.
    """
    return lambda epoch: floor + (rate - floor) * (1 + np.cos(np.pi * np.minimum(epoch / epochs, 1.0))) / 2


def cosine_restarts(rate: float, first: float, growth: float = 2.0, floor: float = 0.0) -> Schedule:
    """Cosines one after the other, each starting anew at `rate`: the first over `first` epochs, each next `growth`
    times as long.

    Source: Loshchilov and Hutter (2017), SGDR: `first` is T_0, `growth` is T_mult.
    """
    if first <= 0 or growth < 1:
        raise RecipeError(
            f"Restarts after {first} epochs, growing by {growth}, never end.\nUse first > 0 and growth >= 1."
        )

    def restarts(epoch: np.ndarray) -> np.ndarray:
        if growth == 1:
            start, length = first * np.floor(epoch / first), np.full_like(epoch, first)
        else:
            cycle = np.floor(np.log1p(epoch / first * (growth - 1)) / math.log(growth) + 1e-12)
            start, length = first * (growth**cycle - 1) / (growth - 1), first * growth**cycle
        rates: np.ndarray = floor + (rate - floor) * (1 + np.cos(np.pi * (epoch - start) / length)) / 2
        return rates

    return restarts


def per_epoch(schedule: Schedule) -> Schedule:
    """`schedule` read at the start of each epoch and held: all updates of an epoch have one rate."""
    return lambda epoch: schedule(np.floor(epoch))


@dataclass(frozen=True)
class Plateau:
    """`rate`, multiplied by `factor` whenever `curve` has not fallen below its minimum by more than `threshold` for
    `patience` epochs.

    After a reduction the count starts anew, and the minimum stays. The rate never goes below `floor`.
    """

    rate: float
    factor: float = 0.1
    patience: int = 10
    curve: str = "test_loss"
    threshold: float = 1e-4
    floor: float = 0.0

    def after(self, curves: Mapping[str, Sequence[float]]) -> float:
        """The rate of the next epoch, given the curves of the epochs so far (a function of them alone)."""
        if self.curve not in curves:
            raise RecipeError(f"There is no curve {self.curve!r} to look at.\nThere are {', '.join(curves)}.")
        rate, lowest, waited = self.rate, math.inf, 0
        for value in curves[self.curve]:
            if value < lowest - self.threshold:
                lowest, waited = value, 0
                continue
            waited += 1
            if waited >= self.patience:
                rate, waited = max(rate * self.factor, self.floor), 0
        return rate
