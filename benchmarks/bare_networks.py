"""The networks of `bench_keras.py` written for TensorFlow, JAX or torch alone: an update on a batch, and a prediction.

Each takes NumPy arrays and gives a number or an array back to NumPy, as `train_on_batch` and `predict_on_batch` do;
TensorFlow's are one `tf.function`, JAX's one `jax.jit`, torch's plain modules.
"""

import numpy as np

HEADS, WIDTH, HIDDEN, EPSILON = 4, 64, 256, 1e-5
RATES = {"dense-dropout": 0.001, "two-layer": 0.001, "small-convnet": 0.001}


def step(backend, name):
    """A function of a batch that updates a network and returns its loss."""
    return {"tensorflow": _tensorflow_step, "jax": _jax_step, "torch": _torch_step}[backend](name)


def predict(backend, name):
    """A function of a batch that returns the network's outputs."""
    return {"tensorflow": _tensorflow_predict, "jax": _jax_predict, "torch": _torch_predict}[backend](name)


def shapes(name):
    """The shapes of the weights, in the order in which `_forward` takes them; matrices are (inputs, outputs)."""
    if name == "dense-dropout":
        sizes = [4, *[128] * 10, 1]
    elif name == "two-layer":
        sizes = [3072, 100, 10]
    elif name == "small-convnet":
        return [(5, 5, 3, 32), (32,), (5, 5, 32, 64), (64,), (256, 200), (200,), (200, 10), (10,)]
    else:
        block = [(WIDTH,), (WIDTH,), *[(WIDTH, WIDTH), (WIDTH,)] * 4, (WIDTH,), (WIDTH,), (WIDTH, HIDDEN), (HIDDEN,)]
        return 2 * [*block, (HIDDEN, WIDTH), (WIDTH,)]
    return [shape for a, b in zip(sizes, sizes[1:], strict=False) for shape in ((a, b), (b,))]


def initial(name):
    """Weights of Glorot's width; scales of normalisations are ones, biases zeros."""
    generator, found = np.random.default_rng(1), []
    for number, shape in enumerate(shapes(name)):
        if len(shape) == 1:
            scale = name == "transformer" and number % 16 in (0, 10)
            found.append(np.full(shape, float(scale), np.float32))
        else:
            width = np.sqrt(2 / (np.prod(shape[:-1]) + shape[-1] * np.prod(shape[:-2])))
            found.append((width * generator.standard_normal(shape)).astype(np.float32))
    return found


# TensorFlow


def _tensorflow_forward(name, weights, x, training):
    import tensorflow as tf

    if name in ("dense-dropout", "two-layer"):
        for w, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            x = tf.nn.relu(x @ w + b)
            x = tf.nn.dropout(x, 0.1) if training and name == "dense-dropout" else x
        return x @ weights[-2] + weights[-1]
    if name == "small-convnet":
        x = tf.nn.relu(tf.nn.max_pool2d(tf.nn.conv2d(x, weights[0], 1, "VALID") + weights[1], 3, 3, "VALID"))
        x = tf.nn.relu(tf.nn.max_pool2d(tf.nn.conv2d(x, weights[2], 1, "VALID") + weights[3], 2, 2, "VALID"))
        x = tf.nn.relu(tf.reshape(x, (-1, 256)) @ weights[4] + weights[5])
        return x @ weights[6] + weights[7]
    softmax, transpose, reshape = tf.nn.softmax, tf.transpose, tf.reshape
    return _transformer(weights, x, softmax, transpose, reshape, tf.nn.relu, tf.math.reduce_mean, tf.math.rsqrt)


def _tensorflow_step(name):
    import tensorflow as tf

    weights = [tf.Variable(one) for one in initial(name)]
    adam = [(tf.Variable(tf.zeros_like(w)), tf.Variable(tf.zeros_like(w))) for w in weights]
    count = tf.Variable(0.0)

    @tf.function
    def update(x, y):
        with tf.GradientTape() as tape:
            outputs = _tensorflow_forward(name, weights, x, True)
            if name == "dense-dropout":
                loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, outputs))
            else:
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, outputs))
        gradients = tape.gradient(loss, weights)
        if name == "dense-dropout":
            count.assign_add(1.0)
            rate = RATES[name] * tf.sqrt(1 - 0.999**count) / (1 - 0.9**count)
            for w, g, (m, v) in zip(weights, gradients, adam, strict=True):
                m.assign_add(0.1 * (g - m))
                v.assign_add(0.001 * (g * g - v))
                w.assign_sub(rate * m / (tf.sqrt(v) + 1e-7))
        else:
            for w, g in zip(weights, gradients, strict=True):
                w.assign_sub(RATES[name] * g)
        return loss

    return lambda x, y: float(update(tf.constant(x), tf.constant(y)))


def _tensorflow_predict(name):
    import tensorflow as tf

    weights = [tf.Variable(one) for one in initial(name)]
    forward = tf.function(lambda x: _tensorflow_forward(name, weights, x, False))
    return lambda x: forward(tf.constant(x)).numpy()


# JAX


