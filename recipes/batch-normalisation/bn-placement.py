"""Put batch normalisation before the nonlinearity, not after it.

Source: "Deep Network Components & Training", slide "Batch normalization"
Data:   cifar10, standardised
Cost:   full 5 min per replicate, quick 68 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run bn-placement --scale full

The slide names no network. Dense: 3072-100-100-100-10. Convolutional: two of 3 x 3 with stride 2,
then dense to the classes. Plain SGD, batches of 100, from He's (ReLU) or Glorot's weights; each
network has its best rate, which lies between others that are worse, by one half of the test images
and is judged on the other.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, between, detail
from keras_reprise import mean, metric, rule
from keras_reprise.models import normalised_dense
from keras_reprise.rates import Restartable, best_run, judged_errors

RATES = (0.01, 0.03, 0.1)
NETWORKS = {"relu": "ReLUs", "sigmoid": "sigmoids", "conv": "convolutions with ReLUs"}


def convnet(seeds, shape, classes, normalisation):
    """Two convolutions, each with batch normalisation before or after its ReLU."""
    model = keras.Sequential([keras.Input(shape)])
    for name, filters in (("conv1", 16), ("conv2", 32)):
        kernel = keras.initializers.HeNormal(seeds.weights(name))
        layer = keras.layers.Conv2D(filters, 3, 2, "same", kernel_initializer=kernel)
        norm, relu = keras.layers.BatchNormalization(momentum=0.9), keras.layers.ReLU()
        for part in (layer, *((norm, relu) if normalisation == "before" else (relu, norm))):
            model.add(part)
    model.add(keras.layers.Flatten())
    kernel = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model.add(keras.layers.Dense(classes, kernel_initializer=kernel))
    return model


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised(), replicate.scale.epochs
    data = data if arm.network == "conv" else data.flattened()

    def build(seeds):
        if arm.network == "conv":
            return convnet(seeds, data.image_shape, data.classes, arm.normalisation)
        hidden, features = [100, 100, 100], data.image_shape[0]
        return normalised_dense(
            seeds, features, hidden, data.classes, arm.network, arm.normalisation
        )

    rate, history = best_run(Restartable(build, data, replicate), RATES, epochs)
    error = judged_errors(history, epochs)
    return Measurement({"error": error[-1], "rate": rate}, {"error": error})


def after_minus_before(network):
    return metric(f"{network}-after", "error") - metric(f"{network}-before", "error")


MEAN = "Test error with it after minus before the nonlinearity, mean of three networks"
DIFFERENCE = mean(*map(after_minus_before, NETWORKS))
CLAIMS = (
    rule("before-is-better", expectation="MIXED")
    .says("With batch normalisation before the nonlinearity the test error is lower.")
    .must(DIFFERENCE > 0, measures=MEAN),
    detail("within-a-point", expectation="MIXED")
    .says("The two places differ by less than a point.")
    .must(DIFFERENCE, between(-1.0, 1.0), measures=MEAN),
    *(
        detail(f"before-is-better-{network}", expectation="MIXED")
        .says(f"Before is better in the network of {words}.")
        .must(after_minus_before(network) > 0)
        for network, words in NETWORKS.items()
    ),
)

RECIPE = Recipe(
    slug="bn-placement",
    version=2,
    question="Does batch normalisation belong before or after the nonlinearity?",
    sources=Source("cs231n-slides", "Batch normalization"),
    data="cifar10",
    arms=tuple(
        Arm(
            f"{network}-{place}",
            f"{words}, batch normalisation {place} them",
            network=network,
            normalisation=place,
        )
        for network, words in NETWORKS.items()
        for place in ("before", "after")
    ),
    scales=(
        Scale("quick", n_train=4_000, n_test=4_000, epochs=6),
        Scale("full", n_train=20_000, epochs=10),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Test error at the best rate", "error"),
    metrics=(
        Metric("error", "test error", "percent", "epoch"),
        Metric("rate", "best learning rate"),
    ),
)
