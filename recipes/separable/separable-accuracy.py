"""Separable convolutions overfit less than ordinary ones at equal training error

Source: "Training" (notes on hyper-parameters), section "Separable 3D Convolutioon"
Data:   cifar10, standardised
Cost:   quick 25 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run separable-accuracy --scale full

The notes give no experiment. In the small convnet of cifar10-lr-drop the second convolution (51,264
of 107,106 parameters) is replaced; one that has only learned less does not overfit less.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, at
from keras_reprise import between, curve, detail, evaluate, last, maximum, metric, nearest, rule
from keras_reprise import train


def network(arm, seeds, image_shape, classes):
    layers = keras.layers

    def glorot(name):
        return keras.initializers.GlorotUniform(seeds.weights(name))

    if arm.separable:
        second = layers.SeparableConv2D(
            arm.filters,
            5,
            name="conv2",
            depthwise_initializer=glorot("conv2/depthwise"),
            pointwise_initializer=glorot("conv2/pointwise"),
        )
    else:
        second = layers.Conv2D(arm.filters, 5, name="conv2", kernel_initializer=glorot("conv2"))
    body = [
        layers.Conv2D(32, 5, name="conv1", kernel_initializer=glorot("conv1")),
        layers.MaxPooling2D(3),
        layers.ReLU(),
        second,
        layers.MaxPooling2D(2),
        layers.ReLU(),
        layers.Flatten(),
    ]
    head = [
        layers.Dense(200, "relu", kernel_initializer=glorot("dense1")),
        layers.Dense(classes, kernel_initializer=glorot("logits")),
    ]
    return keras.Sequential([keras.Input(image_shape), *body, *head])


def measure(arm, replicate):
    data = replicate.dataset().standardised()
    model = network(arm, replicate.seeds, data.image_shape, data.classes)
    history = train(
        model,
        data,
        replicate,
        optimizer=keras.optimizers.SGD(),
        learning_rate=0.1,
        batch_size=100,
        epochs=replicate.scale.epochs,
    )
    _, wrong = evaluate(model, data.x_train[:10_000], data.y_train[:10_000])
    accuracy = {
        "training_accuracy": 100 * (1 - wrong.mean()),
        "test_accuracy": 100 * (1 - history.curves["test_error"][-1]),
    }
    metrics = accuracy | {
        "gap": accuracy["training_accuracy"] - accuracy["test_accuracy"],
        "params": model.count_params(),
        "conv2_params": model.get_layer("conv2").count_params(),
    }
    return Measurement(metrics, history.curves, diverged=history.diverged)


def gap(arm, error):
    """Test minus training error of an arm at the epoch whose training error is nearest `error`."""
    then = nearest(curve(arm, "train_error"), error)
    return at(curve(arm, "test_error"), then) - at(curve(arm, "train_error"), then)


def overfitting(arm):
    """The gap minus that of the ordinary network, where the slower of the two ends, in points."""
    slower = maximum(last(arm, "train_error"), last("conv", "train_error"))
    return 100 * (gap(arm, slower) - gap("conv", slower))


AT_EQUAL = "Test minus training error at equal training error, `{}` minus `conv`"
CLAIMS = (
    rule("less-overfitting-at-equal-fit", expectation="MIXED")
    .says("The separable network overfits less than the ordinary one.")
    .must(overfitting("separable") < 0, measures=AT_EQUAL.format("separable")),
    detail("wide-less-overfitting-at-equal-fit", expectation="MIXED")
    .says("So does one with about as many parameters (2 % more): these are the notes' reason.")
    .must(overfitting("separable-wide") < 0, measures=AT_EQUAL.format("separable-wide")),
    detail("a-quarter-of-the-weights", kind="exact", expectation="MATH")
    .says("The separable layer has less than a quarter of the parameters.")
    .must(metric("separable", "conv2_params") / metric("conv", "conv2_params"), between(0.0, 0.25)),
    detail("little-accuracy-lost")
    .says("It costs at most three points of test accuracy.")
    .must(metric("separable", "test_accuracy") - metric("conv", "test_accuracy") > -3.0),
)
ERROR, LOSS = Panel(("train_error", "test_error")), Panel(("train_loss", "test_loss"))

RECIPE = Recipe(
    slug="separable-accuracy",
    version=1,
    question="Do separable convolutions overfit less, and what accuracy do they cost?",
    sources=Source("hyperparameters-notes", "Separable 3D Convolutioon"),
    data="cifar10",
    arms=(
        Arm("conv", "ordinary, 64 filters", separable=False, filters=64),
        Arm("separable", "separable, 64 filters", separable=True, filters=64),
        Arm("separable-wide", "as many parameters as `conv`", separable=True, filters=125),
    ),
    scales=(Scale("quick", n_train=10_000, n_test=2_000, epochs=10), Scale("full", epochs=30)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training", (ERROR, LOSS), columns="arms"),
    metrics=(
        Metric("conv2_params", "parameters of the second convolution", "parameters"),
        Metric("test_accuracy", "test accuracy", "percent"),
    ),
)
