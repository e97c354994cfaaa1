"""A network for two classes needs a sigmoid at its single output.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Common Mistakes"
Data:   none (two half moons, drawn anew)
Cost:   quick 6 s per replicate, full 14 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run sigmoid-two-classes --scale full

The slide names the mistake alone. The loss expects a probability, as Keras's does where nothing is
said; a sigmoid inside the loss is the same function. Moons, the network of one hidden layer of 16,
batches of 100 and the rate are ours; a replicate is the mean of five draws of the weights.
"""

import warnings

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import between, curve, detail, equal, maximum, metric, near, rule, snapshot
from keras_reprise import train


def moons(draw, n):
    """Two interleaved half circles (n, 2) with noise, and which of them each point is of (n, 1)."""
    angle, lower = np.pi * draw.random(n), draw.integers(0, 2, n)
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle))
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle))
    points = np.stack([x, y], axis=1) + 0.2 * draw.standard_normal((n, 2))
    return points.astype("float32"), lower.astype("float32")[:, None]


def network(last, seeds, draw):
    model = keras.Sequential([keras.Input((2,))])
    for units, activation, name in ((16, "relu", "hidden"), (1, last, "output")):
        kernel = keras.initializers.GlorotUniform(seeds.weights(f"{name}/{draw}"))
        model.add(keras.layers.Dense(units, activation, kernel_initializer=kernel))
    return model


def off_softmax_of_two():
    """Largest distance of sigmoid(z) from the second of softmax(0, z)."""
    z = np.linspace(-20, 20, 401, dtype="float32")
    two = keras.ops.softmax(np.stack([np.zeros_like(z), z], axis=1))[:, 1]
    return float(keras.ops.max(keras.ops.abs(keras.ops.sigmoid(z) - two)))


def measure(arm, replicate):
    draw = replicate.seeds.generator("data")
    (x, y), (x_test, y_test) = moons(draw, 1000), moons(draw, 5000)
    data = Dataset.of("half moons", x, y, x_test, y_test)
    starts = [network(arm.last, replicate.seeds, draw).get_weights() for draw in range(5)]
    model, sgd = network(arm.last, replicate.seeds, 0), keras.optimizers.SGD(0.1, momentum=0.9)
    restart, errors, losses, outputs = snapshot(model, sgd), [], [], []
    loss = keras.losses.BinaryCrossentropy(from_logits=arm.in_the_loss)
    for weights in starts:
        restart()
        model.set_weights(weights)
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # Keras notices
            history = train(
                model,
                data,
                replicate,
                optimizer=sgd,
                loss=loss,
                epochs=replicate.scale.epochs,
                diverged_factor=None,
            )
            outputs.append(keras.ops.convert_to_numpy(model(x_test)))
        errors.append(history.curves["test_error"])
        losses.append(history.update_losses[:50])
    curves = {"test_error": np.mean(errors, axis=0), "loss": np.mean(losses, axis=0)}
    metrics = {
        "accuracy": 100 * (1 - curves["test_error"][-1]),
        "lowest_output": np.min(outputs),
        "highest_output": np.max(outputs),
        "off_softmax_of_two": off_softmax_of_two(),
    }
    return Measurement(metrics, curves)


def lost(arm):
    return metric("sigmoid", "accuracy") - metric(arm, "accuracy")


CLAIMS = (
    rule("without-costs-accuracy")
    .says("Without a sigmoid at its output the network loses accuracy.")
    .must(lost("none") > 0),
    rule("softmax-of-one-costs-accuracy")
    .says("Softmax in its place loses accuracy.")
    .must(lost("softmax") > 0),
    detail("softmax-of-one-is-one", kind="exact", expectation="MATH")
    .says("Softmax of a single output is 1, whatever the network has learned.")
    .must(metric("softmax", "lowest_output"), near(1.0, absolute=1e-6)),
    detail("without-is-no-probability")
    .says("Without a sigmoid the outputs reach beyond 1: they are no probabilities.")
    .must(metric("none", "highest_output") > 1.0),
    detail("inside-the-loss-is-the-same", kind="exact", expectation="MATH")
    .says("A sigmoid inside the loss does the same, update by update.")
    .must(
        maximum(abs(curve("inside-the-loss", "loss") / curve("sigmoid", "loss") - 1)) < 1e-3,
        equal(1),
    ),
    detail("sigmoid-is-softmax-of-two", kind="exact", expectation="MATH")
    .says("A sigmoid is softmax over two outputs of which one is 0.")
    .must(metric("sigmoid", "off_softmax_of_two"), between(0.0, 1e-6)),
)

RECIPE = Recipe(
    slug="sigmoid-two-classes",
    version=1,
    question="Does a network for two classes need a sigmoid at its single output?",
    sources=Source("dl-recap-slides", "Common Mistakes"),
    arms=(
        Arm("sigmoid", "sigmoid at the output", last="sigmoid", in_the_loss=False),
        Arm("none", "nothing, the sigmoid forgotten", last=None, in_the_loss=False),
        Arm("softmax", "softmax of the single output", last="softmax", in_the_loss=False),
        Arm("inside-the-loss", "nothing, a sigmoid in the loss", last=None, in_the_loss=True),
    ),
    scales=(Scale("quick", epochs=20), Scale("full", epochs=50)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Loss with a sigmoid and without", Panel("loss", log=True)),
        Curves("Test error with a sigmoid and without", "test_error"),
    ),
    metrics=(
        Metric("accuracy", "test accuracy", "percent"),
        Metric("lowest_output", "lowest output"),
        Metric("highest_output", "highest output"),
        Metric("off_softmax_of_two", "largest distance from softmax over two outputs"),
        Metric("loss", "loss of the batch", "nats", "update"),
    ),
)
