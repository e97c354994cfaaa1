"""Break the symmetry: with all weights zero or all equal, hidden units stay copies of one another and little is learned

Source: documents 002, 003 and 004 (002:60, 003:210, 004:361-371)
Data:   cifar10, standardised, flattened to 3,072 features
Cost:   full 40 s per replicate, quick 4 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run init-zero-constant-symmetry --scale full

One hidden layer. The documents give no set-up: 100 units, batches of 100 and rate 0.01 are ours. "Copies" is measured as the
largest difference between any two hidden units' weights.
"""

import math

import keras
import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, evaluate, gradients, train

UNITS = 100
LN10 = math.log(10)
ERRATUM = (
    "X7: the document says that all activations, the loss and the gradients are zero. The loss is ln 10 and the gradient of the "
    "output biases is not zero; hidden activations and weight gradients are zero."
)


def network(arm, seeds, features, classes):
    def initialiser(layer):
        return keras.initializers.GlorotUniform(seeds.weights(layer)) if arm.weights is None else keras.initializers.Constant(arm.weights)

    return keras.Sequential(
        [
            keras.Input((features,)),
            keras.layers.Dense(UNITS, arm.activation, kernel_initializer=initialiser("hidden"), name="hidden"),
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
        "initial_weight_gradient": max(np.abs(start.weights[f"{layer}/kernel"]).max() for layer in ("hidden", "logits")),
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
    return Measurement(metrics=history.last | metrics, curves=history.curves, diverged=history.diverged)


def last(arm, name):
    return lambda arms, scale: arms[arm].metrics[name]


def accuracy_gain(arms, scale):
    """Test accuracy of `random` minus that of `constant` after the last epoch."""
    return 100 * (arms["constant"].metrics["test_error"] - arms["random"].metrics["test_error"])


def zero_claims(arm):
    """What all-zero weights do to a ReLU or tanh network."""
    return (
        Claim(f"{arm}-hidden-stays-zero", "With all weights zero the hidden weights stay exactly zero: no learning.", "003:210, 004:361", last(arm, "hidden_largest"), above=0.0, below=0.0, exact=True, measures="Largest absolute hidden weight after the last epoch", expectation="MATH"),
        Claim(f"{arm}-loss-stays-ln10", "Only the output biases learn, so the loss stays that of guessing.", "003:210", last(arm, "test_loss"), "nats", above=LN10 - 0.01, below=LN10 + 0.01, measures="Test loss after the last epoch", expectation="MATH"),
        Claim(f"{arm}-accuracy-is-chance", "The accuracy stays that of guessing.", "003:210", lambda arms, scale: 100 * (1 - arms[arm].metrics["test_error"]), "percent", above=9.0, below=11.0, measures="Test accuracy after the last epoch", expectation="MATH"),
    )  # fmt: skip


CLAIMS = (
    *zero_claims("zero-relu"),
    *zero_claims("zero-tanh"),
    Claim("zero-activations", "With all weights zero all hidden activations are zero at the start.", "004:363", last("zero-tanh", "initial_hidden_largest"), above=0.0, below=0.0, exact=True, measures="Largest absolute hidden activation before training", expectation="MATH"),
    Claim("zero-weight-gradients", "With all weights zero all weight gradients are zero.", "004:363", last("zero-tanh", "initial_weight_gradient"), above=0.0, below=0.0, exact=True, measures="Largest absolute gradient of a weight before training", expectation="MATH"),
    Claim("zero-loss", "With all weights zero the loss is zero.", "004:363", last("zero-tanh", "initial_loss"), "nats", above=-0.01, below=0.01, exact=True, measures="Loss of 100 images before training", expectation="FALSE-AS-STATED", printed=0.0, erratum=ERRATUM),
    Claim("zero-all-gradients", "With all weights zero all gradients are zero.", "004:363", last("zero-tanh", "initial_bias_gradient"), above=0.0, below=0.0, exact=True, measures="Norm of the output biases' gradient before training", expectation="FALSE-AS-STATED", printed=0.0, erratum=ERRATUM),
    Claim("zero-loss-is-ln10", "With all weights zero the loss is ln 10.", "erratum X7", last("zero-tanh", "initial_loss"), "nats", above=LN10 - 1e-5, below=LN10 + 1e-5, exact=True, measures="Loss of 100 images before training", expectation="MATH"),
    Claim("sigmoid-output-learns", "With sigmoid units zero weights do learn: the output weights move.", "003:210", last("zero-sigmoid", "output_largest"), above=0.0, measures="Largest absolute output weight after the last epoch", expectation="MATH"),
    Claim("sigmoid-units-stay-copies", "But the hidden units stay copies of one another.", "002:60, 003:210", last("zero-sigmoid", "hidden_difference"), above=0.0, below=1e-6, exact=True, measures="Largest difference between two hidden units' weights", expectation="MATH"),
    Claim("constant-units-stay-copies", "With all weights equal the hidden units stay copies: the network has an effective width of one.", "004:366", last("constant", "hidden_difference"), above=0.0, below=1e-6, exact=True, measures="Largest difference between two hidden units' weights", expectation="MATH"),
    Claim("random-beats-constant", "Random weights are the best option.", "004:370", accuracy_gain, "points", above=15.0),
)  # fmt: skip

RECIPE = Recipe(
    slug="init-zero-constant-symmetry",
    version=1,
    question="What does a network learn from weights that are all zero, or all equal?",
    sources=(Source("hyperparameters-notes", "002:60"), Source("cs231n-slides", "003:210"), Source("dl-recap-slides", "004:361-371")),
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
        Curves("Training", panels=(Panel(("train_loss",), "training loss (nats)"), Panel(("test_error",), "test error (fraction)")), columns="overlay"),
        Curves("Hidden units", panels=(Panel(("hidden_rank",), "rank of the hidden weights", log=True), Panel(("hidden_difference",), "largest difference of two units")), columns="overlay"),
    ),  # fmt: skip
    suites=("quickstart", "gate"),
)
