"""One process of a comparison: trains one network one way and prints what it took as JSON.

Usage: python contender.py NETWORK CONTENDER. Only one framework is loaded in a process; seconds are wall-clock.
"""

import json
import os
import resource
import sys
import time
from typing import Any

import numpy as np

BATCH = 100
IMAGES = {"mlp": 10_000, "convnet": 4_000, "convnet-bn": 4_000}
WARM_UP = 2
EPOCHS = {"mlp": 40, "convnet": 8, "convnet-bn": 8}
RATE = 0.01


def made_up_images(n):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    return images, generator.integers(0, 10, n).astype(np.int32)


def keras_network(name):
    import keras

    layers = keras.layers
    if name == "mlp":
        return keras.Sequential([keras.Input((3072,)), layers.Dense(50, activation="relu"), layers.Dense(10)])
    norm = [layers.BatchNormalization] if name == "convnet-bn" else []
    stack = [
        keras.Input((32, 32, 3)),
        layers.Conv2D(32, 5),
        *(n() for n in norm),
        layers.MaxPooling2D(3),
        layers.ReLU(),
    ]
    stack += [layers.Conv2D(64, 5), *(n() for n in norm), layers.MaxPooling2D(2), layers.ReLU(), layers.Flatten()]
    return keras.Sequential([*stack, layers.Dense(200, activation="relu"), layers.Dense(10)])


def engine(name, images, labels, epochs, kernel_threads=None):
    """This package's `train`; an epoch's seconds are all of its time but the evaluation's.

    `kernel_threads` is TensorFlow's setting of that purpose (0: TensorFlow's own choice); the engine's is 1 on 2 cores.
    """
    if kernel_threads is not None:
        os.environ |= {"TF_NUM_INTRAOP_THREADS": str(kernel_threads), "TF_NUM_INTEROP_THREADS": str(kernel_threads)}
    from keras_reprise.base.seeds import Seeds
    from keras_reprise.datasets import Dataset
    from keras_reprise.engine import Order, train
    from keras_reprise.engine.backends import start

    start.start()
    import keras

    class Session:
        seeds, checkpoints = Seeds(1), None

        def __init__(self):
            self.stamps = []

        def progress(self, epoch, epochs, loss):
            self.stamps.append(time.perf_counter())

        def note_training(self, history, digest, model):
            self.history = history

    data = Dataset("made-up", images, labels, images[:BATCH], labels[:BATCH], 10, "0" * 64).standardised()
    data = data.flattened() if name == "mlp" else data

    def trained(session, epochs, order):
        optimizer, model = keras.optimizers.SGD(), keras_network(name)
        train(
            model, data, session, optimizer=optimizer, epochs=epochs, order=order, batch_size=BATCH, learning_rate=RATE
        )

    begun = time.perf_counter()
    trained(Session(), 1, Order(examples=BATCH))
    first, session = time.perf_counter() - begun, Session()
    trained(session, epochs, Order())
    return first, np.diff(session.stamps) - session.history.timing.evaluation_s[2:]


