"""Small made data for the parity suite: examples and labels in every form that people give to Keras. NumPy alone."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

N_TRAIN, N_TEST = 180, 60


@dataclass(frozen=True)
class Arrays:
    """Examples and labels of training and test; lists or dictionaries of arrays where a case tries those."""

    x: Any
    y: Any
    x_test: Any
    y_test: Any
    classes: int = 4
    scaled: bool = False  # pixels that are standardised on the device

    def with_labels(self, change: Any) -> "Arrays":
        return replace(self, y=change(self.y), y_test=change(self.y_test))

    def with_examples(self, change: Any) -> "Arrays":
        return replace(self, x=change(self.x), x_test=change(self.x_test))


def _split(x: np.ndarray, y: np.ndarray, n_test: int, classes: int = 4) -> Arrays:
    return Arrays(x[:-n_test], y[:-n_test], x[-n_test:], y[-n_test:], classes)


def _generator() -> np.random.Generator:
    return np.random.default_rng(7)


def points(features: int = 12, classes: int = 4, n: int = N_TRAIN, n_test: int = N_TEST) -> Arrays:
    """Classes that lie around centres of their own: x (n, features) float32, y (n,) int32."""
    g = _generator()
    y = g.integers(0, classes, n + n_test).astype(np.int32)
    centres = g.normal(size=(classes, features))
    x = (centres[y] + g.normal(size=(n + n_test, features))).astype(np.float32)
    return _split(x, y, n_test, classes)


def one_hot(data: Arrays, dtype: Any = np.float32) -> Arrays:
    return data.with_labels(lambda y: np.eye(data.classes, dtype=dtype)[y])


def column(data: Arrays) -> Arrays:
    return data.with_labels(lambda y: y[:, None])


def typed(data: Arrays, dtype: Any) -> Arrays:
    return data.with_labels(lambda y: y.astype(dtype))


def line(outputs: int | None = None, features: int = 6) -> Arrays:
    """Regression: y (n,), or (n, outputs), a noisy linear function of x."""
    g = _generator()
    x = g.normal(size=(N_TRAIN + N_TEST, features))
    y = x @ g.normal(size=(features, outputs or 1)) + 0.1 * g.normal(size=(len(x), outputs or 1)) + 1.0
    return _split(x.astype(np.float32), (y if outputs else y[:, 0]).astype(np.float32), N_TEST, outputs or 1)


def halves(outputs: int | None = None) -> Arrays:
    """Yes or no, as 0 and 1: y (n,) int32, or (n, outputs)."""
    return line(outputs).with_labels(lambda y: (y > 1.0).astype(np.int32))


def images(side: int = 8, channels: int = 1, classes: int = 4, n_test: int = N_TEST) -> Arrays:
    """Images (n, side, side, channels) in 0..1 whose brighter quarter is their class."""
    g = _generator()
    y = g.integers(0, classes, N_TRAIN + n_test).astype(np.int32)
    x = g.random((len(y), side, side, channels)).astype(np.float32) * 0.6
    half = side // 2
    for row, label in enumerate(y):
        i, j = divmod(int(label), 2)
        x[row, i * half : (i + 1) * half, j * half : (j + 1) * half] += 0.4
    return _split(x, y, n_test, classes)


def pixels(data: Arrays | None = None) -> Arrays:
    return (data or images()).with_examples(lambda x: (x * 255).astype(np.uint8))


def restored() -> Arrays:
    """Images as targets of themselves."""
    data = images()
    return replace(data, y=data.x, y_test=data.x_test, classes=1)


def segmented(form: str = "classes") -> Arrays:
    """A class for every pixel, (n, 8, 8): dark, middle, bright; or bright or not as (n, 8, 8, 1) float32."""
    data = images()
    if form == "mask":
        return replace(data, y=(data.x > 0.5).astype(np.float32), y_test=(data.x_test > 0.5).astype(np.float32))

    def classes(x: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.digitize(x[..., 0], [0.3, 0.6]).astype(np.int32)
        return found

    return replace(data, y=classes(data.x), y_test=classes(data.x_test), classes=3)


def partly_unlabelled(data: Arrays, label: int, dtype: Any = np.int32) -> Arrays:
    """A tenth of the labels is `label`, which the loss is told to ignore."""

    def change(y: np.ndarray) -> np.ndarray:
        found = y.astype(dtype)
        found[np.random.default_rng(3).random(y.shape) < 0.1] = label
        return found

    return data.with_labels(change)


def sentences(words: int = 10, length: int = 7, target: str = "class") -> Arrays:
    """Words 1..9, padded with 0 to `length`: the class of a sentence, a class for each word, or words to be spelled."""
    g = _generator()
    n = N_TRAIN + N_TEST
    x = g.integers(1, words, (n, length)).astype(np.int32)
    x[np.arange(length)[None] >= g.integers(3, length + 1, n)[:, None]] = 0
    by_word = (x % 3).astype(np.int32)
    spelled = np.where(np.arange(2)[None] < 2, x[:, :2], 0).astype(np.int32)
    y = {"class": (x[:, 0] % 4).astype(np.int32), "word": by_word, "spelled": spelled}[target]
    return _split(x, y, N_TEST, 3 if target == "word" else 4)


def series(length: int = 6, features: int = 3, target: str = "value") -> Arrays:
    """Sequences (n, length, features): their sum (n, 1), or a running mean at every step (n, length, 1)."""
    g = _generator()
    x = g.normal(size=(N_TRAIN + N_TEST, length, features)).astype(np.float32)
    running = np.cumsum(x.mean(-1, keepdims=True), axis=1) / np.arange(1, length + 1)[None, :, None]
    y = x.sum((1, 2))[:, None] / 4 if target == "value" else running
    return _split(x, y.astype(np.float32), N_TEST, 1)


def padded_series() -> Arrays:
    """Sequences whose last steps are zeros, to be masked."""
    lengths = np.random.default_rng(5).integers(2, 7, N_TRAIN + N_TEST)
    data = series()
    kept = (np.arange(6)[None] < lengths[:, None])[..., None]
    return replace(data, x=data.x * kept[:N_TRAIN], x_test=data.x_test * kept[N_TRAIN:])


def mixtures() -> Arrays:
    """Distributions over 4 classes as targets."""
    data = points()

    def softened(y: np.ndarray) -> np.ndarray:
        found: np.ndarray = (0.7 * np.eye(4)[y] + 0.3 * np.eye(4)[(y + 1) % 4]).astype(np.float32)
        return found

    return data.with_labels(softened)


def counts(dtype: Any = np.float32) -> Arrays:
    """Counts (n, 1)."""
    return line(1).with_labels(lambda y: np.round(np.clip(np.exp(0.4 * y), 0, 30)).astype(dtype))


def signs(dtype: Any = np.float32) -> Arrays:
    """-1 or 1, (n,)."""
    return line().with_labels(lambda y: np.where(y > 1.0, 1, -1).astype(dtype))
