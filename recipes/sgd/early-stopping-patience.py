"""Early stopping finds the number of epochs almost for free, with a patience that grows.

Source: "Training" (notes on hyper-parameters), section "Number of Training iterations"
Data:   cifar10, standardised, flattened
Cost:   quick 39 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21);
        full 85 s (one of two workers, Intel Xeon)
Replay: reprise run early-stopping-patience --scale full

The notes give no experiment, nor by how much patience grows: here by a tenth with each minimum, so
that 3 epochs are 7 after ten of them (by a half it would be 115). The first half of the test images
is for validation. Networks are trained to the end; what stopping would have kept is read off their
curves. At their rate the least validation loss is not in the first epochs.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Patience, Recipe, Scale, Source, curve
from keras_reprise import detail, first, last, mean, rule, train
from keras_reprise.models import dense_classifier

PATIENCE = (1, 2, 3, 5, 8)


def measure(arm, replicate):
    data, epochs = replicate.dataset().standardised().flattened(), replicate.scale.epochs
    half, sgd = len(data.y_test) // 2, keras.optimizers.SGD(0.002, momentum=0.9)
    model = dense_classifier(replicate.seeds, data.image_shape[0], [200], data.classes)
    history = train(model, data, replicate, optimizer=sgd, batch_size=50, epochs=epochs)
    losses, error = history.test_losses[1:], 100 * history.test_wrong[1:, half:].mean(axis=1)
    validation, test = losses[:, :half].mean(axis=1), losses[:, half:].mean(axis=1)
    rules = [Patience(patience, growth=arm.growth) for patience in PATIENCE]
    kept = np.array([rule.candidates(validation)[-1] for rule in rules])
    stop = np.array([rule.stopped_at(validation) or history.epochs for rule in rules])
    curves = {"patience": PATIENCE, "kept": kept, "waited": stop / kept - 1}
    curves |= {"loss": test[kept - 1], "loss_regret": test[kept - 1] - test.min()}
    curves |= {"error": error[kept - 1], "regret": error[kept - 1] - error.min()}
    return Measurement(curves=curves | {"validation": validation}, diverged=history.diverged)


FOUND = ("regret", "loss_regret", "waited")
CLAIMS = (
    rule("almost-free", expectation="MIXED")
    .says("To find the number of epochs costs less than one training more of so many.")
    .must(mean("growing", "waited") < 1.0),
    rule("finds-the-number")
    .says("The number it finds is nearly the best one: a point of test error above the least.")
    .must(mean("growing", "regret") < 1.0),
    rule("growing-patience-finds-better", expectation="MIXED")
    .says("With a patience that grows, the test loss is lower than with one that does not.")
    .must(mean(curve("growing", "loss")) < mean(curve("fixed", "loss"))),
    detail("finds-the-least-loss", kind="discrete")
    .says("By the loss, which it watches, it is nearly the best: 0.05 nats above the least.")
    .must(mean("growing", "loss_regret") < 0.05),
    detail("impatience-stops-too-soon", expectation="MIXED")
    .says("With a patience of one epoch the test loss is higher than with one of eight.")
    .must(first("fixed", "loss") > last("fixed", "loss")),
)

RECIPE = Recipe(
    slug="early-stopping-patience",
    version=1,
    question="Does early stopping find the number of epochs at almost no cost?",
    sources=Source("hyperparameters-notes", "Number of Training iterations"),
    data="cifar10",
    arms=(
        Arm("fixed", "the patience stays", growth=1.0),
        Arm("growing", "it grows by a tenth with each new minimum", growth=1.1),
    ),
    scales=(
        Scale("quick", n_train=3_000, n_test=4_000, epochs=40),
        Scale("full", n_train=20_000, epochs=60),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("What a patience finds, and what it costs", FOUND, x="patience"),
        Curves("Validation loss through the epochs", "validation"),
    ),
    metrics=(
        Metric("patience", "patience (epochs)"),
        Metric("waited", "epochs too many over epochs kept", per="patience"),
        Metric("loss", "test loss of the network that is kept", "nats", "patience"),
        Metric("regret", "test error above the least", "points", "patience"),
        Metric("loss_regret", "test loss above the least", "nats", "patience"),
        Metric("validation", "validation loss", "nats", "epoch"),
    ),
)
