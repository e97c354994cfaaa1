"""A training step through Keras's own `train_on_batch`, for comparing releases of Keras and backends with each other.

Ten Dense layers of 128 units with Dropout are the network of keras#19953, where it got several times slower with Keras 3.
With TF_USE_LEGACY_KERAS=1 it is tf_keras (Keras 2) that is measured. Run: reprise gate --config benchmarks/keras.toml
--between "keras==3.10.0" "keras==3.15.1", or --between "tf_keras TF_USE_LEGACY_KERAS=1" .
"""

import os
import sys
from functools import lru_cache

import numpy as np
import pytest

if os.environ.get("TF_USE_LEGACY_KERAS") == "1":
    import tf_keras

    sys.modules["keras"] = tf_keras  # what the recipes' networks import

import keras  # noqa: E402

from keras_reprise.base.seeds import Seeds  # noqa: E402
from keras_reprise.models import dense_classifier, small_convnet  # noqa: E402

BATCH = 100
ROUNDS = {"dense-dropout": 12, "small-convnet": 3, "dense-classifier": 12}


def dense_dropout():
    layers = keras.layers
    blocks = [layer for _ in range(10) for layer in (layers.Dense(128, "relu"), layers.Dropout(0.2))]
    return keras.Sequential([keras.Input((128,)), *blocks, layers.Dense(10)])


@lru_cache
def network(name):
    """The network, compiled, with a batch of noise; one step made."""
    model, shape = {
        "dense-dropout": lambda: (dense_dropout(), (128,)),
        "small-convnet": lambda: (small_convnet(Seeds(1), (32, 32, 3), 10), (32, 32, 3)),
        "dense-classifier": lambda: (dense_classifier(Seeds(1), 3072, [100], 10), (3072,)),
    }[name]()
    model.compile(keras.optimizers.SGD(0.001), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(BATCH, *shape)).astype(np.float32), generator.integers(0, 10, BATCH)
    model.train_on_batch(x, y)
    return model, x, y


@pytest.mark.parametrize("name", ROUNDS)
def test_step(benchmark, name):
    model, x, y = network(name)
    benchmark.pedantic(model.train_on_batch, args=(x, y), rounds=ROUNDS[name])


@pytest.mark.parametrize("name", ROUNDS)
def test_fit(benchmark, name):
    """`fit` over five batches: what the loop around the step costs."""
    model, x, y = network(name)
    many, labels = np.concatenate([x] * 5), np.concatenate([y] * 5)
    benchmark.pedantic(model.fit, args=(many, labels), kwargs={"batch_size": BATCH, "verbose": 0}, rounds=2)


@pytest.mark.parametrize("name", ROUNDS)
def test_predict(benchmark, name):
    model, x, _ = network(name)
    benchmark.pedantic(model.predict_on_batch, args=(x,), rounds=ROUNDS[name])
