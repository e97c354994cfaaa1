"""A network must be able to learn a few training images by heart; one that cannot has a bug.

Source: "Deep network components and training" (after CS231n), slide "Make sure that you can overfit
        very small portion of the training data", with the printed cost of 25 epochs
Data:   cifar10, the first 20 training images, pixels minus the mean image
Cost:   full 2 s per replicate, quick 3 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run overfit-20-examples --scale full

Rate 0.001, no penalty, no decay, 200 full-batch updates. The cost printed after epoch k is that of
its only batch, before update k. An early cost counts as reproduced when it has fallen from ln 10 as
far as the printed one, within a third (0.1 at most).
"""

import math
from dataclasses import replace

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, PrintedSeries, Recipe
from keras_reprise import Scale, Source, above, at, between, curve, detail, equal, metric
from keras_reprise import printed_value, rule
from keras_reprise.two_layer import Trainer, raw_pixels

EPOCHS, STD = 200, 64.0


def measure(arm, replicate):
    data = raw_pixels(replicate).first(20)
    data = replace(
        data,
        stored_test=data.stored_train,
        y_test=data.y_train,
        scaling=(data.scaling[0], data.scaling[1] * arm.divisor),
    )
    history = Trainer(replicate, data).train(
        1e-3, reg=0.0, epochs=EPOCHS, updates=1, decay=1.0, order=Order("stored")
    )
    return Measurement(
        metrics={
            "accuracy": 100 * (1 - history.curves["test_error"][-1]),
            "cost": history.update_losses[-1],
        },
        curves={
            "cost": history.update_losses,
            "accuracy": [1 - error for error in history.curves["test_error"]],
        },
        diverged=history.diverged,
    )


SLIDE = "Make sure that you can overfit very small portion of the training data"
EARLY = (  # from epoch 1 on
    *(2.302603, 2.302258, 2.301849, 2.301196, 2.300044, 2.297864, 2.293595, 2.285096),
    *(2.268094, 2.234787, 2.173187, 2.076862, 1.974090, 1.895885, 1.820876, 1.737430),
    *(1.642356, 1.535239, 1.421527),
)
LATE = {195: 0.002694, 196: 0.002674, 197: 0.002655, 198: 0.002635, 199: 0.002617, 200: 0.002597}
FALLEN = {k: math.log(10) - cost for k, cost in enumerate(EARLY, start=1)}
WITHIN = {k: min(0.1, 5e-4 + FALLEN[k] / 3) if k > 1 else 5e-4 for k in FALLEN}
COST = curve("raw-pixels", "cost")

CLAIMS = (
    rule("learned-by-heart")
    .says("After 200 epochs every image is classified correctly.")
    .of(metric("raw-pixels", "accuracy"))
    .must(equal(100.0), kind="discrete", expectation="VERIFIED-HERE", printed=100.0),
    PrintedSeries(
        "cost",
        EARLY,
        arm="raw-pixels",
        within=WITHIN,
        says="The cost of epoch {key} is about the printed one.",
        expectation="VERIFIED-HERE",
    ),
    printed_value("cost-200")
    .says("The cost of epoch 200 is about the printed one.")
    .of(at(COST, 200))
    .must(between(0.0020, 0.0032), kind="positive", expectation="VERIFIED-HERE", printed=LATE[200]),
    printed_value("late-pace")
    .says("The cost falls in the last five epochs as fast as printed.")
    .of(at(COST, 200) / at(COST, 195))
    .must(between(0.955, 0.975), kind="positive", printed=LATE[200] / LATE[195]),
    detail("rate-is-of-raw-pixels")
    .says("With standardised pixels the same rate learns next to nothing.")
    .of(metric("standardised", "cost"))
    .must(above(2.2), expectation="VERIFIED-HERE"),
)

FIGURE = Curves(
    "Twenty images learned by heart",
    panels=(
        Panel(("cost",), "cost (nats)", log=True),
        Panel(("accuracy",), "accuracy on the 20 images (fraction)"),
    ),
    columns="overlay",
    printed={"cost": {"raw-pixels": (*EARLY, *LATE.values())}},
    printed_x=(*FALLEN, *LATE),
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
        Arm("standardised", "the same over 64, their standard deviation", divisor=STD),
    ),
    scales=(Scale("quick", seeds=6), Scale("full", seeds=12)),
    measure=measure,
    claims=CLAIMS,
    figures=(FIGURE,),
    metrics=(
        Metric("cost", "cost", "nats", "epoch"),
        Metric("accuracy", "accuracy on the 20 images after the last epoch", "percent"),
    ),
    suites=("gate",),
)
