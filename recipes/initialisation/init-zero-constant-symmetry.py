"""A network whose weights all start at zero, or all equal, cannot tell its hidden units apart.

Source: Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Weights Initialization";
        "Deep Network Components & Training", slide "Q: WHAT HAPPENS WHEN W=0 INIT IS USED?";
        "Training" (notes on hyper-parameters), section "Hyper parameters of model"
Data:   cifar10, standardised, flattened to 3,072 features
Cost:   full 40 s per replicate, quick 4 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run init-zero-constant-symmetry --scale full

One hidden layer. The documents give no set-up: 100 units, batches of 100 and rate 0.01 are ours.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Metric, Panel, Recipe, Scale, Source
from keras_reprise import above, between, equal, evaluate, gradients, metric, near, train

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


NOTES, RECAP = "Hyper parameters of model", "Weights Initialization"
SLIDE = "Q: WHAT HAPPENS WHEN W=0 INIT IS USED? NO LEARNING"
SAYS = {
    "hidden-stays-zero": "With all weights zero the hidden weights stay exactly zero.",
    "loss-stays-ln10": "Only the output biases learn, so the loss stays that of guessing.",
    "accuracy-is-chance": "The accuracy stays that of guessing.",
    "constant-units-stay-copies": "With all weights equal hidden units stay copies: a width of 1.",
    "zero-activations": "With all weights zero all hidden activations are zero at the start.",
    "zero-weight-gradients": "With all weights zero all weight gradients are zero.",
    "zero-loss": "With all weights zero the loss is zero.",
    "zero-all-gradients": "With all weights zero all gradients are zero, of output biases, too.",
    "zero-loss-is-ln10": "With all weights zero the loss is ln 10.",
    "sigmoid-learns": "With sigmoid units zero weights do learn: the accuracy is above guessing.",
    "sigmoid-units-stay-copies": "But the hidden units stay copies of one another.",
    "random-beats-constant": "Random weights are the best option, 15 points above constant ones.",
    "sigmoid-output-learns": "With sigmoid units zero weights do learn: the output weights move.",
}
MOVES = "any weight that moves at all fulfils it; see sigmoid-learns"
ERRATUM = (
    "The slide says that all activations, the loss and the gradients are zero. The loss is ln 10,"
    " the gradient of the output biases is not zero; hidden activations and weight gradients are."
)


def claim(id, value, must, where=RECAP, arm="", **more):
    """The claim that SAYS has under `id`; of an arm, whose name its id begins with."""
    return Claim(f"{arm}-{id}" if arm else id, SAYS[id], where, value=value, must=must, **more)


def percent(arm):
    """Test accuracy after the last epoch."""
    return 100 * (1 - metric(arm, "test_error"))


def zero_claims(arm):
    """What all-zero weights do to a ReLU or tanh network."""
    here, hidden = {"where": SLIDE, "arm": arm}, metric(arm, "hidden_largest")
    return (
        claim("hidden-stays-zero", hidden, equal(0), **here, **EXACT, role="rule"),
        claim("loss-stays-ln10", metric(arm, "test_loss"), near(LN10, absolute=0.01), **here),
        claim("accuracy-is-chance", percent(arm), between(9, 11), **here, **SHARE, kind="discrete"),
    )


EXACT, FALSE = {"kind": "exact"}, {"printed": 0.0, "erratum": ERRATUM}
SHARE = {"unit": "percent", "measures": "Test accuracy after the last epoch"}
WEIGHT_GRADIENTS = metric("zero-tanh", "initial_weight_gradient")
BIAS_GRADIENT = metric("zero-tanh", "initial_bias_gradient")
LOSS, SAME = metric("zero-tanh", "initial_loss"), between(0.0, 1e-6)
OUTPUT = metric("zero-sigmoid", "output_largest")
GAIN = 100 * (metric("constant", "test_error") - metric("random", "test_error"))
COPIES, SIGMOID_COPIES = (metric(arm, "hidden_difference") for arm in ("constant", "zero-sigmoid"))
CLAIMS = (
    *zero_claims("zero-relu"),
    *zero_claims("zero-tanh"),
    claim("constant-units-stay-copies", COPIES, SAME, **EXACT, role="rule"),
    claim("zero-activations", metric("zero-tanh", "initial_hidden_largest"), equal(0), **EXACT),
    claim("zero-weight-gradients", WEIGHT_GRADIENTS, equal(0), **EXACT),
    claim("zero-loss", LOSS, between(-0.01, 0.01), **EXACT, **FALSE),
    claim("zero-all-gradients", BIAS_GRADIENT, equal(0), **EXACT, **FALSE),
    claim("zero-loss-is-ln10", LOSS, near(LN10, absolute=1e-5), **EXACT),
    claim("sigmoid-learns", percent("zero-sigmoid"), above(12.0), SLIDE, **SHARE),
    claim("sigmoid-units-stay-copies", SIGMOID_COPIES, SAME, NOTES, **EXACT),
    claim("random-beats-constant", GAIN, above(15.0)),
)

LOSS_PANEL = Panel(("train_loss",), "training loss (nats)")
ERROR_PANEL = Panel(("test_error",), "test error (fraction)")
RANK = Panel(("hidden_rank",), "rank of the hidden weights", log=True)
DIFFERENCE = Panel(("hidden_difference",), "largest difference of two units")
RECIPE = Recipe(
    slug="init-zero-constant-symmetry",
    version=1,
    question="What does a network learn from weights that are all zero, or all equal?",
    sources=(
        Source("hyperparameters-notes", NOTES),
        Source("cs231n-slides", SLIDE),
        Source("dl-recap-slides", RECAP),
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
    figures=(
        Curves("Training", (LOSS_PANEL, ERROR_PANEL), columns="overlay"),
        Curves("Hidden units", (RANK, DIFFERENCE), columns="overlay"),
    ),
    suites=("quickstart", "gate"),
    metrics=(
        Metric("hidden_largest", "largest absolute hidden weight"),
        Metric("hidden_difference", "largest difference between two hidden units' weights"),
        Metric("output_largest", "largest absolute output weight"),
        Metric("initial_hidden_largest", "largest absolute hidden activation before training"),
        Metric("initial_weight_gradient", "largest absolute gradient of a weight before training"),
        Metric("initial_bias_gradient", "norm of the output biases' gradient before training"),
        Metric("initial_loss", "loss of 100 images before training", "nats"),
    ),
)
