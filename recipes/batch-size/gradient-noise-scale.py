"""Mini-batch gradients are noisy; the noise falls as one over the batch size

Source: Training: notes on data splits, hyper-parameters and optimisation, section "Batching"; the
        noise scale is that of McCandlish et al. (2018)
Data:   cifar10, standardised, flattened
Cost:   quick 14 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run gradient-noise-scale --scale full

The simple noise scale is the trace of the gradients' covariance over the squared gradient,
estimated without bias from batches of two sizes.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, above
from keras_reprise import between, detail, first, gradients, last, metric, rule, train
from keras_reprise.models import dense_classifier

SIZES = (10, 32, 100, 316, 1000)


class Noise:
    """Probe: the variance of gradients by batch size and the noise scale, at the listed epochs."""

    def __init__(self, replicate, data):
        self.data, self.scale, self.draw = data, replicate.scale, replicate.seeds.generator("data")
        self.epochs, self.noise_scale, self.variances = [], [], []

    def __call__(self, moment):
        if moment.epoch not in self.scale.moments:
            return {}

        def gradient(index):
            x = self.data.scaled(self.data.stored_train[index])
            found = gradients(
                moment.model, [x], self.data.y_train[index], moment.loss
            ).weights.values()
            return np.concatenate([np.asarray(g, np.float64).ravel() for g in found])

        squares, variances = [], []
        for size in SIZES:
            drawn = np.stack(
                [
                    gradient(self.draw.integers(0, len(self.data.y_train), size))
                    for _ in range(self.scale.draws)
                ]
            )
            squares.append((drawn**2).sum(axis=1).mean())
            variances.append(drawn.var(axis=0, ddof=1).sum())
        small, large = SIZES[0], SIZES[-1]
        squared = (large * squares[-1] - small * squares[0]) / (large - small)
        trace = (squares[0] - squares[-1]) / (1 / small - 1 / large)
        self.epochs.append(moment.epoch)
        self.noise_scale.append(trace / squared if squared > 0 else np.inf)
        self.variances.append(variances)
        return {}


def measure(arm, replicate):
    data = replicate.dataset().standardised().flattened()
    noise = Noise(replicate, data)
    history = train(
        dense_classifier(replicate.seeds, data.image_shape[0], [50], data.classes),
        data,
        replicate,
        optimizer=keras.optimizers.SGD(),
        learning_rate=0.01,
        batch_size=100,
        epochs=replicate.scale.moments[-1],
        probes=[noise],
    )
    slopes = [np.polyfit(np.log(SIZES), np.log(variance), 1)[0] for variance in noise.variances]
    return Measurement(
        metrics={"slope_before": slopes[0], "slope_after": slopes[-1]} | history.last,
        curves={
            "epoch": noise.epochs,
            "noise_scale": noise.noise_scale,
            "batch": SIZES,
            "variance_before": noise.variances[0],
            "variance_after": noise.variances[-1],
        },
    )


CLAIMS = (
    rule("variance-falls-before")
    .says("Before training the gradient's variance falls as one over the batch size.")
    .of(metric("two-layer", "slope_before"))
    .must(between(-1.05, -0.95), expectation="MATH"),
    rule("variance-falls-after")
    .says("So it does after training.")
    .of(metric("two-layer", "slope_after"))
    .must(between(-1.05, -0.95), expectation="MATH"),
    detail("noise-scale-grows", "McCandlish et al. (2018)")
    .says("The noise scale, and so the batch that pays, is larger after training than before.")
    .of(last("two-layer", "noise_scale") / first("two-layer", "noise_scale"))
    .must(above(1.0), kind="positive"),
)
NOISE = (Panel(("noise_scale",), "noise scale (images)", log=True),)
VARIANCE = (Panel(("variance_before", "variance_after"), "variance, all weights", log=True),)
BATCH = {"x": "batch", "x_label": "batch size", "x_log": True}

RECIPE = Recipe(
    slug="gradient-noise-scale",
    version=1,
    question="How noisy is a mini-batch gradient, and when does a larger batch pay?",
    sources=(Source("hyperparameters-notes", "Batching"),),
    data="cifar10",
    arms=(Arm("two-layer", "the 3072-50-10 network at rate 0.01"),),
    scales=(
        Scale("quick", n_train=10_000, n_test=1_000, moments=(0, 1, 2, 4, 8), draws=40),
        Scale("full", moments=(0, 1, 2, 4, 8, 16), draws=200),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Noise scale through training", NOISE, x="epoch", columns="overlay"),
        Curves("Variance of the gradient", VARIANCE, **BATCH),
    ),
    metrics=(
        Metric("slope_before", "slope of log variance over log batch size before training"),
        Metric("slope_after", "slope of log variance over log batch size after training"),
        Metric("noise_scale", "noise scale", "images", "moment"),
    ),
)
