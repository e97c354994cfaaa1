"""When to stop before the last epoch: a rule is a function of the curves so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class Stop(Protocol):
    """A rule that ends training."""

    def reached(self, curves: Mapping[str, Sequence[float]]) -> bool:
        """Whether training ends after the last epoch of `curves`."""


@dataclass(frozen=True)
class Patience:
    """Early stopping: end once `curve` has had no new minimum for the patience, which grows with every new minimum.

    A minimum is a candidate for the stopping point. At the first one the patience is `patience` epochs; each later one
    multiplies it by `growth` (1: it stays). Every minimum below the one before by more than `threshold` counts.

    Source: document 002, section on the number of training iterations (002:46-48).
    """

    patience: int = 5
    growth: float = 1.5
    curve: str = "test_loss"
    threshold: float = 0.0

    def candidates(self, curve: Sequence[float]) -> list[int]:
        """The epochs (counted from 1) with a new minimum, up to where training ends."""
        return self._follow(curve)[0]

    def reached(self, curves: Mapping[str, Sequence[float]]) -> bool:
        return self._follow(curves[self.curve])[1] is not None

    def stopped_at(self, curve: Sequence[float]) -> int | None:
        """The epoch after which training ends, None if the curve ends before."""
        return self._follow(curve)[1]

    def _follow(self, curve: Sequence[float]) -> tuple[list[int], int | None]:
        found: list[int] = []
        patience = float(self.patience)
        for epoch, value in enumerate(curve, start=1):
            if not found or value < curve[found[-1] - 1] - self.threshold:
                patience *= self.growth if found else 1.0
                found.append(epoch)
            elif epoch - found[-1] >= patience:
                return found, epoch
        return found, None


@dataclass(frozen=True)
class Target:
    """End once `curve` is at or below `value`."""

    curve: str
    value: float

    def reached(self, curves: Mapping[str, Sequence[float]]) -> bool:
        return curves[self.curve][-1] <= self.value
