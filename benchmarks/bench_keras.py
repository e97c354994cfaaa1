"""Keras's own steps, epochs and imports, beside the same networks written for the bare backend.

For comparing releases of Keras, and Keras with its backend; `benchmarks/keras.toml` says what is measured, docs/gate.md with
which commands. Stands alone: Keras, NumPy and pytest-benchmark, one backend a process (KERAS_BACKEND). With TF_USE_LEGACY_KERAS=1
it is tf_keras (Keras 2) that is measured.

The networks: ten dense layers of 128 units with dropout, Adam and batches of 500 are that of keras#19953; a convolutional
network and a transformer of two layers on batches of 4 those of keras#22561, smaller; 3072-100-10 and the small convnet on
batches of 100 are the documented ones.
"""

import gc
import importlib
import os
import sys
import time
from functools import lru_cache

import numpy as np
import pytest

BACKEND = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
SECONDS: dict[str, float] = {}  # of what a process does but once: metric -> seconds


def taken(what, function):
    """Time what a process does but once.

    With what is imported, Python looks for garbage for a quarter of a second, whenever enough has been made: in one
    release while one network is built, in another with another. So it does not meanwhile, as in `timeit`; an import
    is timed as users have it.
    """
    if what != "import":
        gc.collect()
        gc.disable()
    try:
        start = time.perf_counter()
        result = function()
        SECONDS[what] = time.perf_counter() - start
    finally:
        gc.enable()
    return result


if os.environ.get("TF_USE_LEGACY_KERAS") == "1":
    keras = taken("import", lambda: importlib.import_module("tf_keras"))
    sys.modules["keras"] = keras
else:
    keras = taken("import", lambda: importlib.import_module("keras"))
import bare_networks  # noqa: E402

to_numpy = keras.ops.convert_to_numpy if hasattr(keras, "ops") else np.asarray  # Keras 2 has no operations of its own
layers = keras.layers
SHAPES = {"dense-dropout": (4,), "two-layer": (3072,), "small-convnet": (32, 32, 3), "transformer": (64, 64)}
BATCHES = {"dense-dropout": 500, "two-layer": 100, "small-convnet": 100, "transformer": 4}
ROUNDS = {"dense-dropout": 4, "two-layer": 8, "small-convnet": 3}
TRAINED = ("dense-dropout", "two-layer", "small-convnet")
HEADS, WIDTH, HIDDEN = 4, 64, 256


def dense_dropout():
    blocks = [layer for _ in range(10) for layer in (layers.Dense(128, "relu"), layers.Dropout(0.1))]
    return keras.Sequential([keras.Input((4,)), *blocks, layers.Dense(1)])


def two_layer():
    return keras.Sequential([keras.Input((3072,)), layers.Dense(100, "relu"), layers.Dense(10)])


def small_convnet():
    return keras.Sequential([
        keras.Input((32, 32, 3)), layers.Conv2D(32, 5), layers.MaxPooling2D(3), layers.ReLU(), layers.Conv2D(64, 5),
        layers.MaxPooling2D(2), layers.ReLU(), layers.Flatten(), layers.Dense(200, "relu"), layers.Dense(10),
    ])  # fmt: skip


def transformer():
    """Two blocks of attention and dense layers, each after a normalisation and around a shortcut."""
    x = inputs = keras.Input((64, WIDTH))
    for _ in range(2):
        y = layers.LayerNormalization(epsilon=1e-5)(x)
        x = layers.Add()([x, layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(y, y)])
        y = layers.Dense(HIDDEN, "relu")(layers.LayerNormalization(epsilon=1e-5)(x))
        x = layers.Add()([x, layers.Dense(WIDTH)(y)])
    return keras.Model(inputs, x)


NETWORKS = {
    "dense-dropout": dense_dropout, "two-layer": two_layer, "small-convnet": small_convnet, "transformer": transformer,
}  # fmt: skip


