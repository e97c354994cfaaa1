"""Data sets: where they are looked for, how they are verified, what of them was used. The only module that reads one of the
package's.

CIFAR-10's files are opened only after their md5 equals the publisher's.
"""

import contextlib
import hashlib
import lzma
import os
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from keras_reprise.base.errors import DataError
from keras_reprise.base.files import write_atomically
from keras_reprise.datasets.cifar10_batches import read_batch

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
CIFAR10_ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
CIFAR10_FOLDER = "cifar-10-batches-py"
MOST_BATCH_BYTES = 40_000_000
CIFAR10_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}


@dataclass(frozen=True)
class Dataset:
    """Labelled images: `x_train`, `x_test` (n, height, width, channels) or (n, features), y (n,) int32 class indices.

    `stored_train` and `stored_test` are the images as they were read, mostly uint8; with a `scaling` (mean, deviation) the
    images themselves are (stored - mean) / deviation in float32; the mean is a scalar or an image. The engine keeps the stored form on the device, a quarter
    of the size, and scales each batch there. `fingerprint` may be left out: whatever it is, records and training states go by
    `content_sha256`, so that the same numbers can be told from other numbers under the same name. Arrays are not to be
    changed once they are in a data set.
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
    def of(cls, name: str, x_train: Any, y_train: Any, x_test: Any, y_test: Any) -> "Dataset":
        """A data set of one's own from what NumPy takes for arrays: examples (n, ...) and labels, for training and for the test.

        `classes` is one more than the largest label where labels are whole numbers, else the width of a label (0: one number).
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
        """What tells these examples and labels from others: the sha256 of the four arrays as stored, each with shape and type.

        A part of another data set (`first`, `with_validation`) is named by the whole and the part, without being read.
        """
        parent, part = self.__dict__.get("_parent"), self.__dict__.get("_part", "")
        if parent is None:
            return content((self.stored_train, self.y_train, self.stored_test, self.y_test))
        return hashlib.sha256(f"{parent.content_sha256} {part}".encode()).hexdigest() if part else parent.content_sha256

    def _derived(self, part: str = "", **changes: Any) -> "Dataset":
        """This data set with `changes` (`part` names what is left out), which remembers what it was made of."""
        made = replace(self, **changes)
        made.__dict__.update(_parent=self, _part=part)
        return made

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

    def facts(self) -> dict[str, Any]:
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
        return self._derived(scaling=_pixel_moments(self.stored_train))

    def mean_image_subtracted(self) -> "Dataset":
        """Minus the mean training image, in units of 0 to 255, float32; DataError for images that are stored as floats."""
        self._require_pixels()
        mean = self.stored_train.mean(axis=0, dtype=np.float64).astype(np.float32)
        return self._derived(scaling=(mean, np.float32(1)))

    def with_validation(self, n: int) -> "Dataset":
        """The last `n` training images in the place of the test images, which are left alone."""
        if not 0 < n < len(self.stored_train):
            raise DataError(
                f"{n} of {len(self.stored_train)} training images cannot be set apart for validation.\nUse fewer, one at least."
            )
        images, labels = self.stored_train, self.y_train
        return self._derived(
            f"without and with the last {n}",
            stored_train=images[:-n], y_train=labels[:-n], stored_test=images[-n:], y_test=labels[-n:],
        )  # fmt: skip

    def first(self, n: int) -> "Dataset":
        """The first `n` training images; the test images stay."""
        return self._derived(f"first {n}", stored_train=self.stored_train[:n], y_train=self.y_train[:n])

    def _require_pixels(self) -> None:
        if not np.issubdtype(self.stored_train.dtype, np.integer):
            raise DataError(
                f"The images of {self.name} are stored as {self.stored_train.dtype}, not as pixels.\nScale them where they are made."
            )

    def flattened(self) -> "Dataset":
        """Every image as one row, x (n, features)."""
        train, test = (stored.reshape(len(stored), -1) for stored in (self.stored_train, self.stored_test))
        scaling = self.scaling and (
            self.scaling[0].reshape(-1) if self.scaling[0].ndim else self.scaling[0],
            self.scaling[1],
        )
        return self._derived(stored_train=train, stored_test=test, scaling=scaling)


def _pixel_moments(images: np.ndarray) -> tuple[np.float32, np.float32]:
    """Mean and standard deviation of all pixels of uint8 images; exact sums, a thousand images at a time to save memory."""
    total = squares = 0
    for start in range(0, len(images), 1000):
        part = images[start : start + 1000].astype(np.int64)
        total, squares = total + int(part.sum()), squares + int((part * part).sum())
    mean = total / images.size
    return np.float32(mean), np.float32((squares / images.size - mean * mean) ** 0.5)


def load(name: str, *, n_train: int | None = None, n_test: int | None = None, data_dir: Path | None = None) -> Dataset:
    """The named data set, limited to its first `n_train` and `n_test` images; DataError when it cannot be had."""
    if name == "cifar10":
        arrays = _read_cifar10(find_cifar10(data_dir))
        substitute = False
    elif name == "digits":
        arrays = _read_digits()
        substitute = True
    else:
        raise DataError(f"There is no data set {name!r}.\nThere are cifar10 and digits.")
    x_train, y_train, x_test, y_test = arrays
    parts = (x_train[:n_train], y_train[:n_train], x_test[:n_test], y_test[:n_test])
    data = Dataset(name, *parts, classes=10, fingerprint=content(parts), substitute=substitute)
    data.__dict__["content_sha256"] = data.fingerprint  # taken of these very arrays
    return data