def bare(name, images, labels, epochs):
    """The compiled loop of the engine alone, without what `train` does around it."""
    from keras_reprise.base.seeds import Seeds
    from keras_reprise.engine.backends import start
    from keras_reprise.engine.backends.interface import Plan

    start.start()
    import keras

    images = images.reshape(len(images), -1) if name == "mlp" else images
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    begun = time.perf_counter()
    scaling = (np.float32(127.5), np.float32(73.9))
    plan = Plan(keras_network(name), keras.optimizers.SGD(), loss, BATCH, len(images) // BATCH, scaling)
    program = start.current_backend().program(plan)
    placed, rates = program.place(images, labels), np.full(len(images) // BATCH, RATE, np.float32)
    program.run(placed, np.arange(BATCH, dtype=np.int32), rates[:1])
    first, stamps = time.perf_counter() - begun, []
    for epoch in range(epochs):
        program.run(placed, Seeds(1).permutation(len(images), epoch + 1), rates)
        stamps.append(time.perf_counter())
    return first, np.diff(stamps)


def fit(name, images, labels, epochs, **options):
    """`keras.Model.fit` on the whole array."""
    import keras

    x = standardised(images, name)
    start = time.perf_counter()
    model = keras_network(name)
    compiled = {"jit_compile": options.pop("jit_compile", False), **options}
    model.compile(
        keras.optimizers.SGD(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"], **compiled,
    )  # fmt: skip
    model.fit(x[:BATCH], labels[:BATCH], batch_size=BATCH, verbose=0)
    first, stamps = time.perf_counter() - start, []
    for _ in range(epochs):
        model.fit(x, labels, batch_size=BATCH, verbose=0)
        stamps.append(time.perf_counter())
    return first, np.diff(stamps)


def torch_eager(name, images, labels, epochs, channels_last=False):
    """A plain torch loop over a permutation of tensors in memory."""
    import torch
    from torch import nn

    x, y = torch.from_numpy(standardised(images, name)), torch.from_numpy(labels.astype(np.int64))
    start = time.perf_counter()
    if name == "mlp":
        net = nn.Sequential(nn.Linear(3072, 50), nn.ReLU(), nn.Linear(50, 10))
    else:
        x = x.permute(0, 3, 1, 2).contiguous()

        def norm(n):
            return [nn.BatchNorm2d(n)] if name == "convnet-bn" else []

        net = nn.Sequential(
            nn.Conv2d(3, 32, 5), *norm(32), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), *norm(64),
            nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10),
        )  # fmt: skip
        if channels_last:
            x, net = x.contiguous(memory_format=torch.channels_last), net.to(memory_format=torch.channels_last)
    optimizer, loss = torch.optim.SGD(net.parameters(), RATE), nn.CrossEntropyLoss()

    def update(index):
        optimizer.zero_grad()
        outputs = net(x[index])
        value = loss(outputs, y[index])
        value.backward()
        optimizer.step()
        return value.detach(), (outputs.argmax(1) != y[index]).sum()

    update(torch.arange(BATCH))[0].item()
    first, stamps = time.perf_counter() - start, []
    for _ in range(epochs):
        losses = [update(index) for index in torch.randperm(len(x)).split(BATCH)]
        torch.stack([value for value, _ in losses]).numpy()
        stamps.append(time.perf_counter())
    return first, np.diff(stamps)


def standardised(images, name):
    x = (images.astype(np.float32) - np.float32(127.5)) / np.float32(73.9)
    return x.reshape(len(x), -1) if name == "mlp" else x


CONTENDERS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "engine-tensorflow": ("tensorflow", engine, {}),
    "engine-tensorflow-own-threads": ("tensorflow", engine, {"kernel_threads": 0}),
    "engine-jax": ("jax", engine, {}),
    "engine-torch": ("torch", engine, {}),
    "bare-tensorflow": ("tensorflow", bare, {}),
    "fit-tensorflow": ("tensorflow", fit, {}),
    "fit-tensorflow-20-steps": ("tensorflow", fit, {"steps_per_execution": 20}),
    "fit-tensorflow-xla": ("tensorflow", fit, {"jit_compile": True}),
    "fit-jax": ("jax", fit, {"jit_compile": "auto"}),
    "torch-loop": ("torch", torch_eager, {}),
    "torch-loop-channels-last": ("torch", torch_eager, {"channels_last": True}),
}


def main(network, contender):
    interface, function, options = CONTENDERS[contender]
    os.environ |= {"KERAS_BACKEND": interface, "TF_CPP_MIN_LOG_LEVEL": "3"}
    images, labels = made_up_images(IMAGES[network])
    first, seconds = function(network, images, labels, WARM_UP + EPOCHS[network], **options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    result = {"images": len(images), "epoch_s": seconds[WARM_UP - 1 :].tolist(), "first_step_s": first, "peak_memory_bytes": peak}  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