def _jax_forward(name, weights, x, key):
    import jax
    import jax.numpy as jnp

    if name in ("dense-dropout", "two-layer"):
        for w, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            x = jax.nn.relu(x @ w + b)
            if key is not None and name == "dense-dropout":
                key, own = jax.random.split(key)
                x = jnp.where(jax.random.bernoulli(own, 0.9, x.shape), x / 0.9, 0)
        return x @ weights[-2] + weights[-1]
    if name == "small-convnet":
        for w, b, size in ((weights[0], weights[1], 3), (weights[2], weights[3], 2)):
            x = jax.lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + b
            window = (1, size, size, 1)
            x = jax.nn.relu(jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID"))
        x = jax.nn.relu(x.reshape(-1, 256) @ weights[4] + weights[5])
        return x @ weights[6] + weights[7]
    return _transformer(weights, x, jax.nn.softmax, jnp.transpose, jnp.reshape, jax.nn.relu, jnp.mean, jax.lax.rsqrt)


def _jax_step(name):
    import jax
    import jax.numpy as jnp

    def loss_of(weights, x, y, key):
        outputs = _jax_forward(name, weights, x, key)
        if name == "dense-dropout":
            return jnp.mean(jnp.maximum(outputs, 0) - outputs * y + jnp.log1p(jnp.exp(-jnp.abs(outputs))))
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(outputs), y[:, None], axis=1))

    def update(state, x, y):
        weights, first, second, count, key = state
        key, own = jax.random.split(key)
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y, own)
        count = count + 1
        if name == "dense-dropout":
            first = [m + 0.1 * (g - m) for m, g in zip(first, gradients, strict=True)]
            second = [v + 0.001 * (g * g - v) for v, g in zip(second, gradients, strict=True)]
            rate = RATES[name] * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
            steps = [rate * m / (jnp.sqrt(v) + 1e-7) for m, v in zip(first, second, strict=True)]
        else:
            steps = [RATES[name] * g for g in gradients]
        return ([w - s for w, s in zip(weights, steps, strict=True)], first, second, count, key), loss

    compiled = jax.jit(update, donate_argnums=0)
    zeros = [jnp.zeros(shape, jnp.float32) for shape in shapes(name)]
    state = ([jnp.asarray(w) for w in initial(name)], zeros, [jnp.copy(z) for z in zeros], 0.0, jax.random.key(1))

    def step_on(x, y):
        nonlocal state
        state, loss = compiled(state, x, y)
        return float(loss)

    return step_on


def _jax_predict(name):
    import jax

    weights = [jax.numpy.asarray(one) for one in initial(name)]
    forward = jax.jit(lambda weights, x: _jax_forward(name, weights, x, None))
    return lambda x: np.asarray(forward(weights, x))


# torch


def _torch_network(name):
    from torch import nn

    if name == "dense-dropout":
        sizes = [4, *[128] * 10]
        hidden = [
            part
            for a, b in zip(sizes, sizes[1:], strict=False)
            for part in (nn.Linear(a, b), nn.ReLU(), nn.Dropout(0.1))
        ]
        return nn.Sequential(*hidden, nn.Linear(128, 1))
    if name == "two-layer":
        return nn.Sequential(nn.Linear(3072, 100), nn.ReLU(), nn.Linear(100, 10))
    if name == "small-convnet":
        return nn.Sequential(
            nn.Conv2d(3, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU(),
            nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10),
        )  # fmt: skip
    block = {"nhead": HEADS, "dim_feedforward": HIDDEN, "dropout": 0.0, "batch_first": True, "norm_first": True}
    return nn.Sequential(*(nn.TransformerEncoderLayer(WIDTH, **block) for _ in range(2)))


def _torch_input(name, x):
    import torch

    x = torch.from_numpy(x)
    return x.permute(0, 3, 1, 2) if name == "small-convnet" else x


def _torch_step(name):
    import torch

    net = _torch_network(name)
    dense = name == "dense-dropout"
    optimizer = (torch.optim.Adam if dense else torch.optim.SGD)(net.parameters(), RATES[name])
    loss = torch.nn.BCEWithLogitsLoss() if dense else torch.nn.CrossEntropyLoss()

    def step_on(x, y):
        labels = torch.from_numpy(y if dense else y.astype(np.int64))
        optimizer.zero_grad()
        value = loss(net(_torch_input(name, x)), labels)
        value.backward()
        optimizer.step()
        return value.item()

    return step_on


def _torch_predict(name):
    import torch

    net = _torch_network(name).eval()

    def predicted(x):
        with torch.inference_mode():
            return net(_torch_input(name, x)).numpy()

    return predicted


def _transformer(weights, x, softmax, transpose, reshape, relu, mean, rsqrt):
    """Two blocks with what a framework calls these operations."""

    def normalised(x, scale, shift):
        centred = x - mean(x, -1, keepdims=True)
        return centred * rsqrt(mean(centred * centred, -1, keepdims=True) + EPSILON) * scale + shift

    def heads(x):
        return transpose(reshape(x, (-1, 64, HEADS, WIDTH // HEADS)), (0, 2, 1, 3))

    for start in (0, 16):
        w = weights[start : start + 16]
        y = normalised(x, w[0], w[1])
        query, key, value = (heads(y @ w[n] + w[n + 1]) for n in (2, 4, 6))
        attention = softmax(query @ transpose(key, (0, 1, 3, 2)) / np.float32(np.sqrt(WIDTH // HEADS)))
        mixed = reshape(transpose(attention @ value, (0, 2, 1, 3)), (-1, 64, WIDTH))
        x = x + mixed @ w[8] + w[9]
        x = x + relu(normalised(x, w[10], w[11]) @ w[12] + w[13]) @ w[14] + w[15]
    return x
