"""Turning the penalty on must raise the loss: at 1,000 from ln 10 to about 3.07.

Source: "Deep network components and training" (after CS231n), slide "DOUBLE CHECK THAT THE LOSS IS
        REASONABLE:"; its number is lost and taken from the original slides
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   quick under a second per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run sanity-reg-raises-loss --scale full

The penalty is reg / 2 times the sum of the squared weights, 154,100 of them at 0.0001 squared each
on average: at 1,000 it is 0.7705, give or take 0.0028 from one initialisation to the next.
"""

import math

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, curve
from keras_reprise import detail, evaluate, metric, minimum, near, printed_value, rule, window
from keras_reprise.two_layer import raw_pixels, two_layer

STRENGTHS = (0.0, 1.0, 10.0, 100.0, 1000.0)


def measure(arm, replicate):
    data = raw_pixels(replicate)
    model = two_layer(replicate.seeds, data.image_shape[0], data.classes)
    losses, _ = evaluate(model, data.scaled(data.stored_train[:5000]), data.y_train[:5000])
    penalty = float(sum(model.losses))
    loss = [losses.mean(dtype=float) + strength * penalty for strength in STRENGTHS]
    return Measurement({"loss_at_1000": loss[-1]}, {"strength": STRENGTHS, "loss": loss})


PRINTED = 3.06859716482
LOSS, AT_1000 = curve("two-layer", "loss"), metric("two-layer", "loss_at_1000")
THREE_SIGMA = 0.0083  # of the penalty, from one initialisation to the next

CLAIMS = (
    rule("loss-went-up", expectation="MATH")
    .says("The loss goes up with the penalty.")
    .must(
        minimum(window(LOSS, after=1) - window(LOSS, before=4)) > 0,
        measures="Smallest rise of the loss from one penalty to the next larger one",
    ),
    detail("loss-as-computed", expectation="VERIFIED-HERE")
    .says("At 1,000 the loss is ln 10 plus the expected penalty.")
    .must(
        AT_1000, near(math.log(10) + 0.5 * 1e3 * (3072 * 50 + 50 * 10) * 1e-8, absolute=THREE_SIGMA)
    ),
    printed_value(
        "loss-as-printed",
        printed=PRINTED,
        erratum="The slide lacks the second check's number; the original has 3.06859716482.",
        expectation="VERIFIED-HERE",
    )
    .says("At 1,000 the loss is that of the original slides, within three standard deviations.")
    .must(AT_1000, near(PRINTED, absolute=THREE_SIGMA)),
)

AXES = Panel(("loss",), "loss (nats)", level=PRINTED, level_label="original slides, at 1,000")
FIGURE = Curves("Loss before training", AXES, x="strength", x_label="penalty strength")

RECIPE = Recipe(
    slug="sanity-reg-raises-loss",
    version=1,
    question="Does the loss rise when the penalty is turned on?",
    sources=Source("cs231n-slides", "DOUBLE CHECK THAT THE LOSS IS REASONABLE:"),
    data="cifar10",
    arms=(Arm("two-layer", "the document's network, at five strengths of the penalty"),),
    scales=(Scale("quick", n_train=10_000, n_test=1_000), Scale("full")),
    measure=measure,
    claims=CLAIMS,
    figures=FIGURE,
    metrics=(
        Metric("loss", "loss before training", "nats", "strength"),
        Metric("loss_at_1000", "loss before training at a penalty of 1,000", "nats"),
    ),
)
