"""A histogram in fixed bins: as recipes make it, as records store it."""

import math
from typing import TYPE_CHECKING

from keras_reprise.base.errors import RecipeError
from keras_reprise.record.fields import Strict

if TYPE_CHECKING:
    import numpy as np


class Histogram(Strict, frozen=True):
    """Counts in equal bins over [lo, hi], each without its upper end but the last, and how many values fell below and
    above. `lo`, `hi` in the values' unit.
    """

    lo: float
    hi: float
    counts: list[int]
    below: int = 0
    above: int = 0

    def __add__(self, other: "Histogram") -> "Histogram":
        """The counts of both, which must have the same bins."""
        if (self.lo, self.hi, len(self.counts)) != (other.lo, other.hi, len(other.counts)):
            raise RecipeError(
                f"Histograms over [{self.lo}, {self.hi}] and [{other.lo}, {other.hi}] cannot be added.\n"
                "Use the same bins."
            )
        counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        return Histogram(self.lo, self.hi, counts, self.below + other.below, self.above + other.above)

    @classmethod
    def of(cls, values: "np.ndarray", lo: float, hi: float, bins: int) -> "Histogram":
        """The histogram of `values` (any shape) in `bins` fixed bins; non-finite values count as `above`."""
        import numpy as np  # not needed by who reads records

        flat = np.asarray(values, dtype=np.float64).ravel()
        flat = np.where(np.isfinite(flat), flat, math.inf)
        counts, _ = np.histogram(flat[(flat >= lo) & (flat <= hi)], bins=bins, range=(lo, hi))
        return cls(lo, hi, counts.tolist(), int((flat < lo).sum()), int((flat > hi).sum()))
