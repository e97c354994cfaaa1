"""What Keras's own `fit` reaches at fixed seeds, to compare releases of Keras by.

Source: keras#19953 and keras#22561, whose networks train here beside two of the course notes
Data:   the 1,797 digits of scikit-learn, enlarged to 32 x 32 x 3 (1,297 to train, 500 to test)
Cost:   quick 18 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run ./benchmarks/accuracy-of-fit.py --scale full

Nothing of the package trains here: `compile`, `fit` and `predict` are Keras's, as far back as 3.0, and so are the
initial weights, the order of the examples and dropout, drawn after `keras.utils.set_random_seed`. A release that draws
them otherwise gives other numbers that are as good; docs/gate.md has the commands.
"""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Recipe, Scale, Source, maximum, metric, rule

WIDTH = 48  # of a token: a patch of 4 x 4 pixels


def enlarged_digits():
    """Every pixel becomes 4 x 4 of them, in three equal colours."""
    images, digits = load_digits(return_X_y=True)
    large = images.reshape(-1, 8, 8, 1).repeat(4, 1).repeat(4, 2).repeat(3, 3).astype("float32") / 16
    return Dataset.of("enlarged digits", large[500:], digits[500:], large[:500], digits[:500])


def dense_dropout():
    blocks = [layer for _ in range(10) for layer in (layers.Dense(128, "relu"), layers.Dropout(0.1))]
    return [layers.Flatten(), *blocks]


def two_layer():
    return [layers.Flatten(), layers.Dense(100, "relu")]


def small_convnet():
    return [
        layers.Conv2D(32, 5), layers.MaxPooling2D(3), layers.ReLU(), layers.Conv2D(64, 5), layers.MaxPooling2D(2),
        layers.ReLU(), layers.Flatten(), layers.Dense(200, "relu"),
    ]  # fmt: skip


def transformer():
    """Patches as tokens, and one block of attention and dense layers, each behind a normalisation and with a shortcut."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Reshape((64, WIDTH))(layers.Permute((1, 3, 2, 4, 5))(layers.Reshape((8, 4, 8, 4, 3))(inputs)))
    y = layers.LayerNormalization(epsilon=1e-5)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(4, WIDTH // 4)(y, y)])
    y = layers.Dense(128, "relu")(layers.LayerNormalization(epsilon=1e-5)(x))
    x = layers.Add()([x, layers.Dense(WIDTH)(y)])
    return [keras.Model(inputs, layers.Flatten()(x))]


NETWORKS = {
    "dense-dropout": dense_dropout, "two-layer": two_layer, "small-convnet": small_convnet, "transformer": transformer,
}  # fmt: skip


def measure(arm, replicate):
    data = replicate.dataset()
    keras.utils.set_random_seed(replicate.seeds.integer("weights"))
    model = keras.Sequential([keras.Input((32, 32, 3)), *NETWORKS[arm.name](), layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.get({"class_name": arm.optimizer, "config": {"learning_rate": arm.rate}}), loss)
    told = model.fit(data.x_train, data.y_train, batch_size=100, epochs=replicate.scale.epochs, verbose=0)
    classes = model.predict(data.x_test, batch_size=100, verbose=0).argmax(axis=1)
    return Measurement({"test_error": np.mean(classes != data.y_test)}, {"loss": told.history["loss"]})


RECIPE = Recipe(
    slug="accuracy-of-fit",
    version=1,
    question="What does Keras's fit reach at fixed seeds?",
    sources=Source("keras", "issues 19953 and 22561"),
    data=enlarged_digits,
    arms=(
        Arm("dense-dropout", "ten layers of 128 units with dropout", optimizer="adam", rate=0.001),
        Arm("two-layer", "3072-100-10", optimizer="sgd", rate=0.1),
        Arm("small-convnet", "two convolutions and two dense layers", optimizer="adam", rate=0.001),
        Arm("transformer", "one block of attention on 64 patches", optimizer="adam", rate=0.003),
    ),
    scales=(Scale("quick", epochs=10), Scale("full", epochs=30, seeds=12)),
    measure=measure,
    claims=(
        rule("each-learns")
        .says("Each of the networks tells most digits apart.")
        .must(maximum(*(metric(arm, "test_error") for arm in NETWORKS)) < 0.5),
    ),
    figures=Curves("Training loss", "loss"),
    margins={"test_error": 0.02},
    metrics=(Metric("loss", "mean loss of an epoch's batches", "nats", "epoch"),),
)
