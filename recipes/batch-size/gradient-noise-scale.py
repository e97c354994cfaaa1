"""Mini-batch gradients are noisy; the noise falls as one over the batch size

Source: "Training" (notes on hyper-parameters), section "Batching"; McCandlish et al. (2018)
Data:   cifar10, standardised, flattened
Cost:   quick 14 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21);
        full 88 s (one of two workers, Intel Xeon)
Replay: reprise run gradient-noise-scale --scale full

The noise scale, estimated without bias, is the covariance's trace over the squared gradient.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, between
from keras_reprise import detail, first, gradients, last, metric, rule, train
from keras_reprise.models import dense_classifier


def measure(arm, replicate):
    data, scale = replicate.dataset().standardised().flattened(), replicate.scale
    sizes = (10, 32, 100, 316, 1000)
    draw, found = replicate.seeds.generator("data"), {}

    def gradient(moment, size):
        chosen = draw.integers(0, len(data.y_train), size)
        x, y = data.scaled(data.stored_train[chosen]), data.y_train[chosen]
        weights = gradients(moment.model, [x], y, moment.loss).weights.values()
        return np.concatenate([np.asarray(weight, float).ravel() for weight in weights])

    def noise(moment):
        for size in sizes if moment.epoch in scale.moments else ():
            drawn = np.stack([gradient(moment, size) for _ in range(scale.draws)])
            square, variance = (drawn**2).sum(axis=1).mean(), drawn.var(axis=0, ddof=1).sum()
            found.setdefault(moment.epoch, []).append((square, variance))
        return {}

    model = dense_classifier(replicate.seeds, data.image_shape[0], [50], data.classes)
    sgd, epochs = keras.optimizers.SGD(0.01), scale.moments[-1]
    history = train(model, data, replicate, optimizer=sgd, epochs=epochs, probes=[noise])
    squares, variances = np.transpose(list(found.values()), (2, 0, 1))  # (moments, sizes) each
    squared = (sizes[-1] * squares[:, -1] - sizes[0] * squares[:, 0]) / (sizes[-1] - sizes[0])
    trace = (squares[:, 0] - squares[:, -1]) / (1 / sizes[0] - 1 / sizes[-1])
    curves = {"epoch": list(found), "noise_scale": np.where(squared > 0, trace / squared, np.inf)}
    curves |= {"batch": sizes, "variance_before": variances[0], "variance_after": variances[-1]}
    slopes = [np.polyfit(np.log(sizes), np.log(variance), 1)[0] for variance in variances]
    metrics = history.last | {"slope_before": slopes[0], "slope_after": slopes[-1]}
    return Measurement(metrics, curves)


VARIANCE = Panel(("variance_before", "variance_after"), "variance, all weights", log=True)
CLAIMS = (
    rule("variance-falls-before", expectation="MATH")
    .says("Before training the gradient's variance falls as one over the batch size.")
    .must(metric("two-layer", "slope_before"), between(-1.05, -0.95)),
    rule("variance-falls-after", expectation="MATH")
    .says("So it does after training.")
    .must(metric("two-layer", "slope_after"), between(-1.05, -0.95)),
    detail("noise-scale-grows", "McCandlish et al. (2018)", kind="positive")
    .says("The noise scale, and so the batch that pays, is larger after training than before.")
    .must(last("two-layer", "noise_scale") / first("two-layer", "noise_scale") > 1.0),
)

RECIPE = Recipe(
    slug="gradient-noise-scale",
    version=1,
    question="How noisy is a mini-batch gradient, and when does a larger batch pay?",
    sources=Source("hyperparameters-notes", "Batching"),
    data="cifar10",
    arms=(Arm("two-layer", "the 3072-50-10 network at rate 0.01"),),
    scales=(
        Scale("quick", n_train=10_000, n_test=1_000, moments=(0, 1, 2, 4, 8), draws=40),
        Scale("full", moments=(0, 1, 2, 4, 8, 16), draws=200),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Noise scale through training", Panel("noise_scale", log=True), x="epoch"),
        Curves("Variance of the gradient", VARIANCE, x="batch", x_log=True, columns="arms"),
    ),
    metrics=(
        Metric("slope_before", "slope of log variance over log batch size before training"),
        Metric("slope_after", "slope of log variance over log batch size after training"),
        Metric("noise_scale", "noise scale", "images", "moment"),
        Metric("batch", "batch size"),
    ),
)
