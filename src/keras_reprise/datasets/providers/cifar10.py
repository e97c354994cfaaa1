"""CIFAR-10: 60,000 colour images of ten classes, as Alex Krizhevsky publishes them for Python."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from keras_reprise.datasets.interface import Arrays
from keras_reprise.datasets.published import PublishedFiles


class Cifar10(PublishedFiles):
    """Five batch files of training images, and one of test images."""

    def read_files(self, folder: Path) -> Arrays:
        return _read(folder)


@lru_cache(maxsize=1)
def _read(folder: Path) -> Arrays:
    from keras_reprise.datasets.cifar10_batches import read_batch

    batches = [read_batch(folder / f"data_batch_{number}") for number in range(1, 6)]
    x_test, y_test = read_batch(folder / "test_batch")
    x_train = np.concatenate([images for images, _ in batches])
    return x_train, np.concatenate([labels for _, labels in batches]), np.ascontiguousarray(x_test), y_test


PROVIDER = Cifar10(
    name="cifar10",
    title="CIFAR-10",
    content="50,000 + 10,000 colour images, 32 x 32, 10 classes",
    classes=10,
    folder="cifar-10-batches-py",
    md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
    files_in_words="six batch files",
    archive="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    archive_md5="c58f30108f718f92721af3b95e74349a",
    download="170 MB",
    stand_in="digits",
    longest_file=40_000_000,
)
