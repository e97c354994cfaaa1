"""The two-layer network of document 003 and the way it is trained there, which many recipes replay.

3072-50-10 with ReLU, weights 0.0001 times standard normal numbers, biases 0. Pixels are in units of 0 to 255, minus the
mean training image; the last 1,000 training images are for validation. The penalty is reg / 2 times the sum of the
squared weights. A batch holds 100 independent draws, the rate falls by 5 % an epoch, and there is no momentum. Source:
document 003 (003:404-673) with the trainer of the course's 2015 assignment; see the catalogue, 0.1 to 0.5.
"""

from typing import Any

import keras
import numpy as np

from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset
from keras_reprise.engine import History, Order, snapshot, train
from keras_reprise.measure.replicate import Replicate
from keras_reprise.schedules import geometric, per_epoch

HIDDEN = 50
BATCH = 100
VALIDATION = 1000
UPDATES = 490  # an epoch of the document: 49,000 images in batches of 100


def raw_pixels(replicate: Replicate) -> Dataset:
    """Rows of pixels minus the mean training image; the test images are 1,000 training images set apart (a fifth at
    most)."""
    data = replicate.dataset()
    return data.with_validation(min(VALIDATION, len(data.y_train) // 5)).mean_image_subtracted().flattened()


def two_layer(seeds: Seeds, features: int, classes: int, hidden: int = HIDDEN) -> keras.Model:
    """The network. Its penalty is that of reg = 1, so that `penalty=reg` in `train` gives the document's."""

    def dense(units: int, name: str, activation: str | None = None) -> keras.layers.Layer:
        initialiser = keras.initializers.RandomNormal(0.0, 1e-4, seed=seeds.weights(name))
        return keras.layers.Dense(
            units, activation, name=name, kernel_initializer=initialiser, kernel_regularizer=keras.regularizers.L2(0.5)
        )

    return keras.Sequential([keras.Input((features,)), dense(hidden, "hidden", "relu"), dense(classes, "logits")])


class Trainer:
    """Trains the network on one data set as often as asked, always from the same initial weights; compiles once."""

    def __init__(self, replicate: Replicate, data: Dataset | None = None) -> None:
        self.replicate, self.data = replicate, data or raw_pixels(replicate)
        self.model = two_layer(replicate.seeds, self.data.image_shape[0], self.data.classes)
        self.optimizer = keras.optimizers.SGD()
        self.restart = snapshot(self.model, self.optimizer)

    def train(
        self, learning_rate: float, reg: float, epochs: int, *, decay: float = 0.95, updates: int | None = None,
        **options: object,
    ) -> History:  # fmt: skip
        """`epochs` epochs of `updates` updates (default: as many as give one pass);
        `options` are those of `engine.train`."""
        self.restart()
        examples = BATCH * (updates or max(1, len(self.data.y_train) // BATCH))
        settings: dict[str, Any] = {
            "batch_size": min(BATCH, len(self.data.y_train)),
            "learning_rate": per_epoch(geometric(learning_rate, decay)),
            "order": Order("with-replacement", examples=examples),
            "penalty": reg,
        }
        return train(
            self.model, self.data, self.replicate, optimizer=self.optimizer, epochs=epochs, **(settings | options)
        )


def to_the_end(
    trainer: Trainer, learning_rate: float, *, reg: float, epochs: int, updates: int | None, decay: float = 1.0
) -> History:
    """Trains from the initial weights at a constant rate (falling, with `decay`), however high the cost rises.

    Only a cost that is not finite ends it early. The rest is as in `Trainer.train`.
    """
    return trainer.train(learning_rate, reg, epochs, decay=decay, updates=updates, diverged_factor=None)


def costs(history: History) -> np.ndarray:
    """The cost as document 003 prints it: that of each epoch's last batch, shape (epochs,)."""
    return history.update_losses.reshape(history.epochs, -1)[:, -1]


def tripled_at(history: History, factor: float = 3.0) -> int | None:
    """The first update (from 1) whose cost is above `factor` times the first one's, or not finite; None if none is."""
    losses = history.update_losses
    over = ~np.isfinite(losses) | (losses > factor * losses[0])
    return int(np.argmax(over)) + 1 if over.any() else None
