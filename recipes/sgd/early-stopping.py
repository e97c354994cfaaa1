"""Stop early, always: it saves epochs, costs no test error, and overfits less.

Source: Harakeh, lecture 7, slide "Default Baseline Models"; "Introduction to deep learning",
        slides "Over and Under Fitting" and "Regularization Techniques"
Data:   cifar10, standardised
Cost:   quick 23 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run early-stopping --scale full

The documents give no experiment. The first half of the test images is for validation, the second is
the test. Training stops when the validation loss has no new minimum for 5 epochs; the network of
the minimum is kept, and compared with that at the end of a budget. The rates, Adam's, are such that
the minimum is not among the first epochs. early-stopping-patience asks how patient to be,
early-stopping-off when to do without.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Patience, Recipe, Scale, Source
from keras_reprise import at, count, curve, detail, last, mean, metric, rule, train, weight_norms
from keras_reprise.models import dense_classifier, small_convnet


def measure(arm, replicate):
    seeds, epochs = replicate.seeds, replicate.scale.epochs
    data = replicate.dataset().standardised()
    model, half = small_convnet(seeds, data.image_shape, data.classes), len(data.y_test) // 2
    if arm.name != "convnet":
        data = data.flattened()
        model = dense_classifier(seeds, data.image_shape[0], [200], data.classes, penalty=0.5)
    history = train(
        model,
        data,
        replicate,
        optimizer=keras.optimizers.Adam(arm.rate),
        batch_size=50,
        epochs=epochs,
        penalty=arm.penalty,
        probes=[weight_norms()],
    )
    norms = [values for name, values in history.curves.items() if name.startswith("norm/")]
    losses, patience = history.test_losses[1:, :half].mean(axis=1), Patience(5, growth=1.0)
    metrics = {
        "kept": patience.candidates(losses)[-1],
        "stop": patience.stopped_at(losses) or epochs,
        "kept_by_error": patience.candidates(history.test_wrong[1:, :half].mean(axis=1))[-1],
    }
    curves = {
        "train_loss": history.curves["train_loss"],
        "validation_loss": losses,
        "test_loss": history.test_losses[1:, half:].mean(axis=1),
        "error": 100 * history.test_wrong[1:, half:].mean(axis=1),
        "norm": np.sqrt(np.square(norms).sum(axis=0)),
    }
    return Measurement(metrics, curves, diverged=history.diverged)


NETWORKS, FITTING = ("dense", "penalised", "convnet"), "Over and Under Fitting"
DEFAULTS, REGULARIZATION = "Default Baseline Models", "Regularization Techniques"


def gain(network, name, kept="kept"):
    """The value at the epoch whose network is kept minus the one at the end of the budget."""
    return at(curve(network, name), metric(network, kept)) - last(network, name)


USED = mean(*(metric(network, "stop") / count(network, "error") for network in NETWORKS))
ERROR, LOSS = (mean(*(gain(net, name) for net in NETWORKS)) for name in ("error", "test_loss"))
WATCHED = mean(*(gain(network, "error", "kept_by_error") for network in NETWORKS))
CLAIMS = (
    rule("saves-epochs")
    .says("Early stopping saves epochs of a budget.")
    .must(USED < 1.0, measures="Epochs until it stops over the budget, mean of three networks"),
    rule("costs-no-test-error")
    .says("And costs no test error: less than half a point.")
    .must(ERROR < 0.5, measures="Test error kept minus at the end, mean of three networks"),
    rule("reduces-overfitting", FITTING)
    .says("The network that is kept has a lower test loss than that at the end.")
    .must(LOSS < 0, measures="Test loss kept minus at the end, mean of three networks"),
    detail("weights-stay-smaller", REGULARIZATION, kind="positive")
    .says("No term in the loss asks for it, but its weights are smaller than those at the end.")
    .must(at(curve("dense", "norm"), metric("dense", "kept")) / last("dense", "norm") < 1.0),
    detail("penalty-keeps-weights-smaller", REGULARIZATION, kind="positive")
    .says("With the penalty the weights end smaller than without.")
    .must(last("penalised", "norm") / last("dense", "norm") < 1.0),
    detail("costs-none-if-error-is-watched")
    .says("It costs less than half a point where it watches the validation error instead.")
    .must(WATCHED < 0.5, measures="Test error kept minus at the end, mean of three networks"),
    *(
        detail(f"costs-no-test-error-{network}")
        .says(f"Early stopping costs no test error of {network}.")
        .must(gain(network, "error") < 0.5)
        for network in NETWORKS
    ),
)

LOSSES = Panel(("train_loss", "validation_loss", "test_loss"), "loss (nats)")

RECIPE = Recipe(
    slug="early-stopping",
    version=2,
    question="Does early stopping save epochs, cost no test error and reduce overfitting?",
    sources=(
        Source("training-practice-slides", DEFAULTS),
        Source("dl-recap-slides", FITTING),
        Source("dl-recap-slides", REGULARIZATION),
    ),
    data="cifar10",
    arms=(
        Arm("dense", "3072-200-10", penalty=0.0, rate=1e-4),
        Arm("penalised", "the same with a penalty of its weights", penalty=1e-3, rate=1e-4),
        Arm("convnet", "the small convnet of cifar10-lr-drop", penalty=0.0, rate=1e-3),
    ),
    scales=(
        Scale("quick", n_train=1_500, n_test=2_000, epochs=30),
        Scale("full", n_train=20_000, epochs=60),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Loss and error through the epochs",
        (LOSSES, "error"),
        columns="arms",
        mark="kept",
        mark_label="the epoch whose network early stopping keeps",
    ),
    metrics=(
        Metric("error", "test error", "percent", "epoch"),
        Metric("stop", "epochs until it stops"),
        Metric("kept", "epoch whose network is kept"),
        Metric("kept_by_error", "epoch whose network is kept by validation error"),
        Metric("norm", "norm of the weights", per="epoch"),
    ),
)
