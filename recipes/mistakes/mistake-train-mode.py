"""Predicting in training mode costs accuracy, and gives two answers for one image.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Common Mistakes"
Data:   cifar10, standardised
Cost:   quick 23 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 5 min (one of two workers, Intel Xeon)
Replay: reprise run mistake-train-mode --scale full

The slide names the mistake alone. Two strided convolutions, the rate and batches of 100 are ours;
dropout stands before the last layer, at the common one half. Both predictions are of the same
images in another order, so that they share their batches with others.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, at, curve
from keras_reprise import detail, equal, last, metric, rule, train

BATCHES = (1, 2, 5, 20, 100)


def network(arm, seeds, shape, classes):
    model = keras.Sequential([keras.Input(shape)])
    for name, filters in (("conv1", 16), ("conv2", 32)):
        kernel = keras.initializers.HeNormal(seeds.weights(name))
        layer = keras.layers.Conv2D(filters, 3, 2, "same", kernel_initializer=kernel)
        model.add(layer)
        if arm.batch_norm:
            model.add(keras.layers.BatchNormalization(momentum=0.9))
        model.add(keras.layers.ReLU())
    model.add(keras.layers.Flatten())
    if arm.dropout:
        model.add(keras.layers.Dropout(arm.dropout, seed=seeds.integer("dropout")))
    kernel = keras.initializers.GlorotUniform(seeds.weights("logits"))
    model.add(keras.layers.Dense(classes, kernel_initializer=kernel))
    return model


def answers(model, x, order, batch, training):
    """The class of every image of `x` (n,), asked for in this order, `batch` at a time."""
    weights, found = model.get_weights(), np.empty(len(x), int)
    for start in range(0, len(x), batch):
        part = order[start : start + batch]
        logits = model(x[part], training=training)
        found[part] = keras.ops.convert_to_numpy(logits).argmax(axis=1)
    model.set_weights(weights)  # batch normalisation has learned of the images
    return found


def measure(arm, replicate):
    data, draw = replicate.dataset().standardised(), replicate.seeds.generator("data")
    model = network(arm, replicate.seeds, data.image_shape, data.classes)
    sgd, epochs = keras.optimizers.SGD(0.05), replicate.scale.epochs
    train(model, data, replicate, optimizer=sgd, epochs=epochs)
    x, y, metrics = data.x_test, data.y_test, {}
    for mode in ("training", "evaluation"):
        one, other = (
            answers(model, x, draw.permutation(len(x)), 100, mode == "training") for _ in range(2)
        )
        metrics[f"{mode}_accuracy"] = 100 * ((one == y).mean() + (other == y).mean()) / 2
        metrics[f"{mode}_changed"] = 100 * (one != other).mean()
    few = replicate.scale.few
    curves = {"batch": BATCHES} | {
        f"{mode}_by_batch": [
            100 * (answers(model, x[:few], np.arange(few), batch, on) == y[:few]).mean()
            for batch in BATCHES
        ]
        for mode, on in (("training", True), ("evaluation", False))
    }
    return Measurement(metrics, curves)


def lost(arm):
    return metric(arm, "evaluation_accuracy") - metric(arm, "training_accuracy")


BY_BATCH = "batch-norm", "training_by_batch"
CLAIMS = (
    rule("costs-accuracy")
    .says("Predicting in training mode, dropout and batch statistics on, costs accuracy.")
    .must(lost("both") > 0),
    rule("two-answers")
    .says("Two predictions of one image in training mode differ.")
    .must(metric("both", "training_changed") > 0),
    *(
        detail(f"{arm}-costs-accuracy")
        .says(f"So it does where the network has {words} alone.")
        .must(lost(arm) > 0)
        for arm, words in (("dropout", "dropout"), ("batch-norm", "batch normalisation"))
    ),
    detail("evaluation-one-answer", kind="exact", expectation="MATH")
    .says("In evaluation mode an image has one answer, whatever images are beside it.")
    .must(metric("both", "evaluation_changed") < 0.1, equal(1)),
    detail("alone-is-worse")
    .says("Batch statistics of one image alone cost more accuracy than those of a hundred.")
    .must(last(*BY_BATCH) > at(curve(*BY_BATCH), 1)),
)

MODES = Panel(("training_by_batch", "evaluation_by_batch"), "test accuracy (percent)")

RECIPE = Recipe(
    slug="mistake-train-mode",
    version=1,
    question="What does it cost to predict with the network still in training mode?",
    sources=Source("dl-recap-slides", "Common Mistakes"),
    data="cifar10",
    arms=(
        Arm("dropout", "dropout before the last layer", dropout=0.5, batch_norm=False),
        Arm("batch-norm", "batch normalisation", dropout=0.0, batch_norm=True),
        Arm("both", "both", dropout=0.5, batch_norm=True),
    ),
    scales=(
        Scale("quick", n_train=5_000, n_test=2_000, epochs=5, few=200),
        Scale("full", epochs=10, few=2_000),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Images predicted together", MODES, x="batch", x_log=True, columns="arms"),
    metrics=(
        Metric("training_accuracy", "accuracy in training mode", "percent"),
        Metric("evaluation_accuracy", "accuracy in evaluation mode", "percent"),
        Metric("training_changed", "images with two answers in training mode", "percent"),
        Metric("evaluation_changed", "images with two answers in evaluation mode", "percent"),
        Metric("training_by_batch", "accuracy in training mode", "percent", "batch size"),
        Metric("evaluation_by_batch", "accuracy in evaluation mode", "percent", "batch size"),
        Metric("batch", "images predicted together"),
    ),
)
