"""What a machine can do at best: operations a second of a large matrix product, bytes a second of a large copy.

Usage: python limits.py FRAMEWORK; also prints the operations of every network of the comparison, for one image trained.
float32 throughout, on a GPU without rounding to TF32; seconds are the least of some calls.
"""

import json
import os
import sys
import time

from contender import NETWORKS, device, keras_network, without_tf32

SIDE = {"cpu": 3072, "gpu": 8192}
FLOATS = {"cpu": 2**26, "gpu": 2**28}  # 256 MiB, well beyond a processor's cache, and 1 GiB
CALLS = 5


def fastest(call):
    """The least seconds of some calls; the first, which may compile, does not count."""
    call()
    found = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)


def of_torch(side, floats):
    import torch

    where = "cuda" if torch.cuda.is_available() else "cpu"
    a, b, x = (
        torch.randn(side, side, device=where),
        torch.randn(side, side, device=where),
        torch.ones(floats, device=where),
    )
    product, copy = torch.empty_like(a), torch.empty_like(x)

    def done(call):
        def finished():
            call()
            if where == "cuda":
                torch.cuda.synchronize()

        return finished

    return done(lambda: torch.mm(a, b, out=product)), done(lambda: copy.copy_(x))


def of_jax(side, floats):
    import jax
    import jax.numpy as jnp

    a, b, x = jnp.ones((side, side)) / 3, jnp.ones((side, side)) / 7, jnp.ones(floats)
    product, copy = jax.jit(jnp.matmul), jax.jit(jnp.negative)  # a copy of an array would be the array itself
    return lambda: jax.block_until_ready(product(a, b)), lambda: jax.block_until_ready(copy(x))


def of_tensorflow(side, floats):
    import tensorflow as tf

    a, b, x = tf.random.normal((side, side)), tf.random.normal((side, side)), tf.ones(floats)

    def done(call):
        def finished():
            call()
            if tf.config.list_physical_devices("GPU"):
                tf.test.experimental.sync_devices()

        return finished

    return done(lambda: tf.matmul(a, b)), done(lambda: tf.negative(x))


def main(framework):
    os.environ |= {"KERAS_BACKEND": framework, "TF_CPP_MIN_LOG_LEVEL": "3"}
    where = device(framework)
    without_tf32(framework)
    side, floats = SIDE[where], FLOATS[where]
    product, copy = {"torch": of_torch, "jax": of_jax, "tensorflow": of_tensorflow}[framework](side, floats)
    found = {
        "framework": framework,
        "flops_per_s": 2 * side**3 / fastest(product),
        "bytes_per_s": 2 * 4 * floats / fastest(copy),  # read and written
    }
    from keras_reprise.flops import training_flops

    print(json.dumps(found | {"flops": {name: training_flops(keras_network(name)) for name in NETWORKS}}))


if __name__ == "__main__":
    main(sys.argv[1])
