"""Turn the penalty on and the loss must rise: at 1,000 from ln 10 to about 3.07

Source: document 003 (003:425-438); its number is lost and taken from the original slides (catalogue, X4)
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   quick under a second per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run sanity-reg-raises-loss --scale full

The penalty is reg / 2 times the sum of the squared weights, 154,100 of them at 0.0001 squared each on average: at 1,000 it is
0.7705, give or take 0.0028 from one initialisation to the next.
"""

import math

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source, evaluate, near
from keras_reprise.two_layer import raw_pixels, two_layer

STRENGTHS = (0.0, 1.0, 10.0, 100.0, 1000.0)
PRINTED = 3.06859716482
EXPECTED = math.log(10) + 0.5 * 1e3 * (3072 * 50 + 50 * 10) * 1e-8
THREE_SIGMA = 0.0083
ERRATUM = "X4: the slide shows the second check without its number; the original has reg = 1e3 and 3.06859716482."


def measure(arm, replicate):
    data = raw_pixels(replicate)
    model = two_layer(replicate.seeds, data.image_shape[0], data.classes)
    losses, _ = evaluate(model, data.scaled(data.stored_train[:5000]), data.y_train[:5000])
    penalty = float(sum(model.losses))
    loss = [losses.mean(dtype=float) + strength * penalty for strength in STRENGTHS]
    return Measurement({"loss_at_1000": loss[-1]}, {"strength": STRENGTHS, "loss": loss})


def last(arms, scale):
    """Loss before training at a penalty of 1,000."""
    return arms["two-layer"].metrics["loss_at_1000"]


def smallest_rise(arms, scale):
    """Smallest rise of the loss from one penalty to the next larger one (0, 1, 10, 100, 1,000)."""
    loss = arms["two-layer"].curves["loss"]
    return (loss[1:] - loss[:-1]).min()


RECIPE = Recipe(
    slug="sanity-reg-raises-loss",
    version=1,
    question="Does the loss rise when the penalty is turned on?",
    sources=(Source("cs231n-slides", "003:425-438"),),
    data="cifar10",
    arms=(Arm("two-layer", "the document's network before training, at five strengths of the penalty"),),
    scales=(Scale("quick", n_train=10_000, n_test=1_000), Scale("full")),
    measure=measure,
    claims=(
        Claim("loss-went-up", "The loss goes up with the penalty.", "003:438", smallest_rise, "nats", above=0.0, expectation="MATH"),
        Claim("loss-as-computed", "At 1,000 it is ln 10 plus the expected penalty.", "catalogue B2", last, "nats", **near(EXPECTED, absolute=THREE_SIGMA), expectation="VERIFIED-HERE"),
        Claim("loss-as-printed", "At 1,000 it is the one of the original slides, within three standard deviations of one initialisation.", "003:425-438", last, "nats", **near(PRINTED, absolute=THREE_SIGMA), expectation="VERIFIED-HERE", printed=PRINTED, erratum=ERRATUM),
    ),
    figures=(Curves("Loss before training", panels=(Panel(("loss",), "loss (nats)", level=PRINTED, level_label="original slides, at 1,000"),), x="strength", x_label="penalty strength", columns="overlay"),),
)
