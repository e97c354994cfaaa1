"""Past steps help the present one: momentum lowers the loss faster than plain gradient descent.

Source: "Training" (notes on hyper-parameters), section "Momentum"; Varastey Yazdi, "Introduction to
        Deep Learning, Lecture 03", slide "Optimizers"; the losses are of the 2015 course's notebook
Data:   none (five fixed points of four features)
Cost:   quick 3 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run toy-optimizer-golden --scale full

All numbers are fixed, so that a backend which updates differently is found out: evenly spaced
weights, 100 full-batch updates. Nesterov's loss is from an independent NumPy computation.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import below, detail, metric, near, printed_value, rule, train
from keras_reprise.datasets import Dataset

PRINTED = {"sgd": 0.940686, "momentum": 0.494394, "rmsprop": 0.439368}
INITIAL, INITIAL_REG, REG, UPDATES = 1.38191946092, 0.1, 1e-3, 100
NESTEROV = 0.482860

OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.1, rho=0.99, epsilon=1e-8),
}


def network():
    """Evenly spaced weights and biases."""
    penalty = keras.regularizers.L2(0.5)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(10, "relu", kernel_regularizer=penalty),
            keras.layers.Dense(3, kernel_regularizer=penalty),
        ]
    )
    ends = ((-0.2, 0.6), (-0.3, 0.7), (-0.4, 0.1), (-0.5, 0.9))
    model.set_weights(
        [
            np.linspace(*end, old.size).reshape(old.shape)
            for end, old in zip(ends, model.get_weights(), strict=True)
        ]
    )
    return model


def measure(arm, replicate):
    points, labels = (
        np.linspace(-0.2, 0.5, 20).reshape(5, 4).astype("float32"),
        np.array([0, 1, 2, 2, 1], "int32"),
    )
    data = Dataset("five points", points, labels, points, labels, classes=3, fingerprint="0" * 64)
    model = network()
    penalty = float(sum(model.losses))
    history = train(
        model,
        data,
        replicate,
        optimizer=OPTIMIZERS[arm.name](),
        batch_size=5,
        epochs=UPDATES,
        order=Order("stored"),
        penalty=REG,
    )
    data_loss = float(history.update_losses[0]) - REG * penalty
    return Measurement(
        metrics={
            "initial_loss": data_loss + INITIAL_REG * penalty,
            "last_loss": history.update_losses[-1],
        },
        curves={"loss": history.update_losses},
    )


NOTEBOOK = "2015 notebook"
CLAIMS = (
    rule("momentum-helps")
    .says("Momentum lowers the loss faster than plain gradient descent at the same rate.")
    .of(metric("momentum", "last_loss") - metric("sgd", "last_loss"))
    .must(below(0.0), kind="exact"),
    printed_value("initial-loss", NOTEBOOK)
    .says("The loss before training, at penalty 0.1, is the published one.")
    .of(metric("sgd", "initial_loss"))
    .must(near(INITIAL, absolute=1e-5), kind="exact", printed=INITIAL),
    *(
        printed_value(f"{arm}-loss", NOTEBOOK)
        .says(f"After 99 updates {arm} has reached the published loss.")
        .of(metric(arm, "last_loss"))
        .must(near(loss, absolute=1e-4), kind="exact", printed=loss)
        for arm, loss in PRINTED.items()
    ),
    detail("nesterov-loss", "Optimizers")
    .says("After 99 updates Nesterov's momentum has reached the loss of NumPy alone.")
    .of(metric("nesterov", "last_loss"))
    .must(near(NESTEROV, absolute=1e-4), kind="exact"),
)
PANELS = (Panel(("loss",), "loss (nats)"),)
CROSSES = {
    "printed": {"loss": {arm: [loss] for arm, loss in PRINTED.items()}},
    "printed_x": (UPDATES,),
}

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
    figures=(Curves("Loss per update", PANELS, x_label="update", columns="overlay", **CROSSES),),
    suites=("gate",),
    metrics=(
        Metric("initial_loss", "loss before the first update with the penalty at 0.1", "nats"),
        Metric("last_loss", "loss before update 100", "nats"),
    ),
)
