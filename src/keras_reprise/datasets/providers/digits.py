"""scikit-learn's handwritten digits: real images that come with that package, for a first look without any download."""

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np

from keras_reprise.datasets.interface import Arrays, Provider


class Digits(Provider):
    """1,797 digits as 32 x 32 x 3 images: each of the 8 x 8 pixels repeated, three equal channels.

    They take CIFAR-10's shape, so that a network made for it runs unchanged. The last 297 are the test images.
    """

    def state(self, data_dir: Path | None = None) -> tuple[str, str]:
        return "verified" if importlib.util.find_spec("sklearn") else "missing", "scikit-learn"

    def read(self, data_dir: Path | None = None) -> Arrays:
        return _read()


@lru_cache(maxsize=1)
def _read() -> Arrays:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = np.round(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    large = np.repeat(pixels.repeat(4, axis=1).repeat(4, axis=2)[..., None], 3, axis=3)
    labels = labels.astype(np.int32)
    return large[:1500], labels[:1500], large[1500:], labels[1500:]


PROVIDER = Digits(
    name="digits",
    content="1,500 + 297 digits, a substitute that works offline",
    classes=10,
    substitute=True,
)
