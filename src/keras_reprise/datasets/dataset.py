"""A data set as training sees it, and the fingerprint of its content."""

import hashlib
from collections.abc import Sequence, Sized
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.base.arrays import freeze, may_change
from keras_reprise.base.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Dataset:
    """Labelled images: `x_train`, `x_test` (n, height, width, channels) or (n, features), y (n,) int32 class indices.

    `stored_train` and `stored_test` are the images as they were read, mostly uint8; with a `scaling` (mean,
    deviation) the images themselves are (stored - mean) / deviation in float32; the mean is a scalar or an image. The
    engine keeps the stored form on the device, a quarter of the size, and scales each batch there; it refuses a scaling
    of images that are stored as floats. `fingerprint` may be left out: whatever it is, records and training states go
    by `content_sha256`, so that the same numbers can be told from other numbers under the same name. Arrays are not to
    be changed once they are in a data set.
    """

    name: str
    stored_train: np.ndarray
    y_train: np.ndarray
    stored_test: np.ndarray
    y_test: np.ndarray
    classes: int
    fingerprint: str = ""
    substitute: bool = False
    scaling: tuple[np.float32 | np.ndarray, np.float32] | None = None

    @classmethod
    def of(
        cls, name: str, x_train: "ArrayLike", y_train: "ArrayLike", x_test: "ArrayLike", y_test: "ArrayLike"
    ) -> "Dataset":
        """A data set of one's own from what NumPy takes for arrays: examples (n, ...) and labels, to train and to test.

        `classes` is one more than the largest label where labels are whole numbers; the width of a label where they are
        not, or where each is a row of zeros and ones (0: one number).
        """
        x, y, x_held_out, y_held_out = (np.asarray(part) for part in (x_train, y_train, x_test, y_test))
        return cls(name, x, y, x_held_out, y_held_out, _classes(y, y_held_out))

    @property
    def origin(self) -> "Dataset":
        """The data set that this one was made of by the methods below; itself where it was made of arrays."""
        parent = self.__dict__.get("_parent")
        return self if parent is None else parent.origin

    @cached_property
    def content_sha256(self) -> str:
        """What tells these examples and labels from others: the sha256 of the four arrays, each with shape and type.

        A part of another data set (`first`, `with_validation`) is named by the whole and the part, without being read.
        """
        parent, part = self.__dict__.get("_parent"), self.__dict__.get("_part", "")
        if parent is None:
            return arrays_sha256((self.stored_train, self.y_train, self.stored_test, self.y_test))
        return hashlib.sha256(f"{parent.content_sha256} {part}".encode()).hexdigest() if part else parent.content_sha256

    def _made_of(self, parent: "Dataset", part: str = "") -> "Dataset":
        """This data set, which remembers what it was made of (`part` names what was taken of it).

        No fields, so that `dataclasses.replace` with other arrays gives a data set that was made of nothing.
        """
        self.__dict__.update(_parent=parent, _part=part)
        return self

    def within(self, other: "Dataset") -> bool:
        """Whether all four arrays of what this was made of lie in the memory of `other`: nothing was added to it."""
        if self.origin is other:
            return True
        whole = [other.stored_train, other.y_train, other.stored_test, other.y_test]
        mine = (self.origin.stored_train, self.origin.y_train, self.origin.stored_test, self.origin.y_test)
        return all(isinstance(one, np.ndarray) and any(np.may_share_memory(one, of) for of in whole) for one in mine)

    @cached_property
    def x_train(self) -> np.ndarray:
        """The training images: float32 once standardised, else as stored."""
        return self.scaled(self.stored_train)

    @cached_property
    def x_test(self) -> np.ndarray:
        """The test images: float32 once standardised, else as stored."""
        return self.scaled(self.stored_test)

    @property
    def image_shape(self) -> tuple[int, ...]:
        return tuple(self.stored_train.shape[1:])

    def scaled(self, stored: np.ndarray) -> np.ndarray:
        """Stored images (any number of them) as the network is to see them."""
        if self.scaling is None:
            return stored
        mean, deviation = self.scaling
        result = stored.astype(np.float32)  # in place from here on: the training images are 600 MB
        result -= mean
        result /= deviation
        return result

    def facts(self) -> dict[str, str | int | bool]:
        """What the record says of the data."""
        return {
            "name": self.name,
            "fingerprint": self.content_sha256,
            "n_train": _length(self.stored_train),
            "n_test": _length(self.stored_test),
            "substitute": self.substitute,
        }

    def standardised(self) -> "Dataset":
        """Minus the mean and divided by the standard deviation of all training pixels (two scalars), float32.

        DataError for images that are stored as floats: they have been scaled already.
        """
        self._require_pixels()
        return replace(self, scaling=_pixel_moments(self.stored_train))._made_of(self)

    def mean_image_subtracted(self) -> "Dataset":
        """Minus the mean training image, in units of 0 to 255, float32; DataError for images stored as floats."""
        self._require_pixels()
        mean = self.stored_train.mean(axis=0, dtype=np.float64).astype(np.float32)
        return replace(self, scaling=(mean, np.float32(1)))._made_of(self)

    def with_validation(self, n: int) -> "Dataset":
        """The last `n` training images in the place of the test images, which are left alone."""
        if not 0 < n < len(self.stored_train):
            raise DataError(
                f"{n} of {len(self.stored_train)} training images cannot be set apart for validation.\n"
                "Use fewer, one at least."
            )
        images, labels = self.stored_train, self.y_train
        made = replace(self, stored_train=images[:-n], y_train=labels[:-n], stored_test=images[-n:], y_test=labels[-n:])
        return made._made_of(self, f"without and with the last {n}")

    def first(self, n: int) -> "Dataset":
        """The first `n` training images; the test images stay."""
        made = replace(self, stored_train=self.stored_train[:n], y_train=self.y_train[:n])
        return made._made_of(self, f"first {n}")

    def _require_pixels(self) -> None:
        if not np.issubdtype(self.stored_train.dtype, np.integer):
            raise DataError(
                f"The images of {self.name} are stored as {self.stored_train.dtype}, not as pixels.\n"
                "Scale them where they are made."
            )

    def flattened(self) -> "Dataset":
        """Every image as one row, x (n, features)."""
        train, test = (_as_rows(stored) for stored in (self.stored_train, self.stored_test))
        scaling = self.scaling and (
            self.scaling[0].reshape(-1) if self.scaling[0].ndim else self.scaling[0],
            self.scaling[1],
        )
        return replace(self, stored_train=train, stored_test=test, scaling=scaling)._made_of(self)


