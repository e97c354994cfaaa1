"""Gradients that are not set to zero before the next backward pass add up and spoil training.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Common Mistakes"
Data:   cifar10, standardised, flattened
Cost:   quick 10 s per replicate, full 22 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run mistake-gradients-kept --scale full

Keras computes gradients anew; in PyTorch's own loops they are added to what is there. The optimizer
below does that here. The sum of all gradients so far is momentum with b = 1, a ball that nothing
slows down, which the bowl w^2 / 2 shows. 3072-50-10 and the rate 0.01 are ours.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import curve, detail, equal, last, maximum, metric, near, rule, train
from keras_reprise.models import dense_classifier

RATE = 0.01


class GradientsKept(keras.optimizers.Optimizer):
    """Plain gradient descent on gradients that are never set to zero."""

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.kept = self.add_optimizer_variables(variables, "kept")

    def update_step(self, gradient, variable, learning_rate):
        kept = self.kept[self._get_variable_index(variable)]
        self.assign_add(kept, gradient)
        self.assign_sub(variable, keras.ops.cast(learning_rate, variable.dtype) * kept)


OPTIMIZERS = {
    "set-to-zero": keras.optimizers.SGD,
    "kept": GradientsKept,
    "momentum-one": lambda rate: keras.optimizers.SGD(rate, momentum=1.0),
}


def bowl(optimizer):
    """The weight from 1 on, for 200 steps down w^2 / 2."""
    weight, path = keras.Variable(1.0), []
    for _ in range(200):
        path.append(float(keras.ops.convert_to_numpy(weight)))
        optimizer.apply([keras.ops.convert_to_tensor(path[-1], "float32")], [weight])
    return path


def measure(arm, replicate):
    data = replicate.dataset().standardised().flattened()
    model = dense_classifier(replicate.seeds, data.image_shape[0], [50], data.classes)
    history = train(
        model,
        data,
        replicate,
        optimizer=OPTIMIZERS[arm.name](RATE),
        epochs=replicate.scale.epochs,
        diverged_factor=None,
    )
    losses, path = history.update_losses, bowl(OPTIMIZERS[arm.name](0.1))
    finite = losses[np.isfinite(losses)]
    metrics = {
        "accuracy": 100 * (1 - history.test_wrong[-1].mean()),  # of what is left if it diverged
        "highest": finite.max() / losses[0],
        "swing": np.abs(path[-50:]).max(),
    }
    curves = history.curves | {"loss": losses[:100], "start": losses[:20], "weight": path}
    return Measurement(metrics, curves, diverged=False)


CLAIMS = (
    rule("kept-spoils-training")
    .says("Gradients that are never set to zero cost accuracy.")
    .must(metric("set-to-zero", "accuracy") > metric("kept", "accuracy")),
    detail("kept-trains-worse")
    .says("And they leave a higher training error.")
    .must(last("kept", "train_error") > last("set-to-zero", "train_error")),
    detail("loss-explodes", kind="positive")
    .says("The loss of a batch rises to more than three times what it was at the start.")
    .must(metric("kept", "highest") > 3.0),
    detail("same-as-momentum-one", kind="exact", expectation="MATH")
    .says("Keeping gradients is momentum with b = 1: the first 20 updates are the same.")
    .must(
        maximum(abs(curve("kept", "start") / curve("momentum-one", "start") - 1)) < 1e-4, equal(1)
    ),
    detail("swings-for-ever", kind="exact", expectation="MATH")
    .says("In a bowl the weight swings for ever: after 150 steps still as far as at the start.")
    .must(metric("kept", "swing"), near(1.0, absolute=0.05)),
    detail("settles", kind="exact", expectation="MATH")
    .says("With gradients set to zero it has settled.")
    .must(metric("set-to-zero", "swing"), between(0.0, 1e-6)),
)

RECIPE = Recipe(
    slug="mistake-gradients-kept",
    version=1,
    question="What happens where gradients are not set to zero before the next backward pass?",
    sources=Source("dl-recap-slides", "Common Mistakes"),
    data="cifar10",
    arms=(
        Arm("set-to-zero", "each update by its own gradient"),
        Arm("kept", "each update by the sum of all gradients so far"),
        Arm("momentum-one", "Keras's momentum 1"),
    ),
    scales=(Scale("quick", n_train=10_000, n_test=2_000, epochs=5), Scale("full", epochs=10)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("A hundred updates", Panel("loss", log=True), x_label="update"),
        Curves("A weight in the bowl", Panel("weight"), x_label="step"),
    ),
    metrics=(
        Metric("accuracy", "test accuracy", "percent"),
        Metric("highest", "highest loss of a batch over the first", "ratio"),
        Metric("swing", "farthest of the weight from the bottom in the last 50 of 200 steps"),
        Metric("loss", "loss of the batch", "nats", "update"),
        Metric("start", "loss of the batch", "nats", "update"),
        Metric("weight", "weight", per="step"),
    ),
)
