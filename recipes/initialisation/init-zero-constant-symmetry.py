"""A network whose weights all start at zero, or all equal, cannot tell its hidden units apart.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Weights Initialization";
        "Deep Network Components & Training", slide "Q: WHAT HAPPENS WHEN W=0 INIT IS USED?";
        "Training" (notes on hyper-parameters), section "Hyper parameters of model"
Data:   cifar10, standardised, flattened to 3,072 features
Cost:   full 40 s per replicate, quick 4 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run init-zero-constant-symmetry --scale full

The documents give no set-up: one hidden layer of 100 units, batches of 100, rate 0.01 are ours.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, below_each
from keras_reprise import between, curve, detail, equal, evaluate, gradients, metric, minimum, near
from keras_reprise import rule, train

UNITS = 100
LN10 = math.log(10)


def network(arm, seeds, features, classes):
    def initialiser(layer):
        return (
            keras.initializers.GlorotUniform(seeds.weights(layer))
            if arm.weights is None
            else keras.initializers.Constant(arm.weights)
        )

    return keras.Sequential(
        [
            keras.Input((features,)),
            keras.layers.Dense(
                UNITS, arm.activation, kernel_initializer=initialiser("hidden"), name="hidden"
            ),
            keras.layers.Dense(classes, kernel_initializer=initialiser("logits"), name="logits"),
        ]
    )


def weights(model):
    """How far the hidden units are from being copies of one another, and from zero."""
    hidden, output = (keras.ops.convert_to_numpy(layer.kernel) for layer in model.layers)
    return {
        "hidden_difference": np.ptp(hidden, axis=1).max(),
        "hidden_largest": np.abs(hidden).max(),
        "output_largest": np.abs(output).max(),
        "hidden_rank": np.linalg.matrix_rank(hidden, tol=1e-4 * max(1e-30, np.linalg.norm(hidden))),
    }


def measure(arm, replicate) -> Measurement:
    data = replicate.dataset().standardised().flattened()
    model = network(arm, replicate.seeds, data.image_shape[0], data.classes)
    x, y = data.x_train[:100], data.y_train[:100]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    start = gradients(model, [x], y, loss)
    metrics = {
        "initial_loss": evaluate(model, x, y)[0].mean(),
        "initial_hidden_largest": np.abs(keras.ops.convert_to_numpy(model.layers[0](x))).max(),
        "initial_bias_gradient": np.linalg.norm(start.weights["logits/bias"]),
        "initial_weight_gradient": max(
            np.abs(start.weights[f"{layer}/kernel"]).max() for layer in ("hidden", "logits")
        ),
    }
    history = train(
        model,
        data,
        replicate,
        optimizer=keras.optimizers.SGD(),
        learning_rate=0.01,
        batch_size=100,
        epochs=replicate.scale.epochs,
        probe=lambda: weights(model),
    )
    return Measurement(
        metrics=history.last | metrics, curves=history.curves, diverged=history.diverged
    )


NOTES = "Hyper parameters of model"
SLIDE = "Q: WHAT HAPPENS WHEN W=0 INIT IS USED? NO LEARNING"
ERRATUM = (
    "The loss is ln 10 and output biases have gradients; activations and weight gradients are 0."
)
HALF = "The sigmoid of 0 is 0.5; activations of tanh and ReLU units are 0."
ACCURACY = {"unit": "percent", "measures": "Test accuracy after the last epoch"}
DEAD = {"zero-relu": "ReLU", "zero-tanh": "tanh"}
CLAIMS = (
    *(
        rule(f"{arm}-hidden-stays-zero", SLIDE, kind="exact")
        .says(f"With all weights zero a {unit} network's hidden weights stay exactly zero.")
        .must(metric(arm, "hidden_largest"), equal(0))
        for arm, unit in DEAD.items()
    ),
    rule("constant-units-stay-copies", kind="exact")
    .says("With all weights equal hidden units stay copies: a width of 1.")
    .must(metric("constant", "hidden_difference"), between(0.0, 1e-6)),
    *(
        detail(f"{arm}-loss-stays-ln10", SLIDE)
        .says("Only the output biases learn, so the loss stays that of guessing.")
        .must(metric(arm, "test_loss"), near(LN10, absolute=0.01))
        for arm in DEAD
    ),
    *(
        detail(f"{arm}-accuracy-is-chance", SLIDE, kind="discrete")
        .says("The accuracy stays that of guessing.")
        .must(100 * (1 - metric(arm, "test_error")), between(9, 11), **ACCURACY)
        for arm in DEAD
    ),
    detail("zero-activations", kind="exact")
    .says("With all weights zero all hidden activations are zero at the start.")
    .must(metric("zero-tanh", "initial_hidden_largest"), equal(0)),
    detail("zero-sigmoid-activations", kind="exact", printed=0.0, erratum=HALF)
    .says("With all weights zero sigmoid units' activations are zero at the start, too.")
    .must(metric("zero-sigmoid", "initial_hidden_largest"), equal(0)),
    detail("zero-weight-gradients", kind="exact")
    .says("With all weights zero all weight gradients are zero.")
    .must(metric("zero-tanh", "initial_weight_gradient"), equal(0)),
    detail("zero-loss", kind="exact", printed=0.0, erratum=ERRATUM)
    .says("With all weights zero the loss is zero.")
    .must(metric("zero-tanh", "initial_loss"), between(-0.01, 0.01)),
    detail("zero-all-gradients", kind="exact", printed=0.0, erratum=ERRATUM)
    .says("With all weights zero all gradients are zero, of output biases, too.")
    .must(metric("zero-tanh", "initial_bias_gradient"), equal(0)),
    detail("zero-loss-is-ln10", kind="exact")
    .says("With all weights zero the loss is ln 10.")
    .must(metric("zero-tanh", "initial_loss"), near(LN10, absolute=1e-5)),
    detail("sigmoid-learns", SLIDE)
    .says("With sigmoid units zero weights do learn: the accuracy is above guessing.")
    .must(100 * (1 - metric("zero-sigmoid", "test_error")) > 12.0, **ACCURACY),
    detail("sigmoid-units-stay-copies", NOTES, kind="exact")
    .says("But the hidden units stay copies of one another.")
    .must(metric("zero-sigmoid", "hidden_difference"), between(0.0, 1e-6)),
    detail("random-beats-constant")
    .says("Random weights are the best option, 15 points above constant ones.")
    .must(100 * (metric("constant", "test_error") - metric("random", "test_error")) > 15.0),
    detail("random-is-best")
    .says("Random weights end with a lower test error than {other}.")
    .must(
        100 * metric("random", "test_error"),
        below_each(*(100 * metric(arm, "test_error") for arm in ("zero-tanh", "constant"))),
    ),
    detail("constant-trains-longer")
    .says(
        "Constant weights train longer: after no epoch is their loss as low as that of random ones."
    )
    .must(minimum(curve("constant", "train_loss") - curve("random", "train_loss")) > 0),
)

COPIES = (
    Panel(("hidden_rank",), "rank of the hidden weights", log=True),
    Panel(("hidden_difference",), "largest difference of two units"),
)
RECIPE = Recipe(
    slug="init-zero-constant-symmetry",
    version=1,
    question="What does a network learn from weights that are all zero, or all equal?",
    sources=(
        Source("dl-recap-slides", "Weights Initialization"),
        Source("cs231n-slides", SLIDE),
        Source("hyperparameters-notes", NOTES),
    ),
    data="cifar10",
    arms=(
        Arm("zero-relu", "all weights 0, ReLU", activation="relu", weights=0.0),
        Arm("zero-tanh", "all weights 0, tanh", activation="tanh", weights=0.0),
        Arm("zero-sigmoid", "all weights 0, sigmoid", activation="sigmoid", weights=0.0),
        Arm("constant", "all weights 0.01, tanh", activation="tanh", weights=0.01),
        Arm("random", "Glorot's uniform, tanh", activation="tanh", weights=None),
    ),
    scales=(Scale("quick", n_train=5_000, n_test=1_000, epochs=5), Scale("full", epochs=5)),
    measure=measure,
    claims=CLAIMS,
    figures=(Curves("Training", ("train_loss", "test_error")), Curves("Hidden units", COPIES)),
    suites=("quickstart", "gate"),
    metrics=(
        Metric("hidden_largest", "largest absolute hidden weight"),
        Metric("hidden_difference", "largest difference between two hidden units' weights"),
        Metric("initial_hidden_largest", "largest absolute hidden activation before training"),
        Metric("initial_weight_gradient", "largest absolute gradient of a weight before training"),
        Metric("initial_bias_gradient", "norm of the output biases' gradient before training"),
        Metric("initial_loss", "loss of 100 images before training", "nats"),
    ),
)