def _as_rows(images: np.ndarray) -> np.ndarray:
    """Each image as a row, in a view or a copy; read-only where nothing can change the images."""
    rows = images.reshape(len(images), -1)
    if not may_change(images):
        freeze(rows)
    return rows


def _pixel_moments(images: np.ndarray) -> tuple[np.float32, np.float32]:
    """Mean and standard deviation of all pixels: exact sums, a thousand images at a time for memory; of numbers whose
    squares 64 bits would not hold, sums of floats."""
    largest = max(int(images.max()), -int(images.min()))
    if largest * largest * images[:1000].size >= 2**63:
        return np.float32(images.mean(dtype=np.float64)), np.float32(images.std(dtype=np.float64))
    total = squares = 0
    for start in range(0, len(images), 1000):
        part = images[start : start + 1000].astype(np.int64)
        total, squares = total + int(part.sum()), squares + int((part * part).sum())
    mean = total / images.size
    return np.float32(mean), np.float32((squares / images.size - mean * mean) ** 0.5)


def arrays_sha256(parts: Sequence[object]) -> str:
    """The sha256 of arrays, each with its shape and type.

    What is no array, or holds objects, counts by how Python writes it.
    """
    digest = hashlib.sha256()
    for part in parts:
        try:
            array = np.ascontiguousarray(part)
        except (TypeError, ValueError, RuntimeError):  # nothing that NumPy takes; training will refuse it
            array = np.array([repr(part)])
        digest.update(f"{array.shape}{array.dtype}".encode())
        if array.dtype.hasobject:
            digest.update("\0".join(map(repr, array.ravel().tolist())).encode(errors="surrogatepass"))
        elif array.size:
            digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _length(part: object) -> int:
    return len(part) if isinstance(part, Sized) else 0


def _classes(*labels: np.ndarray) -> int:
    if not all(np.issubdtype(part.dtype, np.integer) and part.ndim and part.size for part in labels):
        return max((int(part.shape[1]) for part in labels if part.ndim > 1), default=0)
    largest = max(int(part.max()) for part in labels)
    side_by_side = all(part.ndim == 2 and part.shape[1] > 1 for part in labels)
    return int(labels[0].shape[1]) if side_by_side and largest <= 1 else largest + 1
