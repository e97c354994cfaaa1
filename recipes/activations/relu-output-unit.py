"""A rectifier does not suit output units: where it is off, no gradient corrects the error.

Source: "Training" (notes on hyper-parameters), section "Hyper parameters of model"
Data:   the 1,797 digits of scikit-learn, 1,000 of them to train
Cost:   quick 55 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run relu-output-unit --scale full

The notes give no experiment. A network of 100 hidden ReLU units classifies the digits, or gives
their 64 pixels (0 to 1) through a layer of 16, for output or reconstruction units; no target is
negative, so that a rectifier could meet each. Trained with Adam, batches of 50, at the best of five
rates by the training loss of one draw of the weights, and judged from others. That a rectifier that
is off has no gradient is in matched-losses.
"""

from functools import partial

import keras
import numpy as np
from sklearn.datasets import load_digits

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import detail, metric, rule
from keras_reprise.rates import Restartable, tuned
from keras_reprise.search import log_grid

RATES = log_grid(3e-4, 3e-2, 5)
LOSSES = {
    "classes": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "pixels": keras.losses.MeanSquaredError,
}


def network(seeds, widths, output):
    model = keras.Sequential([keras.Input((64,))])
    for number, units in enumerate(widths, start=1):
        last = number == len(widths)
        kernel = keras.initializers.VarianceScaling(
            1.0 if last else 2.0, "fan_in", "untruncated_normal", seeds.weights(f"layer{number}")
        )
        activation = output if last else "relu"
        model.add(keras.layers.Dense(units, activation, kernel_initializer=kernel))
    return model


def training_loss(history):
    return history.last["train_loss"]


def measure(arm, replicate):
    images, digits = load_digits(return_X_y=True)
    order = replicate.seeds.generator("data").permutation(len(images))
    x = (images[order] / 16).astype("float32")
    y = digits[order].astype("int32") if arm.task == "classes" else x
    train, test = (x[:1000], y[:1000]), (x[1000:], y[1000:])
    widths = (100, 10) if arm.task == "classes" else (100, 16, 64)
    build = partial(network, widths=widths, output=arm.output)
    adam, draws = keras.optimizers.Adam(), 1 + replicate.scale.draws
    loss = keras.losses.BinaryCrossentropy() if arm.output == "sigmoid" else LOSSES[arm.task]()
    data = Dataset.of(f"digits and their {arm.task}", *train, *test)
    trained = Restartable(build, data, replicate, adam, draws)

    def outputs(inputs):
        return keras.ops.convert_to_numpy(trained.model(inputs, training=False))

    def judge(history):
        given, held_out = outputs(train[0]), outputs(test[0])
        wanted = np.eye(10)[train[1]] if arm.task == "classes" else train[1]
        off = (given == 0) & (wanted > 0)
        found = {"dead": 100 * ((given == 0).all(axis=0) & (wanted > 0).any(axis=0)).mean()}
        if arm.task == "classes":
            return found | {"error": 100 * (held_out.argmax(axis=1) != test[1]).mean()}
        squares = (given - wanted) ** 2
        found["stuck"] = 100 * squares[off].sum() / squares.sum()
        return found | {"error": 100 * ((held_out - test[1]) ** 2).mean() ** 0.5}

    trials, best = tuned(
        trained, RATES, replicate.scale.epochs, judge, training_loss, loss=loss, batch_size=50
    )
    return Measurement(best, trials.curves("rate", "criterion"), trials=trials)


OUTPUTS = {"linear": "no nonlinearity", "relu": "ReLU", "sigmoid": "sigmoid and cross-entropy"}
CLAIMS = (
    rule("classifies-worse")
    .says("With rectified outputs a network misclassifies more test digits than without.")
    .must(metric("classes-relu", "error") > metric("classes-linear", "error")),
    rule("reconstructs-worse")
    .says("With rectified outputs its pixels are further from those of the test digits.")
    .must(metric("pixels-relu", "error") > metric("pixels-linear", "error")),
    detail("likelihood-does-better")
    .says("An output and a loss of one likelihood, sigmoid and cross-entropy, do better.")
    .must(metric("pixels-sigmoid", "error") < metric("pixels-relu", "error")),
    detail("some-pixels-are-dead", kind="discrete")
    .says("Some pixels are off for all training digits, though not all digits have them black.")
    .must(metric("pixels-relu", "dead") > 0),
    detail("some-classes-are-dead", kind="discrete")
    .says("Some class's output is off for all training digits.")
    .must(metric("classes-relu", "dead") > 0),
    detail("most-error-has-no-gradient")
    .says("Most of the squared error that is left is of pixels that are off and get no gradient.")
    .must(metric("pixels-relu", "stuck") > 50),
)

RECIPE = Recipe(
    slug="relu-output-unit",
    version=1,
    question="What does a rectifier at the output cost?",
    sources=Source("hyperparameters-notes", "Hyper parameters of model"),
    arms=tuple(
        Arm(f"{task}-{output}", f"{task}, {OUTPUTS[output]}", task=task, output=output)
        for task, output in (
            ("classes", "linear"),
            ("classes", "relu"),
            ("pixels", "linear"),
            ("pixels", "relu"),
            ("pixels", "sigmoid"),
        )
    ),
    scales=(Scale("quick", epochs=40, draws=3), Scale("full", epochs=200, draws=10)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Training loss by rate", Panel("criterion", log=True), x="rate", x_log=True),
    metrics=(
        Metric("error", "test error (of pixels: the root of their mean square)", "percent"),
        Metric("dead", "outputs that are off for all training digits", "percent"),
        Metric("stuck", "part of the squared training error of pixels that are off", "percent"),
        Metric("criterion", "training loss", "", "rate"),
    ),
)
