"""Transfer between the classes of one data set: a network is trained on some of them and then used for new ones.

The new classes of CIFAR-10 are dog, frog and horse. The similar ones to learn from are bird, cat and deer, animals as
well; the different ones are airplane, automobile and ship. Everything is chosen by the first half of the new classes'
test images and judged by the second.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset
from keras_reprise.engine import Order, evaluate, snapshot, train
from keras_reprise.measure.replicate import Replicate
from keras_reprise.rates import rate_search

NEW = (5, 6, 7)
SIMILAR = (2, 3, 4)
DIFFERENT = (0, 1, 8)
HIDDEN = 4
STRENGTHS = (1e-4, 1e-2, 1.0)


def of_classes(data: Dataset, classes: Sequence[int], kept: np.ndarray | None = None) -> Dataset:
    """The images of these classes, numbered from 0 on in this order; of the training images those `kept` (indices)."""
    number = np.full(data.classes, -1, np.int32)
    number[list(classes)] = np.arange(len(classes))
    train_of, test_of = (np.flatnonzero(number[y] >= 0) for y in (data.y_train, data.y_test))
    train_of = train_of if kept is None else train_of[kept]
    return replace(
        data, stored_train=data.stored_train[train_of], y_train=number[data.y_train[train_of]],
        stored_test=data.stored_test[test_of], y_test=number[data.y_test[test_of]], classes=len(classes),
    )  # fmt: skip


def few_of(data: Dataset, classes: Sequence[int], share: float, draw: np.random.Generator) -> Dataset:
    """Of these classes a share of the training images, as many of each class, three at least."""
    labels = of_classes(data, classes).y_train
    each = max(3, round(share * len(labels) / len(classes)))
    kept = [draw.permutation(np.flatnonzero(labels == label))[:each] for label in range(len(classes))]
    return of_classes(data, classes, np.concatenate(kept))


def convnet(
    seeds: Seeds, image_shape: tuple[int, ...], classes: int, fixed: int = 0, share: float = 1.0
) -> keras.Model:
    """Three convolutions 3x3 of 16, 32 and 64 filters, each with a max-pool of 2, 64 dense units, and logits.

    Every hidden layer ("hidden1" to "hidden4") has a ReLU. He's normal weights; same padding. The first `fixed` hidden
    layers are not trained; with plain or momentum SGD the hidden layers' rate is `share` of that of the logits, as
    their gradient is multiplied by it.
    """
    layers = keras.layers

    def kernel(name: str) -> keras.initializers.Initializer:
        return keras.initializers.HeNormal(seeds.weights(name))

    x = inputs = keras.Input(image_shape)
    for number, filters in enumerate((16, 32, 64), start=1):
        name, trained = f"hidden{number}", number > fixed
        x = layers.Conv2D(
            filters, 3, padding="same", activation="relu", kernel_initializer=kernel(name), name=name, trainable=trained
        )(x)
        x = layers.MaxPooling2D(2, name=f"features{number}")(x)
    x = layers.Dense(
        64, "relu", kernel_initializer=kernel("hidden4"), name="hidden4", trainable=fixed < HIDDEN
    )(layers.Flatten()(x))  # fmt: skip
    x = layers.Activation("linear", name="features4")(x)
    if share < 1:
        x = share * x + keras.ops.stop_gradient((1 - share) * x)
    return keras.Model(inputs, layers.Dense(classes, kernel_initializer=kernel("logits"), name="logits")(x))


def pretrained(replicate: Replicate, data: Dataset, epochs: int) -> keras.Model:
    """The convnet after so many epochs on `data`: Adam at 0.001, batches of 50."""
    model = convnet(replicate.seeds, data.image_shape, data.classes)
    train(model, data, replicate, optimizer=keras.optimizers.Adam(1e-3), batch_size=50, epochs=epochs)
    return model


def features(model: keras.Model, x: np.ndarray, hidden: int) -> np.ndarray:
    """What the model makes of the images `x` (n, ...) at a hidden layer, after its pooling; 0: the images; (n, m)."""
    if not hidden:
        return x.reshape(len(x), -1)
    below = keras.Model(model.input, model.get_layer(f"features{hidden}").output)
    parts = (keras.ops.convert_to_numpy(below(x[start : start + 500])) for start in range(0, len(x), 500))
    return np.concatenate([part.reshape(len(part), -1) for part in parts])


def linear_errors(model: keras.Model, data: Dataset, hidden: int) -> dict[str, float]:
    """Errors (percent) of logistic regression on a hidden layer's standardised features; 0: on pixels.

    It has the best of three penalties. `choice` is the error by which it was chosen, `error` that which judges,
    `train_error` that on the training images.
    """
    from sklearn.linear_model import LogisticRegression

    x, x_test = features(model, data.x_train, hidden), features(model, data.x_test, hidden)
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-6
    x, x_test, half = (x - mean) / deviation, (x_test - mean) / deviation, len(x_test) // 2
    found = []
    for strength in STRENGTHS:
        classifier = LogisticRegression(C=strength, max_iter=500).fit(x, data.y_train)
        wrong, fitted = classifier.predict(x_test) != data.y_test, classifier.predict(x) != data.y_train
        rows = {"choice": wrong[:half].mean(), "error": wrong[half:].mean(), "train_error": fitted.mean()}
        found.append({name: 100 * float(value) for name, value in rows.items()})
    return min(found, key=lambda one: one["choice"])


def trained_errors(
    replicate: Replicate, data: Dataset, source: keras.Model | None, *, rates: Sequence[float], epochs: int,
    passes: int = 1, fixed: int = 0, share: float = 1.0,
) -> dict[str, Any]:  # fmt: skip
    """The same of the convnet trained on `data`, from the source's hidden layers or (None) random weights.

    It has the best of `rates`; SGD with momentum 0.9, batches of 20 (all, where there are fewer), epochs of so many
    passes. Also the losses on both kinds of images in the end, how far the hidden weights went (over their size), the
    rate, and `errors` by epoch.
    """
    model = convnet(replicate.seeds, data.image_shape, data.classes, fixed, share)
    for number in range(1, HIDDEN + 1) if source is not None else ():
        model.get_layer(f"hidden{number}").set_weights(
            source.get_layer(f"hidden{number}").get_weights()  # type: ignore[union-attr]
        )
    before = _hidden_weights(model)
    optimizer, half = keras.optimizers.SGD(momentum=0.9), len(data.y_test) // 2
    restart, found = snapshot(model, optimizer), []
    for rate in rates:
        restart()
        history = train(
            model, data, replicate, optimizer=optimizer, learning_rate=rate, batch_size=min(20, len(data.y_train)),
            epochs=epochs, order=Order(passes=passes), diverged_factor=None,
        )  # fmt: skip
        wrong = 100 * history.test_wrong
        losses, fitted = evaluate(model, data.x_train, data.y_train)
        moved = np.linalg.norm(_hidden_weights(model) - before) / np.linalg.norm(before)
        finite = np.isfinite(losses).all() and len(wrong) == epochs + 1
        found.append(
            {
                "choice": float(wrong[-1, :half].mean()) if finite else np.inf,
                "error": float(wrong[-1, half:].mean()),
                "train_error": 100 * float(fitted.mean()),
                "loss": float(history.test_losses[-1, half:].mean()),
                "train_loss": float(losses.mean()),
                "moved": float(moved),
                "rate": rate,
                "errors": wrong[1:, half:].mean(axis=1),
            }
        )
    return min(found, key=lambda one: one["choice"])


def searched_errors(
    replicate: Replicate, data: Dataset, source: keras.Model | None, *, rates: Sequence[float], **settings: Any
) -> dict[str, Any]:
    """The same at the rate that is best, searched for from `rates` on, so that none is cut off by their ends."""
    found: dict[float, dict[str, Any]] = {}

    def tried(rate: float) -> float:
        found[rate] = trained_errors(replicate, data, source, rates=(rate,), **settings)
        return float(found[rate]["choice"])

    choices = rate_search(rates, tried)
    return found[min(choices, key=lambda rate: choices[rate])]


def _hidden_weights(model: keras.Model) -> np.ndarray:
    weights = (weight for number in range(1, HIDDEN + 1) for weight in model.get_layer(f"hidden{number}").get_weights())
    return np.concatenate([weight.ravel() for weight in weights])
