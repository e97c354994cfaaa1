"""The ELU's outputs are closer to zero on average than the ReLU's.

Source: "Deep Network Components & Training" (after CS231n), slide "Exponential Linear Units (ELU)";
        the network is that of Clevert, Unterthiner and Hochreiter (2016), section 4.1
Data:   cifar10, standardised, flattened (the paper has MNIST)
Cost:   quick 7 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 48 s (one of two workers, Intel Xeon)
Replay: reprise run elu-mean-activation --scale full

Exact: the means of both functions of a standard normal number, over 100,000 of its quantiles.
Trained: eight layers of 128 units, He's weights, plain SGD at the rate 0.01, batches of 64, as in
the paper; mean outputs are over 1,000 training images.
"""

import keras
import numpy as np
from scipy.stats import norm

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, curve
from keras_reprise import detail, last, maximum, mean, metric, near, rule, train
from keras_reprise.models import activated

LAYERS, WIDTH, IMAGES = 8, 128, 1000
QUANTILES = norm.ppf((np.arange(100_000) + 0.5) / 100_000).astype("float32")


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised().flattened(), replicate.scale.epochs
    model = activated(
        replicate.seeds, data.image_shape, data.classes, arm.name, dense=[WIDTH] * LAYERS
    )
    outputs = [model.get_layer(f"activation{number}").output for number in range(1, LAYERS + 1)]
    hidden, images = keras.Model(model.input, outputs), data.x_train[:IMAGES]

    def activations():
        """The hidden layers' outputs for the images, (layers, images, units)."""
        found = hidden(images, training=False)
        return np.stack([keras.ops.convert_to_numpy(layer) for layer in found])

    history = train(
        model,
        data,
        replicate,
        optimizer=keras.optimizers.SGD(0.01),
        batch_size=64,
        epochs=epochs,
        probe=lambda: {"unit_mean": float(np.median(activations().mean(axis=1)))},
    )
    found = activations()
    means, spreads = found.mean(axis=(1, 2)), found.std(axis=(1, 2))
    normal = keras.ops.convert_to_numpy(keras.activations.get(arm.name)(QUANTILES))
    curves = {"layer_mean": means, "relative_mean": means / spreads}
    curves["unit_mean"] = history.curves["unit_mean"][-epochs:]
    return Measurement({"normal_mean": normal.astype("float64").mean()}, curves)


def sizes(arm, name="layer_mean"):
    return abs(curve(arm, name))


PAPER = "Clevert, Unterthiner and Hochreiter (2016), figure 2"
CLAIMS = (
    rule("nearer-for-normal-inputs", kind="exact", expectation="MATH")
    .says("Of a standard normal number the ELU's mean is closer to zero than the ReLU's.")
    .must(abs(metric("elu", "normal_mean")) < abs(metric("relu", "normal_mean"))),
    rule("nearer-when-trained")
    .says("In a trained network its layers' means are closer to zero, on average over the layers.")
    .must(mean(sizes("elu")) < mean(sizes("relu"))),
    detail("nearer-in-every-layer")
    .says("So it is in each of the eight layers.")
    .must(
        maximum(sizes("elu") - sizes("relu")) < 0,
        measures="Distance of the layer's mean from zero, ELU minus ReLU, largest of eight layers",
    ),
    detail("typical-unit-is-nearer", PAPER)
    .says("The median of the units' mean outputs is lower with the ELU.")
    .must(abs(last("elu", "unit_mean")) < abs(last("relu", "unit_mean"))),
    detail("nearer-for-its-spread")
    .says("The means are closer to zero for the outputs' spread, too.")
    .must(mean(sizes("elu", "relative_mean")) < mean(sizes("relu", "relative_mean"))),
    detail("relu-mean-by-theory", kind="exact", expectation="MATH")
    .says("The ReLU's mean is 1 over the root of 2 pi, 0.3989.")
    .must(metric("relu", "normal_mean"), near((2 * np.pi) ** -0.5, absolute=1e-4)),
    detail("elu-mean-by-theory", kind="exact", expectation="MATH")
    .says("The ELU's is 0.1605.")
    .must(
        metric("elu", "normal_mean"),
        near((2 * np.pi) ** -0.5 + np.exp(0.5) * norm.cdf(-1) - 0.5, absolute=1e-4),
    ),
)

RECIPE = Recipe(
    slug="elu-mean-activation",
    version=1,
    question="Are the ELU's outputs closer to zero on average than the ReLU's?",
    sources=Source("cs231n-slides", "Exponential Linear Units (ELU)"),
    data="cifar10",
    arms=(Arm("relu", "max(0, x)"), Arm("elu", "exp(x) - 1 below 0")),
    scales=(
        Scale("quick", n_train=5_000, n_test=500, epochs=10),
        Scale("full", n_train=50_000, n_test=1_000, epochs=20),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves(
            "Mean outputs of eight trained layers",
            (Panel("layer_mean", level=0.0), "relative_mean"),
        ),
        Curves("Median of the units' mean outputs", Panel("unit_mean", level=0.0)),
    ),
    metrics=(
        Metric("normal_mean", "mean for standard normal inputs"),
        Metric("layer_mean", "mean of the outputs", per="layer"),
        Metric("relative_mean", "mean of the outputs over their deviation", per="layer"),
        Metric("unit_mean", "median of the units' mean outputs", per="epoch"),
    ),
)
