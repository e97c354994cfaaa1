"""A small data set, a small network and a session for the tests of the engine."""

import numpy as np

from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset


class Session:
    """The part of a replicate that training needs."""

    def __init__(self, checkpoints=None, seed=1):
        self.seeds, self.checkpoints, self.epochs, self.digests = Seeds(seed), checkpoints, [], []
        self.place, self.unseeded = "arm 0 0", []
        self.latest = None

    def note_unseeded(self, names):
        self.unseeded += names

    def progress(self, epoch, epochs, loss):
        self.epochs.append(epoch)

    def note_training(self, history, digest, model):
        self.digests.append(digest)


class Killed(Exception):
    """What a dying session raises."""


class DyingSession(Session):
    """A session that ends as by kill -9 after the third epoch's state was saved."""

    def progress(self, epoch, epochs, loss):
        if epoch == 4:
            raise Killed


def made_data() -> Dataset:
    """130 training and 70 test images of 10 x 10 x 3 standard normal numbers, 4 classes."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(130, 10, 10, 3)).astype(np.float32)
    y = generator.integers(0, 4, 130).astype(np.int32)
    return Dataset("made", x, y, x[:70] + 0.1, y[:70], 4, "0" * 64)


def made_pixels() -> Dataset:
    """The same sizes with pixels, 0 to 255."""
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (130, 10, 10, 3), dtype=np.uint8)
    y = generator.integers(0, 4, 130).astype(np.int32)
    return Dataset("made", x, y, x[:70], y[:70], 4, "1" * 64)


def convnet(extras: bool = False, penalty: float = 1e-3, seed: int = 1):
    """A convolution and a dense layer to 4 logits; with `extras`, batch normalisation and dropout too."""
    import keras

    layers, glorot = keras.layers, keras.initializers.GlorotUniform
    stack = [keras.Input((10, 10, 3)), layers.Conv2D(6, 3, kernel_initializer=glorot(seed), name="conv")]
    stack += [layers.BatchNormalization()] if extras else []
    stack += [layers.ReLU(name="relu"), layers.Flatten()]
    stack += [layers.Dropout(0.3, seed=7)] if extras else []
    stack += [
        layers.Dense(
            4, kernel_initializer=glorot(seed + 1), kernel_regularizer=keras.regularizers.L2(penalty), name="logits"
        )
    ]
    return keras.Sequential(stack)
