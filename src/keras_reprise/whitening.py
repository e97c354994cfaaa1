"""Principal components of a data matrix, and what they make of it: decorrelated and whitened examples."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh


@dataclass(frozen=True)
class PrincipalComponents:
    """The first k principal components of examples with d features: `mean` (d,), `axes` (d, k), `variances` (k,),
    the largest first; fewer where the examples vary along fewer.

    Source: Stanford's CS231n notes, "Setting up the data and the model": the eigenvectors of the covariance.
    """

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, k: int) -> "PrincipalComponents":
        """Those of the examples `x` (n, d), computed in float64."""
        mean = x.mean(axis=0, dtype=np.float64)
        centred = x - mean
        covariance = centred.T @ centred / len(x)
        d = len(covariance)
        variances, axes = eigh(covariance, subset_by_index=(d - k, d - 1), overwrite_a=True)
        varying = variances > 1e-9 * variances[-1]
        return cls(mean, axes[:, varying][:, ::-1], variances[varying][::-1])

    def decorrelated(self, x: np.ndarray) -> np.ndarray:
        """The examples' coordinates along the components, (n, k): uncorrelated over the examples of `of`."""
        coordinates: np.ndarray = (x - self.mean) @ self.axes
        return coordinates

    def whitened(self, x: np.ndarray) -> np.ndarray:
        """The coordinates divided by their deviations, (n, k): each of variance 1 over the examples of `of`."""
        coordinates: np.ndarray = self.decorrelated(x) / np.sqrt(self.variances)
        return coordinates

    def whitened_features(self, x: np.ndarray) -> np.ndarray:
        """Whitened examples turned back to the d features, so that images are images again, (n, d)."""
        features: np.ndarray = self.whitened(x) @ self.axes.T
        return features
