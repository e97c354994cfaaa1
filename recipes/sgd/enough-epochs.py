"""While the training error is above 10 %, it falls with every doubling of the epochs.

Source: Harakeh, lecture 7, slide "High Training Error: Debugging"; "Introduction to deep learning",
        slide "Bias-Variance Trade-off"
Data:   cifar10, standardised
Cost:   quick 44 s per replicate (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run enough-epochs --scale full

The documents give no experiment. Each budget of epochs is a training of its own from the same
weights, whose rate falls to zero along a cosine. The error is that of all training images at its
end. A network with two hidden units shows when more epochs are not the remedy.
"""

import keras

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, curve
from keras_reprise import detail, evaluate, first, keep, last, maximum, rule, snapshot, train
from keras_reprise import window
from keras_reprise.models import dense_classifier, small_convnet
from keras_reprise.schedules import cosine

BUDGETS = (1, 2, 4, 8, 16, 32)


def measure(arm, replicate):
    data = replicate.dataset().standardised()
    if arm.name == "narrow":
        data = data.flattened()
        model = dense_classifier(replicate.seeds, data.image_shape[0], [2], data.classes)
    else:
        model = small_convnet(replicate.seeds, data.image_shape, data.classes)
    sgd = keras.optimizers.SGD(momentum=0.9)
    restart = snapshot(model, sgd)

    def trained(budget):
        restart()
        rate = cosine(0.02, budget)
        history = train(
            model, data, replicate, optimizer=sgd, learning_rate=rate, batch_size=50, epochs=budget
        )
        _, wrong = evaluate(model, data.x_train, data.y_train)
        test_error = 100 * history.last["test_error"]
        return {"train_error": 100 * wrong.mean(), "test_error": test_error}

    trials = replicate.sweep([{"budget": budget} for budget in BUDGETS], trained)
    return Measurement(curves=trials.curves("budget", "train_error", "test_error"))


ERROR = curve("convnet", "train_error")
BEFORE, AFTER = window(ERROR, before=5), window(ERROR, after=1)
CLAIMS = (
    rule("falls-with-every-doubling")
    .says("While the training error is above 10 %, it falls with every doubling of the epochs.")
    .must(maximum(keep(AFTER - BEFORE, BEFORE > 10.0)) < 0, measures="Worst change"),
    detail("more-epochs-lower-it")
    .says("After 32 epochs it is lower than after one.")
    .must(last("convnet", "train_error") < first("convnet", "train_error")),
    detail("low-in-the-end", "Bias-Variance Trade-off")
    .says("After 32 epochs it is below 10 %.")
    .must(last("convnet", "train_error") < 10.0),
    detail("epochs-do-not-widen-a-network", "Bias-Variance Trade-off")
    .says("With two hidden units the training error is above 10 % after 32 epochs, too.")
    .must(last("narrow", "train_error") > 10.0),
)

RECIPE = Recipe(
    slug="enough-epochs",
    version=1,
    question="Does a training error that is high fall when one trains longer?",
    sources=(
        Source("training-practice-slides", "High Training Error: Debugging"),
        Source("dl-recap-slides", "Bias-Variance Trade-off"),
    ),
    data="cifar10",
    arms=(
        Arm("convnet", "the small convnet of cifar10-lr-drop"),
        Arm("narrow", "a dense network with two hidden units"),
    ),
    scales=(Scale("quick", n_train=1_000, n_test=1_000), Scale("full", n_train=20_000)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Error by epochs of training",
        (Panel("train_error", level=10.0, level_label="high: above 10 %"), "test_error"),
        x="budget",
        x_log=True,
    ),
    metrics=(
        Metric("budget", "epochs of training"),
        Metric("train_error", "training error", "percent", "budget"),
        Metric("test_error", "test error", "percent", "budget"),
    ),
)