def content(parts: Sequence[Any]) -> str:
    """The sha256 of arrays, each with its shape and type; what is no array, or holds objects, counts by how Python writes it."""
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


def _length(part: Any) -> int:
    return len(part) if hasattr(part, "__len__") else 0


def _classes(*labels: np.ndarray) -> int:
    if not all(np.issubdtype(part.dtype, np.integer) and part.ndim and part.size for part in labels):
        return max((int(part.shape[1]) for part in labels if part.ndim > 1), default=0)
    return max(int(part.max()) for part in labels) + 1


def cifar10_places(data_dir: Path | None = None) -> list[Path]:
    """The folders in which CIFAR-10 is looked for, in order."""
    places = []
    if data_dir is not None:
        places.append(data_dir / CIFAR10_FOLDER)
    elif os.environ.get("REPRISE_DATA"):
        places.append(Path(os.environ["REPRISE_DATA"]) / CIFAR10_FOLDER)
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"
    return [*places, cache / CIFAR10_FOLDER, cache / f"{CIFAR10_FOLDER}-target" / CIFAR10_FOLDER]


def find_cifar10(data_dir: Path | None = None) -> Path:
    """The folder with the official batch files, each verified; DataError says what is missing or wrong and where."""
    places = cifar10_places(data_dir)
    for place in places:
        if place.is_dir():
            verify_cifar10(place)
            return place
    looked = "\n".join(f"  {place}" for place in places)
    raise DataError(
        f"CIFAR-10 is not on this machine. Looked for:\n{looked}\n"
        "Fetch it (170 MB) with `reprise data fetch cifar10`, or set REPRISE_DATA (or --data-dir) to a folder that holds\n"
        f"{CIFAR10_FOLDER}/. Offline, `--data digits` runs the recipe on a marked substitute, and\n"
        "`reprise list --no-data` names the recipes that need no data."
    )


def verify_cifar10(folder: Path) -> None:
    """Compare the md5 of all six batch files with the publisher's; DataError names the first that differs."""
    for name, official in CIFAR10_MD5.items():
        path = folder / name
        if not path.is_file():
            raise DataError(
                f"{path} is missing.\nCIFAR-10 has six batch files; fetch it anew with `reprise data fetch cifar10`."
            )
        found = _md5(path, path.stat().st_mtime_ns, path.stat().st_size)
        if found != official:
            raise DataError(
                f"{path} is not the official CIFAR-10 file.\nIts md5 is {found}, the publisher's is {official} ({path.stat().st_size:,} bytes read).\n"
                "It was not opened. Delete it and fetch it anew with `reprise data fetch cifar10`."
            )


def fetch_cifar10() -> Path:
    """Download CIFAR-10 into the Keras cache, verified and unpacked; returns the folder of the batch files."""
    import pooch
    import requests

    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"
    try:
        archive = pooch.retrieve(
            CIFAR10_URL,
            known_hash=f"md5:{CIFAR10_ARCHIVE_MD5}",
            fname="cifar-10-python.tar.gz",
            path=cache,
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=30),
        )
    except (requests.RequestException, ValueError, OSError) as error:
        raise DataError(
            f"CIFAR-10 could not be fetched from {CIFAR10_URL}: {type(error).__name__}.\n"
            "Bring the file by other means, unpack it, and set REPRISE_DATA to the folder that holds it.\n"
            "Meanwhile `--data digits` runs a recipe on a marked substitute."
        ) from error
    unpack_cifar10(Path(archive), cache / CIFAR10_FOLDER)
    verify_cifar10(cache / CIFAR10_FOLDER)
    return cache / CIFAR10_FOLDER


def unpack_cifar10(archive: Path, folder: Path) -> None:
    """Write the six batch files of an archive to `folder`, and nothing else; DataError when it is not such an archive.

    Links and devices are no files, and a file that is longer than the official ones is not unpacked. What is not in the
    archive is missed by `verify_cifar10`.
    """
    try:
        with tarfile.open(archive) as tar:
            for name in CIFAR10_MD5:
                with contextlib.suppress(KeyError):
                    member = tar.getmember(f"{CIFAR10_FOLDER}/{name}")
                    file = tar.extractfile(member) if member.isreg() and member.size <= MOST_BATCH_BYTES else None
                    if file is not None:
                        write_atomically(folder / name, file.read(MOST_BATCH_BYTES))
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error, lzma.LZMAError, OverflowError) as error:
        raise DataError(
            f"{archive} is not the archive of CIFAR-10: {type(error).__name__}.\nDelete it, and fetch it anew with `reprise data fetch cifar10`."
        ) from error


@lru_cache(maxsize=32)
def _md5(path: Path, _modified_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@lru_cache(maxsize=1)
def _read_cifar10(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    batches = [read_batch(folder / f"data_batch_{number}") for number in range(1, 6)]
    x_test, y_test = read_batch(folder / "test_batch")
    x_train = np.concatenate([images for images, _ in batches])
    return x_train, np.concatenate([labels for _, labels in batches]), np.ascontiguousarray(x_test), y_test


@lru_cache(maxsize=1)
def _read_digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """scikit-learn's 1,797 handwritten digits as 32 x 32 x 3 images: each of the 8 x 8 pixels repeated, three equal channels.

    They take CIFAR-10's shape, so that a network made for it runs unchanged. The last 297 are the test images.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = np.round(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    large = np.repeat(pixels.repeat(4, axis=1).repeat(4, axis=2)[..., None], 3, axis=3)
    labels = labels.astype(np.int32)
    return large[:1500], labels[:1500], large[1500:], labels[1500:]
