"""A network of one hidden layer learns twenty training images by heart in 200 epochs.

Source: "Deep network components and training" (after CS231n), slide "Make sure that you can overfit
        very small portion of the training data"
Data:   cifar10, the first 20 training images, pixels minus the mean image
Cost:   full 2 s per replicate, quick 3 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run overfit-20-examples --scale full

An early cost is as printed when it has fallen from ln 10 as far, within a third (0.1 at most).
"""

from dataclasses import replace

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, PrintedSeries, Recipe
from keras_reprise import Scale, Source, at, between, curve, detail, equal, metric, printed_value
from keras_reprise import rule
from keras_reprise.two_layer import Trainer, raw_pixels


def measure(arm, replicate):
    data = raw_pixels(replicate).first(20)
    scaling = (data.scaling[0], data.scaling[1] * arm.divisor)
    data = replace(data, stored_test=data.stored_train, y_test=data.y_train, scaling=scaling)
    trainer = Trainer(replicate, data)
    history = trainer.train(1e-3, reg=0.0, epochs=200, updates=1, decay=1.0, order=Order("stored"))
    curves = {"accuracy": 1 - np.array(history.curves["test_error"]), "cost": history.update_losses}
    last = {"accuracy": 100 * curves["accuracy"][-1], "cost": curves["cost"][-1]}
    return Measurement(last, curves)


SLIDE = "Make sure that you can overfit very small portion of the training data"
EARLY = (  # from epoch 1 on, that of the only batch, before its update
    *(2.302603, 2.302258, 2.301849, 2.301196, 2.300044, 2.297864, 2.293595, 2.285096),
    *(2.268094, 2.234787, 2.173187, 2.076862, 1.974090, 1.895885, 1.820876, 1.737430),
    *(1.642356, 1.535239, 1.421527),
)
LATE = {195: 0.002694, 196: 0.002674, 197: 0.002655, 198: 0.002635, 199: 0.002617, 200: 0.002597}
FALLEN = {k: max(0.0, np.log(10) - cost) for k, cost in enumerate(EARLY, start=1)}
WITHIN = {k: min(0.1, 5e-4 + fallen / 3) for k, fallen in FALLEN.items()}
PANELS = (Panel("cost", log=True), Panel("accuracy", "accuracy on the 20 images (fraction)"))
PRINTED = {"cost": {"raw-pixels": (*EARLY, *LATE.values())}}
AS_PRINTED = "The cost of epoch {key} is about the printed one."

CLAIMS = (
    rule("learned-by-heart", kind="discrete", printed=100.0, expectation="VERIFIED-HERE")
    .says("After 200 epochs every image is classified correctly.")
    .must(metric("raw-pixels", "accuracy"), equal(100.0)),
    PrintedSeries(
        "cost", EARLY, arm="raw-pixels", within=WITHIN, says=AS_PRINTED, expectation="VERIFIED-HERE"
    ),
    printed_value("cost-200", kind="positive", printed=LATE[200], expectation="VERIFIED-HERE")
    .says("The cost of epoch 200 is about the printed one.")
    .must(at(curve("raw-pixels", "cost"), 200), between(0.0020, 0.0032)),
    printed_value("late-pace", kind="positive", printed=LATE[200] / LATE[195])
    .says("The cost falls in the last five epochs as fast as printed.")
    .must(
        at(curve("raw-pixels", "cost"), 200) / at(curve("raw-pixels", "cost"), 195),
        between(0.955, 0.975),
    ),
    detail("rate-is-of-raw-pixels", expectation="VERIFIED-HERE")
    .says("With standardised pixels the same rate learns next to nothing.")
    .must(metric("standardised", "cost") > 2.2),
)

RECIPE = Recipe(
    slug="overfit-20-examples",
    version=1,
    question="Can the network learn twenty images by heart, at the documented pace?",
    sources=(
        Source("cs231n-slides", SLIDE),
        Source("fleuret-2021", "Choosing the network structure is a difficult exercise"),
        Source("training-practice-slides", "High Training Error: Debugging"),
    ),
    data="cifar10",
    arms=(
        Arm("raw-pixels", "pixels from 0 to 255, minus the mean image", divisor=1.0),
        Arm("standardised", "the same over 64, their standard deviation", divisor=64.0),
    ),
    scales=(Scale("quick", seeds=6), Scale("full", seeds=12)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Twenty images learned", PANELS, printed=PRINTED, printed_x=(*FALLEN, *LATE)),
    metrics=(Metric("cost", "cost", "nats", "epoch"), Metric("accuracy", "accuracy", "percent")),
    suites=("gate",),
)
