"""Biases can start at zero.

Source: "Training" (notes on hyper-parameters), section "Hyper parameters of model"
Data:   cifar10, standardised
Cost:   quick 17 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run init-zero-biases --scale full

The notes give no experiment. The small convnet of cifar10-lr-drop starts with biases of zero, of
0.1, or uniform in 1 / sqrt(fan-in) to either side, which is PyTorch's way; weights and batches are
the same. Plain SGD at 0.1 and batches of 100, as there.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, detail
from keras_reprise import metric, rule
from keras_reprise.models import small_convnet
from keras_reprise.rates import Restartable


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised(), replicate.scale

    def build(seeds):
        model = small_convnet(seeds, data.image_shape, data.classes)  # its biases are PyTorch's
        for layer in model.layers:
            if arm.bias is not None and getattr(layer, "bias", None) is not None:
                layer.bias.assign(np.full(layer.bias.shape, arm.bias, "float32"))
        return model

    network = Restartable(build, data, replicate, keras.optimizers.SGD(), scale.draws)
    runs = [network.train(0.1, scale.epochs, draw) for draw in range(scale.draws)]
    curves = {
        name: np.mean([run.curves[name] for run in runs], axis=0)
        for name in ("train_loss", "test_error")
    }
    first = np.mean([run.curves["train_loss"][0] for run in runs])
    metrics = {"accuracy": 100 * (1 - curves["test_error"][-1]), "first_loss": first}
    return Measurement(metrics, curves)


def ahead(name):
    """By how much the accuracy from biases of zero is above that from others."""
    return metric("zero", "accuracy") - metric(name, "accuracy")


CLAIMS = (
    rule("zero-is-no-worse-than-uniform")
    .says("From biases of zero the test accuracy is at most a point below that from uniform ones.")
    .must(ahead("uniform") > -1),
    rule("zero-is-no-worse-than-positive")
    .says("And at most a point below that from biases of 0.1.")
    .must(ahead("positive") > -1),
    detail("first-epoch-is-no-worse")
    .says("The first epoch's loss is at most a twentieth of a nat above that from uniform biases.")
    .must(metric("zero", "first_loss") - metric("uniform", "first_loss") < 0.05),
)

RECIPE = Recipe(
    slug="init-zero-biases",
    version=3,
    question="Is anything lost by starting biases at zero?",
    sources=Source("hyperparameters-notes", "Hyper parameters of model"),
    data="cifar10",
    arms=(
        Arm("zero", "biases of 0", bias=0.0),
        Arm("positive", "biases of 0.1", bias=0.1),
        Arm("uniform", "biases uniform in 1 / sqrt(fan-in) to either side", bias=None),
    ),
    scales=(
        Scale("quick", n_train=2_500, n_test=1_000, epochs=6, draws=2),
        Scale("full", epochs=25, draws=3),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training from three kinds of biases", ("train_loss", "test_error")),
    metrics=(
        Metric("accuracy", "test accuracy", "percent"),
        Metric("first_loss", "training loss of the first epoch", "nats"),
    ),
)
