"""What `measure` returns for an arm, and what a statistic sees of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_reprise.record.histogram import Histogram


@dataclass
class Measurement:
    """What `measure` returns for one arm: final numbers, curves over an index, histograms in fixed bins, trials.

    Curves have one value per epoch (or layer, or setting). Metrics are read at the last or at a declared epoch, never
    at the best one.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float] | np.ndarray] = field(default_factory=dict)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    trials: Sequence[Mapping[str, object]] = ()
    diverged: bool = False


class Trials(list[dict[str, Any]]):
    """The trials of a sweep, in the order of its settings: each a setting with the numbers that came of it."""

    def column(self, name: str) -> np.ndarray:
        """One entry of every trial, shape (trials,); KeyError when a trial lacks it."""
        return np.array([trial[name] for trial in self])

    def curves(self, *names: str) -> dict[str, np.ndarray]:
        """Several entries of every trial, as curves over the settings."""
        return {name: self.column(name) for name in names}


@dataclass(frozen=True)
class ArmResult:
    """One measured arm as a statistic sees it: exactly the numbers that the record stores."""

    status: str
    metrics: Mapping[str, float]
    curves: Mapping[str, np.ndarray]
    histograms: Mapping[str, Histogram]
    trials: Sequence[Mapping[str, object]] = ()
