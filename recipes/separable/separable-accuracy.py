"""Fewer weights, less overfitting? A convnet with separable convolutions against the ordinary one, and one as large

Source: document 002 (002:97)
Data:   cifar10, standardised
Cost:   quick 25 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run separable-accuracy --scale full

The small convnet of cifar10-lr-drop, its second convolution (51,264 of 107,106 parameters) replaced; a third arm has as many
parameters in its convolutions as the ordinary network. The document gives no experiment; equal epochs at rate 0.1.
"""

import keras

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, evaluate, train


def network(arm, seeds, image_shape, classes):
    layers = keras.layers

    def glorot(name):
        return keras.initializers.GlorotUniform(seeds.weights(name))

    if arm.separable:
        second = layers.SeparableConv2D(arm.filters, 5, name="conv2", depthwise_initializer=glorot("conv2/depthwise"), pointwise_initializer=glorot("conv2/pointwise"))
    else:
        second = layers.Conv2D(arm.filters, 5, name="conv2", kernel_initializer=glorot("conv2"))
    body = [layers.Conv2D(32, 5, name="conv1", kernel_initializer=glorot("conv1")), layers.MaxPooling2D(3), layers.ReLU(), second, layers.MaxPooling2D(2), layers.ReLU(), layers.Flatten()]
    head = [layers.Dense(200, "relu", kernel_initializer=glorot("dense1")), layers.Dense(classes, kernel_initializer=glorot("logits"))]
    return keras.Sequential([keras.Input(image_shape), *body, *head])


def measure(arm, replicate):
    data = replicate.dataset().standardised()
    model = network(arm, replicate.seeds, data.image_shape, data.classes)
    history = train(model, data, replicate, optimizer=keras.optimizers.SGD(), learning_rate=0.1, batch_size=100, epochs=replicate.scale.epochs)
    _, wrong = evaluate(model, data.x_train[:10_000], data.y_train[:10_000])
    accuracy = {"training_accuracy": 100 * (1 - wrong.mean()), "test_accuracy": 100 * (1 - history.curves["test_error"][-1])}
    metrics = accuracy | {"gap": accuracy["training_accuracy"] - accuracy["test_accuracy"], "params": model.count_params(), "conv2_params": model.get_layer("conv2").count_params()}
    return Measurement(metrics, history.curves, diverged=history.diverged)


def difference(name, arm="separable"):
    return lambda arms, scale: arms[arm].metrics[name] - arms["conv"].metrics[name]


RECIPE = Recipe(
    slug="separable-accuracy",
    version=1,
    question="Do separable convolutions overfit less, and what accuracy do they cost?",
    sources=(Source("hyperparameters-notes", "002:97"),),
    data="cifar10",
    arms=(
        Arm("conv", "ordinary second convolution, 64 filters", separable=False, filters=64),
        Arm("separable", "separable second convolution, 64 filters", separable=True, filters=64),
        Arm("separable-wide", "separable second convolution, 125 filters: about as many parameters as the ordinary network", separable=True, filters=125),
    ),
    scales=(Scale("quick", n_train=10_000, n_test=2_000, epochs=10), Scale("full", epochs=30)),
    measure=measure,
    claims=(
        Claim("a-quarter-of-the-weights", "The separable layer has less than a quarter of the parameters.", "002:97", lambda arms, scale: arms["separable"].metrics["conv2_params"] / arms["conv"].metrics["conv2_params"], "ratio", above=0.0, below=0.25, exact=True, expectation="MATH", measures="Parameters of the separable over those of the ordinary second convolution"),
        Claim("little-accuracy-lost", "It costs at most three points of test accuracy.", "002:97", difference("test_accuracy"), "points", above=-3.0, measures="Test accuracy, separable minus ordinary"),
        Claim("less-overfitting", "It overfits less.", "002:97", difference("gap"), "points", below=0.0, expectation="MIXED", measures="Training minus test accuracy, separable minus ordinary"),
        Claim("less-overfitting-at-equal-size", "It overfits less also with as many parameters.", "002:97", difference("gap", "separable-wide"), "points", below=0.0, expectation="MIXED", measures="Training minus test accuracy, wide separable minus ordinary"),
    ),
    figures=(Curves("Training", panels=(Panel(("train_error", "test_error"), "error (fraction)"), Panel(("train_loss", "test_loss"), "loss (nats)"))),),
)  # fmt: skip
