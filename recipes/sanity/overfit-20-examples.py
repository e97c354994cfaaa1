"""A network that cannot learn twenty images by heart has a bug: the cost must go to nothing and every image be right

Source: document 003 (003:440-489), with the printed cost of 25 epochs; also 000:26 and 001:154
Data:   cifar10, the first 20 training images, pixels minus the mean image
Cost:   full 2 s per replicate, quick 3 s (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run overfit-20-examples --scale full

Rate 0.001, no penalty, no decay, 200 full-batch updates. The cost printed after epoch k is that of its only batch, before update k.
An early cost counts as reproduced when it has fallen from ln 10 as far as the printed one, within a third (0.1 at most); the
end within the range of a published rerun (catalogue, B3). The second arm shows that the rate belongs to raw pixels.
"""

import math
from dataclasses import replace

from keras_reprise import Arm, Claim, Curves, Measurement, Order, Panel, Recipe, Scale, Source
from keras_reprise.two_layer import Trainer, raw_pixels

EARLY = (2.302603, 2.302258, 2.301849, 2.301196, 2.300044, 2.297864, 2.293595, 2.285096, 2.268094, 2.234787, 2.173187, 2.076862, 1.974090, 1.895885, 1.820876, 1.737430, 1.642356, 1.535239, 1.421527)
LATE = {195: 0.002694, 196: 0.002674, 197: 0.002655, 198: 0.002635, 199: 0.002617, 200: 0.002597}
PRINTED = dict(enumerate(EARLY, start=1)) | LATE
EPOCHS, STD = 200, 64.0


def measure(arm, replicate):
    data = raw_pixels(replicate).first(20)
    data = replace(data, stored_test=data.stored_train, y_test=data.y_train, scaling=(data.scaling[0], data.scaling[1] * arm.divisor))
    history = Trainer(replicate, data).train(1e-3, reg=0.0, epochs=EPOCHS, updates=1, decay=1.0, order=Order("stored"))
    return Measurement(
        metrics={"accuracy": 100 * (1 - history.curves["test_error"][-1]), "cost": history.update_losses[-1]},
        curves={"cost": history.update_losses, "accuracy": [1 - error for error in history.curves["test_error"]]},
        diverged=history.diverged,
    )


def tolerance(epoch):
    if epoch > 19:
        return {"above": 0.0020, "below": 0.0032}
    half = min(0.1, 5e-4 + (math.log(10) - PRINTED[epoch]) / 3) if epoch > 1 else 5e-4
    return {"above": PRINTED[epoch] - half, "below": PRINTED[epoch] + half}


def cost(epoch):
    return lambda arms, scale: arms["raw-pixels"].curves["cost"][epoch - 1]


def metric(arm, name):
    return lambda arms, scale: arms[arm].metrics[name]


RECIPE = Recipe(
    slug="overfit-20-examples",
    version=1,
    question="Can the network learn twenty images by heart, at the documented pace?",
    sources=(Source("cs231n-slides", "003:440-489"), Source("fleuret-2021", "000:26"), Source("training-practice-slides", "001:154")),
    data="cifar10",
    arms=(
        Arm("raw-pixels", "pixels in units of 0 to 255, minus the mean image, as documented", divisor=1.0),
        Arm("standardised", "the same divided by 64, about their standard deviation", divisor=STD),
    ),
    scales=(Scale("quick", seeds=6), Scale("full", seeds=12)),
    measure=measure,
    claims=(
        Claim("learned-by-heart", "After 200 epochs every image is classified correctly.", "003:486", metric("raw-pixels", "accuracy"), "percent", above=100.0, below=100.0, exact=True, expectation="VERIFIED-HERE", printed=100.0, measures="Accuracy on the 20 images after the last epoch"),
        *(Claim(f"cost-{epoch}", f"The cost of epoch {epoch} is about the printed one.", "003:463-486", cost(epoch), "nats", **tolerance(epoch), log=epoch > 19, expectation="VERIFIED-HERE", printed=PRINTED[epoch], measures=f"Cost before update {epoch}") for epoch in PRINTED),
        Claim("rate-is-of-raw-pixels", "With standardised pixels the same rate learns nothing.", "catalogue 0.1", metric("standardised", "cost"), "nats", above=2.2, expectation="VERIFIED-HERE", measures="Cost before the last update, standardised pixels"),
    ),  # fmt: skip
    figures=(
        Curves("Twenty images learned by heart", panels=(Panel(("cost",), "cost (nats)", log=True), Panel(("accuracy",), "accuracy on the 20 images (fraction)")), columns="overlay", printed={"cost": {"raw-pixels": tuple(PRINTED.values())}}, printed_x=tuple(PRINTED)),
    ),  # fmt: skip
    suites=("gate",),
)
