"""One process of a comparison: trains one network one way and prints what it took as JSON.

Usage: python contender.py NETWORK CONTENDER, or python contender.py devices, which tells where each framework computes.
Only one framework is loaded in a process that trains; seconds are wall-clock. On a GPU float32 products are not rounded
to TF32, by whichever framework.
"""

import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch_contender import BATCH, RATE, NotHere, cuda_graph, loop

NETWORKS = ("mlp", "convnet", "convnet-bn")
FRAMEWORKS = ("tensorflow", "jax", "torch")
WARM_UP = 2
TOGETHER = 6  # networks that are trained at once


@dataclass(frozen=True)
class Size:
    """How many images an epoch has, and how many epochs count: of ways that wait for Python at every step fewer."""

    images: int
    epochs: int
    epochs_of_slow: int


SIZES = {
    "cpu": {"mlp": Size(10_000, 40, 40), "convnet": Size(4_000, 8, 8), "convnet-bn": Size(4_000, 8, 8)},
    "gpu": {network: Size(50_000, 20, 3) for network in NETWORKS},
}


@dataclass(frozen=True)
class Way:
    """How a contender trains: on which framework, by which function (see `main`), with which settings.

    `slow`: Python is asked at every step; `networks` at once.
    """

    framework: str
    function: str
    options: dict[str, Any] = field(default_factory=dict)
    slow: bool = False
    networks: int = 1


CONTENDERS = {
    "engine-tensorflow": Way("tensorflow", "engine"),
    "engine-tensorflow-own-threads": Way("tensorflow", "engine", {"kernel_threads": 0}),  # as TensorFlow chooses them
    "engine-jax": Way("jax", "engine"),
    "engine-jax-six-at-once": Way("jax", "at_once", networks=TOGETHER),
    "engine-torch": Way("torch", "engine"),
    "bare-tensorflow": Way("tensorflow", "bare"),
    "fit-tensorflow": Way("tensorflow", "fit", slow=True),
    "fit-tensorflow-20-steps": Way("tensorflow", "fit", {"steps_per_execution": 20}, slow=True),
    "fit-tensorflow-xla": Way("tensorflow", "fit", {"jit_compile": True}, slow=True),
    "fit-jax": Way("jax", "fit", {"jit_compile": "auto"}, slow=True),
    "torch-loop": Way("torch", "loop", slow=True),
    "torch-loop-channels-last": Way("torch", "loop", {"channels_last": True}, slow=True),
    "torch-loop-compiled": Way("torch", "loop", {"compiled": True}, slow=True),
    "torch-step-as-cuda-graph": Way("torch", "graph"),
}


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


def engine(name, images, labels, epochs, **_):
    """This package's `train`; an epoch's seconds are all of its time but the evaluation's."""
    import keras

    from keras_reprise.engine import Order, train

    data = made_up_data(name, images, labels)

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


def at_once(name, images, labels, epochs):
    """Six networks by `train_together`, whose updates are computed at once."""
    import keras

    from keras_reprise.engine import Member, Order, train_together

    data = made_up_data(name, images, labels)

    def trained(epochs, order):
        sessions = [Session(seed) for seed in range(1, TOGETHER + 1)]
        members = [Member(keras_network(name), keras.optimizers.SGD(), session, RATE) for session in sessions]
        train_together(members, data, epochs=epochs, batch_size=BATCH, order=order, together=True)
        return sessions[0].stamps

    begun = time.perf_counter()
    trained(1, Order(examples=BATCH))
    return time.perf_counter() - begun, np.diff(trained(epochs, Order()))


class Session:
    """What a training needs of whoever asked for it; when its epochs ended."""

    checkpoints: Any = None

    def __init__(self, seed=1):
        from keras_reprise.base.seeds import Seeds

        self.seeds, self.stamps = Seeds(seed), []

    def progress(self, epoch, epochs, loss):
        self.stamps.append(time.perf_counter())

    def note_training(self, history, digest, model):
        self.history = history


def made_up_data(name, images, labels):
    from keras_reprise.datasets import Dataset

    data = Dataset("made-up", images, labels, images[:BATCH], labels[:BATCH], 10, "0" * 64).standardised()
    return data.flattened() if name == "mlp" else data


def bare(name, images, labels, epochs):
    """The compiled loop of the engine alone, without what `train` does around it."""
    import keras

    from keras_reprise.base.seeds import Seeds
    from keras_reprise.engine.backends import start
    from keras_reprise.engine.backends.interface import Plan

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


def standardised(images, name):
    x = (images.astype(np.float32) - np.float32(127.5)) / np.float32(73.9)
    return x.reshape(len(x), -1) if name == "mlp" else x


def device(framework):
    """ "gpu" where the framework computes on one, else "cpu"; it is imported."""
    if framework == "jax":
        import jax

        return "gpu" if jax.default_backend() == "gpu" else "cpu"
    if framework == "torch":
        import torch

        return "gpu" if torch.cuda.is_available() else "cpu"
    import tensorflow as tf

    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


def without_tf32(framework):
    """Let no product of float32 be rounded to TF32 on a GPU, as the engine does without being asked."""
    if framework == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
    elif framework == "torch":
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    else:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)


def peak_bytes(framework, where):
    """The most memory that was used: of a GPU by the framework's tensors, else by the process."""
    if where == "cpu":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if framework == "jax":
        import jax

        return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)
    if framework == "torch":
        import torch

        return torch.cuda.max_memory_reserved()
    import tensorflow as tf

    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


def devices():
    """Where each installed framework computes."""
    return {name: device(name) for name in FRAMEWORKS if importlib.util.find_spec(name)}


def measured(network, contender, where):
    """Seconds of epochs and of the first step, and the peak of memory, of one contender."""
    way = CONTENDERS[contender]
    functions: dict[str, Callable[..., tuple[float, np.ndarray]]] = {
        "engine": engine,
        "at_once": at_once,
        "bare": bare,
        "fit": fit,
        "loop": loop,
        "graph": cuda_graph,
    }
    size = SIZES[where][network]
    images, labels = made_up_images(size.images)
    epochs = WARM_UP + (size.epochs_of_slow if way.slow else size.epochs)
    first, seconds = functions[way.function](network, images, labels, epochs, **way.options)
    return {
        "images": len(images) * way.networks,
        "epoch_s": seconds[WARM_UP - 1 :].tolist(),
        "first_step_s": first,
        "peak_memory_bytes": peak_bytes(way.framework, where),
    }


def main(network, contender=""):
    if network == "devices":
        print(json.dumps(devices()))
        return
    way = CONTENDERS[contender]
    os.environ |= {"KERAS_BACKEND": way.framework, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if way.function in ("engine", "at_once", "bare"):
        from keras_reprise.engine.backends import start

        if "kernel_threads" in way.options:
            threads = str(way.options["kernel_threads"])
            os.environ |= {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads}
        start.start()
    where = device(way.framework)
    if where == "gpu":
        without_tf32(way.framework)
    try:
        print(json.dumps(measured(network, contender, where)))
    except NotHere as reason:
        print(json.dumps({"refused": str(reason)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
