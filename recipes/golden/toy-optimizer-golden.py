"""Past steps help the present one: momentum lowers the loss faster than plain gradient descent.

Source: "Training" (notes on hyper-parameters), section "Momentum"; Varastey Yazdi, "Introduction to
        Deep Learning, Lecture 03", slide "Optimizers"; the losses are of the 2015 course's notebook
Data:   none (five fixed points of four features)
Cost:   quick 3 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run toy-optimizer-golden --scale full

Nothing is random, so that a backend which updates differently is found out.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Recipe, Scale, Source
from keras_reprise import detail, metric, near, printed_value, rule, train
from keras_reprise.models import dense_classifier

PRINTED = {"sgd": [0.940686], "momentum": [0.494394], "rmsprop": [0.439368]}
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.1, rho=0.99, epsilon=1e-8),
}


def measure(arm, replicate):
    points = np.linspace(-0.2, 0.5, 20, dtype="float32").reshape(5, 4)
    labels = np.array([0, 1, 2, 2, 1], "int32")
    model = dense_classifier(replicate.seeds, 4, [10], classes=3, penalty=0.5)
    evenly_spaced = ((-0.2, 0.6), (-0.3, 0.7), (-0.4, 0.1), (-0.5, 0.9))
    for weights, ends in zip(model.weights, evenly_spaced, strict=True):
        weights.assign(np.linspace(*ends, np.prod(weights.shape)).reshape(weights.shape))
    penalty = float(sum(model.losses))
    data = Dataset.of("five points", points, labels, points, labels)
    updates = {"batch_size": 5, "epochs": 100, "order": Order("stored"), "penalty": 1e-3}
    history = train(model, data, replicate, optimizer=OPTIMIZERS[arm.name](), **updates)
    losses = history.update_losses
    initial = float(losses[0]) - 1e-3 * penalty + 0.1 * penalty
    return Measurement({"initial_loss": initial, "last_loss": losses[-1]}, {"loss": losses})


CLAIMS = (
    rule("momentum-helps", kind="exact")
    .says("Momentum lowers the loss faster than plain gradient descent at the same rate.")
    .must(metric("momentum", "last_loss") < metric("sgd", "last_loss")),
    printed_value("initial-loss", "2015 notebook", kind="exact", printed=1.38191946092)
    .says("The loss before training, at penalty 0.1, is the published one.")
    .must(metric("sgd", "initial_loss"), near(1.38191946092, absolute=1e-5)),
    *(
        printed_value(f"{arm}-loss", "2015 notebook", kind="exact", printed=loss)
        .says(f"After 99 updates {arm} has reached the published loss.")
        .must(metric(arm, "last_loss"), near(loss, absolute=1e-4))
        for arm, [loss] in PRINTED.items()
    ),
    detail("nesterov-loss", "Optimizers", kind="exact")
    .says("After 99 updates Nesterov's momentum has reached the loss of NumPy alone.")
    .must(metric("nesterov", "last_loss"), near(0.482860, absolute=1e-4)),
)

RECIPE = Recipe(
    slug="toy-optimizer-golden",
    version=1,
    question="Do the update rules of this backend give the published losses?",
    sources=(Source("hyperparameters-notes", "Momentum"), Source("dl-recap-slides", "Optimizers")),
    arms=(
        Arm("sgd", "plain gradient descent"),
        Arm("momentum", "momentum 0.9"),
        Arm("nesterov", "Nesterov's momentum 0.9"),
        Arm("rmsprop", "RMSprop with decay 0.99 and epsilon 1e-8"),
    ),
    scales=(Scale("quick", seeds=1), Scale("full", seeds=1)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Loss per update", "loss", printed={"loss": PRINTED}, printed_x=(100,)),
    suites=("gate",),
    metrics=(
        Metric("initial_loss", "loss before the first update with the penalty at 0.1", "nats"),
        Metric("last_loss", "loss before update 100", "nats"),
        Metric("loss", "loss", "nats", "update"),
    ),
)
