"""A large learning rate gets training out of a bad minimum, if that minimum is narrow.

Source: Fleuret, Deep learning 5.6, slide "Regarding the learning rate, for training to succeed";
        "Introduction to Deep Learning" (recap), slide "Learning Rate", on when to increase it
Data:   none (two valleys on a line)
Cost:   quick 2 s per replicate, full 42 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run lr-escapes-minimum --scale full

Gradient descent with gradient noise on -0.5 exp(-(w + 1)^2 / 2 a^2) - exp(-(w - 1)^2 / 2 b^2)
+ 0.05 w^2, from the bottom of the shallower valley. A valley holds as long as the rate is below
2 / curvature. The documents do not speak of widths; three are measured. The rate is at most 0.01
in the last fifth of the updates, so that what has left a valley can settle in the other.
"""

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Recipe, Scale, Source, detail, first
from keras_reprise import last, rule
from keras_reprise.search import log_grid

RATES, DEPTHS, NOISE = log_grid(0.002, 0.2, 9), (0.5, 1.0), 0.5


def slope(w, widths):
    """The derivative of the loss at `w`: both valleys and a wide bowl around them."""
    valleys = zip((-1.0, 1.0), DEPTHS, widths, strict=True)
    pulls = [
        depth * (w - centre) / width**2 * np.exp(-(((w - centre) / width) ** 2) / 2)
        for centre, depth, width in valleys
    ]
    return sum(pulls) + 0.1 * w


def measure(arm, replicate):
    updates, draw = replicate.scale.updates, replicate.seeds.generator("data")
    noise = NOISE * draw.standard_normal((updates, replicate.scale.runs))
    escaped = []
    for rate in RATES:
        w = np.full(replicate.scale.runs, -1.0)
        for number, push in enumerate(noise):
            now = min(rate, 0.01) if number >= updates * 4 // 5 else rate
            w = w - now * (slope(w, arm.widths) + push)
        escaped.append((abs(w - 1) < 0.5).mean())
    return Measurement(curves={"rate": RATES, "escaped": escaped})


CLAIMS = (
    rule("large-rate-leaves-a-narrow-one", kind="discrete")
    .says(
        "The largest rate frees most runs of a narrow bad minimum that the smallest leaves in it."
    )
    .must(last("narrow", "escaped") - first("narrow", "escaped") > 0.5),
    detail("small-rate-is-trapped", kind="discrete")
    .says("At the smallest rate most of them stay there.")
    .must(first("narrow", "escaped") < 0.5),
    detail("large-rate-leaves-one-as-wide", kind="discrete", expectation="MIXED")
    .says("At the largest rate most runs leave a bad minimum as wide as the good one, too.")
    .must(last("as-wide", "escaped") > 0.5),
    detail("large-rate-leaves-a-wide-one", kind="discrete", expectation="MIXED")
    .says("And one that is wider.")
    .must(last("wide", "escaped") > 0.5),
    *(
        detail(f"large-rate-frees-more-of-{arm}", kind="discrete", expectation="MIXED")
        .says(f"The largest rate frees most runs that the smallest keeps in a bad minimum {width}.")
        .must(last(arm, "escaped") - first(arm, "escaped") > 0.5)
        for arm, width in (("as-wide", "as wide as the good one"), ("wide", "that is wider"))
    ),
)

RECIPE = Recipe(
    slug="lr-escapes-minimum",
    version=1,
    question="Does a large learning rate get training out of a bad minimum?",
    sources=(
        Source("fleuret-2021", "Regarding the learning rate, for training to succeed"),
        Source("dl-recap-slides", "Learning Rate"),
    ),
    arms=(
        Arm("narrow", "bad minimum 0.1 wide, good one 0.4", widths=(0.1, 0.4)),
        Arm("as-wide", "both 0.4 wide", widths=(0.4, 0.4)),
        Arm("wide", "bad minimum 0.4 wide, good one 0.1", widths=(0.4, 0.1)),
    ),
    scales=(
        Scale("quick", updates=2_000, runs=500, seeds=12),
        Scale("full", updates=20_000, runs=2_000, seeds=12),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Which rates leave the bad minimum", "escaped", x="rate", x_log=True),
    metrics=(Metric("escaped", "share of runs that escape", "fraction", "rate"),),
)
