"""Around a minimum, noisy gradients keep the weights moving; a smaller rate keeps them nearer.

Source: Fleuret, Deep learning 5.6, slide "Regarding the learning rate, for training to succeed"
Data:   none (normal numbers whose mean is estimated, one at a time)
Cost:   quick 3 s per replicate, full 11 s (2 busy cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run lr-noise-floor --scale full

Each of 500 weights w estimates the mean of its own numbers z by SGD on (w - z)^2 / 2, one number an
update: curvature 1, gradient noise 1. The minimum is the mean of the numbers.
"""

import numpy as np
from keras import Input, Sequential, initializers, layers, losses, optimizers

from keras_reprise import Arm, Curves, Dataset, Measurement, Metric, Order, Panel, Recipe, Scale
from keras_reprise import Source, at, below_each, curve, detail, metric, near, rule, train
from keras_reprise.schedules import steps

WEIGHTS, EXAMPLES, EVERY, FAR = 500, 2000, 10, 5.0


def measure(arm, replicate):
    numbers = replicate.seeds.generator("data").standard_normal((EXAMPLES, WEIGHTS))
    unit = (WEIGHTS / 2) ** 0.5  # Keras's mean over the outputs and this size make the curvature 1
    x, y = np.full((EXAMPLES, 1), unit, "float32"), (unit * numbers).astype("float32")
    data = Dataset.of("normal numbers", x, y, x[:2], y[:2])
    layer = layers.Dense(WEIGHTS, use_bias=False, kernel_initializer=initializers.Constant(FAR))
    minimum, looks, (before, after) = numbers.mean(axis=0), replicate.scale.looks, arm.rates
    history = train(
        Sequential([Input((1,)), layer]),
        data,
        replicate,
        optimizer=optimizers.SGD(),
        learning_rate=steps({0: before, looks // 2: after}),
        loss=losses.MeanSquaredError(),
        order=Order("with-replacement", examples=EVERY),
        batch_size=1,
        epochs=looks,
        probe=lambda: {"distance": ((layer.get_weights()[0][0] - minimum) ** 2).mean()},
    )
    distance = np.array(history.curves["distance"])[-looks:]
    floor = distance[-looks // 4 :].mean()
    theory = after / (2 - after) * numbers.var()
    curves = {"distance": distance, "updates": EVERY * np.arange(1, len(distance) + 1)}
    return Measurement({"floor": floor, "over_theory": floor / theory}, curves)


SLIDE = "Regarding the learning rate, for training to succeed"
DISTANCE = Panel("distance", log=True)
LARGER = [metric(arm, "floor") for arm in ("middle", "large")]
CLAIMS = (
    rule("small-rate-stays-nearer", expectation="MATH")
    .says("A small rate settles nearer to the minimum than a larger one.")
    .must(metric("small", "floor"), below_each(*LARGER)),
    *(
        detail(f"as-in-theory-{arm}", kind="positive", expectation="MATH")
        .says("Where it settles is rate * noise / (curvature * (2 - rate * curvature)).")
        .must(metric(arm, "over_theory"), near(1.0, relative=0.05))
        for arm in ("small", "middle", "large")
    ),
    detail("middle-stays-nearer-than-large", expectation="MATH")
    .says("The middle rate settles nearer to the minimum than the large one.")
    .must(metric("middle", "floor") < metric("large", "floor")),
    detail("large-rate-arrives-first", expectation="MATH")
    .says("The large rate is nearer after ten updates.")
    .must(at(curve("large", "distance"), 1) < at(curve("small", "distance"), 1)),
    detail("lowered-settles-as-small", kind="discrete", expectation="MATH")
    .says("A large rate that is lowered settles where the small one does.")
    .must(metric("lowered", "floor") / metric("small", "floor"), near(1.0, relative=0.1)),
)

RECIPE = Recipe(
    slug="lr-noise-floor",
    version=1,
    question="Does a smaller learning rate keep the weights nearer to a minimum?",
    sources=(Source("fleuret-2021", SLIDE), Source("dl-recap-slides", "Learning Rate")),
    arms=(
        Arm("large", "rate 0.8", rates=(0.8, 0.8)),
        Arm("middle", "rate 0.2", rates=(0.2, 0.2)),
        Arm("small", "rate 0.05", rates=(0.05, 0.05)),
        Arm("lowered", "rate 0.8, then 0.05", rates=(0.8, 0.05)),
    ),
    scales=(Scale("quick", looks=80), Scale("full", looks=240)),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("Distance from the minimum", DISTANCE, x="updates", x_log=True),
    metrics=(
        Metric("distance", "mean squared distance from the minimum", per="look"),
        Metric("floor", "mean squared distance over the last quarter of training"),
        Metric("over_theory", "distance over that of the formula", "ratio"),
    ),
)
