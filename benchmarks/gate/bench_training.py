"""Training, evaluation and forward passes of networks the recipes use, on made-up images. Gated; see gate.toml.

The first run of each benchmark compiles; a gate takes medians over many runs. Run: pytest benchmarks/gate/bench_training.py
"""

from functools import lru_cache

import numpy as np
import pytest

from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset
from keras_reprise.engine.backends import start
from keras_reprise.engine.backends.interface import Plan

start.start()

import keras  # noqa: E402

from keras_reprise.models import small_convnet  # noqa: E402
from keras_reprise.two_layer import two_layer  # noqa: E402

BATCH = 100
IMAGES = {"two-layer": 1_000, "small-convnet": 300}
# Rounds that take about 30 ms; a gate goes through all benchmarks many times in each process.
ROUNDS = {
    "two-layer": 12,
    "small-convnet": 3,
    "conv-3x3": 4,
    "conv-3x3-separable": 12,
    "conv-3x3-depthwise": 24,
    "conv-5x5": 2,
}
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
LAYERS = {
    "conv-3x3": lambda: [keras.layers.Conv2D(64, 3, padding="same")],
    "conv-3x3-separable": lambda: [keras.layers.SeparableConv2D(64, 3, padding="same")],
    "conv-3x3-depthwise": lambda: [keras.layers.DepthwiseConv2D(3, padding="same")],
    "conv-5x5": lambda: [keras.layers.Conv2D(64, 5, padding="same")],
}


def made_up(network):
    """Images of noise with random labels, as `train` takes them; 100 images to evaluate on."""
    n, generator = IMAGES[network], np.random.default_rng(1)
    images = generator.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    labels = generator.integers(0, 10, n).astype(np.int32)
    data = Dataset("made-up", images, labels, images[:BATCH], labels[:BATCH], 10, "0" * 64).standardised()
    return data.flattened() if network == "two-layer" else data


def built(network):
    seeds = Seeds(1)
    if network == "two-layer":
        return two_layer(seeds, 3072, 10)
    return small_convnet(seeds, (32, 32, 3), 10)


@lru_cache
def network_of(name):
    """The network, compiled for `train_on_batch`, and its data; made once."""
    model = built(name)
    model.compile(keras.optimizers.SGD(0.001), LOSS)
    return model, made_up(name)


@lru_cache
def epoch(name):
    """A function that trains an epoch as the engine does, in one compiled call, and evaluates 100 images."""
    _, data = network_of(name)
    updates = len(data.y_train) // BATCH
    plan = Plan(built(name), keras.optimizers.SGD(), LOSS, BATCH, updates, data.scaling)
    program = start.current_backend().program(plan)
    placed, rates = program.place(data.stored_train, data.y_train), np.full(updates, 0.001, np.float32)
    order = Seeds(1).permutation(len(data.y_train), 1)

    def run():
        program.run(placed, order, rates)
        program.per_sample(data.stored_test, data.y_test)

    run()
    return run


@pytest.mark.parametrize("network", IMAGES)
def test_epoch(benchmark, network):
    benchmark.pedantic(epoch(network), rounds=2)


@pytest.mark.parametrize("network", IMAGES)
def test_step(benchmark, network):
    """One update through Keras's own `train_on_batch`, beside which the engine's epoch is judged."""
    model, data = network_of(network)
    x, y = data.x_train[:BATCH], data.y_train[:BATCH]
    benchmark.pedantic(model.train_on_batch, args=(x, y), rounds=ROUNDS[network])


@lru_cache
def forward(network):
    model, data = network_of(network)
    return start.current_backend().timed_call(model, data.x_train[:200], False)


@pytest.mark.parametrize("network", IMAGES)
def test_forward(benchmark, network):
    """A compiled forward pass of 200 images."""
    benchmark.pedantic(forward(network), rounds=ROUNDS[network])


@pytest.mark.parametrize("layer", LAYERS)
def test_convolution(benchmark, layer):
    """Forward and backward pass of a convolution of 64 channels on 32 x 32 pixels, batch 8."""
    benchmark.pedantic(convolution(layer), rounds=ROUNDS[layer])


@lru_cache
def convolution(layer):
    model = keras.Sequential([keras.Input((32, 32, 64)), *LAYERS[layer]()])
    images = np.random.default_rng(1).normal(size=(8, 32, 32, 64)).astype(np.float32)
    return start.current_backend().timed_call(model, images, True)
