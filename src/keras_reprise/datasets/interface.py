"""What the package knows of a data set that it can bring: its name, whether it is here, how it is read."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Training images (n, ...), their labels (n,) int32, test images, their labels."""


@dataclass(frozen=True, kw_only=True)
class Provider(ABC):
    """A data set by name. A file of `providers/` sets PROVIDER to one; nothing else needs to know of it.

    `name` is what recipes and `--data` call it, `content` a line that says what it holds, `classes` how many there
    are. A `substitute` stands in for the documented data: records and pages mark it.
    """

    name: str
    content: str
    classes: int
    substitute: bool = False

    @abstractmethod
    def state(self, data_dir: Path | None = None) -> tuple[str, str]:
        """Whether it can be used here (`verified`, or what it is instead), and where it is, or why not."""

    @abstractmethod
    def read(self, data_dir: Path | None = None) -> Arrays:
        """All its examples and labels; DataError when they cannot be had. `data_dir` is where the user keeps data."""