@lru_cache
def batch(name):
    generator = np.random.default_rng(1)
    x = generator.normal(size=(BATCHES[name], *SHAPES[name])).astype(np.float32)
    classes = 2 if name == "dense-dropout" else 10
    y = generator.integers(0, classes, BATCHES[name])
    return x, y.astype(np.float32)[:, None] if classes == 2 else y.astype(np.int32)


@lru_cache
def network(name):
    """The network, compiled where it is trained; one step made, or one batch predicted, which is timed."""
    model = taken(f"build[{name}]", NETWORKS[name])
    x, y = batch(name)
    if name in TRAINED:
        losses = keras.losses
        loss = losses.BinaryCrossentropy if name == "dense-dropout" else losses.SparseCategoricalCrossentropy
        optimizers = keras.optimizers
        optimizer = optimizers.Adam(0.001) if name == "dense-dropout" else optimizers.SGD(0.001)
        model.compile(optimizer, loss(from_logits=True))
        taken(f"first_step[{name}]", lambda: model.train_on_batch(x, y))
    else:
        taken(f"first_call[{name}]", lambda: model.predict_on_batch(x))
    return model


class Replayed:
    """A clock whose every second reading is so many seconds after the one before: it tells what was timed already."""

    def __init__(self, seconds):
        self.now, self.steps = 0.0, (0.0, seconds)
        self.reading = 0

    def __call__(self):
        self.now += self.steps[self.reading % 2]
        self.reading += 1
        return self.now


def once(benchmark, seconds):
    """A benchmark of what a process does but once."""
    benchmark._timer = Replayed(seconds)
    benchmark.pedantic(lambda: None, rounds=1)


def test_import(benchmark):
    """`import keras`, its backend with it."""
    once(benchmark, SECONDS["import"])


@pytest.mark.parametrize("name", NETWORKS)
def test_build(benchmark, name):
    network(name)
    once(benchmark, SECONDS[f"build[{name}]"])


@pytest.mark.parametrize("name", TRAINED)
def test_first_step(benchmark, name):
    """The first step: traced, and compiled where the backend does."""
    network(name)
    once(benchmark, SECONDS[f"first_step[{name}]"])


@pytest.mark.parametrize("name", TRAINED)
def test_step(benchmark, name):
    model, (x, y) = network(name), batch(name)
    benchmark.pedantic(model.train_on_batch, args=(x, y), rounds=ROUNDS[name])


@pytest.mark.parametrize("name", TRAINED)
def test_bare_step(benchmark, name):
    """The same step written for the backend alone, on the same NumPy batch."""
    step, (x, y) = bare_networks.step(BACKEND, name), batch(name)
    step(x, y)
    benchmark.pedantic(step, args=(x, y), rounds=ROUNDS[name])


@pytest.mark.parametrize("name", TRAINED)
def test_epoch(benchmark, name):
    """`fit` over five batches: what the loop around the step costs."""
    model, (x, y) = network(name), batch(name)
    many, labels = np.concatenate([x] * 5), np.concatenate([y] * 5)
    options = {"batch_size": BATCHES[name], "verbose": 0, "shuffle": False}
    benchmark.pedantic(model.fit, args=(many, labels), kwargs=options, rounds=1)


@pytest.mark.parametrize("name", ["small-convnet", "transformer"])
def test_predict(benchmark, name):
    """`predict_on_batch` of four examples."""
    model, (x, _) = network(name), batch(name)
    model.predict_on_batch(x[:4])
    benchmark.pedantic(model.predict_on_batch, args=(x[:4],), rounds=10)


@pytest.mark.parametrize("name", ["small-convnet", "transformer"])
def test_call(benchmark, name):
    """The model called on four examples, operation by operation."""
    model, x = network(name), batch(name)[0][:4]
    benchmark.pedantic(lambda: to_numpy(model(x, training=False)), rounds=6)


@pytest.mark.parametrize("name", ["small-convnet", "transformer"])
def test_bare_predict(benchmark, name):
    predict, x = bare_networks.predict(BACKEND, name), batch(name)[0][:4]
    predict(x)
    benchmark.pedantic(predict, args=(x,), rounds=10)
