"""Neither tiny nor huge batches reach a target soonest: some size in between does

Source: Training: notes on data splits, hyper-parameters and optimisation, section "Batching"
Data:   cifar10, 1,000 training images set apart, standardised
Cost:   quick 23 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run batch-size-ucurve --scale full

The 3072-50-10 network trains until its validation error, looked at every 1,000 examples, reaches
the target; seconds are those spent on updates.
"""

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Order, Panel, Recipe, Scale, Source
from keras_reprise import Target, above, at, between, curve, detail, finite, first, last, log
from keras_reprise import metric, nearest, rank_correlation, rule, slope, snapshot, train, window
from keras_reprise.models import dense_classifier

EVERY = 1000


def measure(arm, replicate):
    scale, base = replicate.scale, replicate.dataset()
    data = base.with_validation(min(1000, len(base.y_train) // 5)).standardised().flattened()
    model, optimizer = (
        dense_classifier(replicate.seeds, data.image_shape[0], [50], data.classes),
        keras.optimizers.SGD(),
    )
    restart = snapshot(model, optimizer)

    def to_target(batch):
        found = []
        for rate in arm.rates:
            restart()
            examples = min(max(batch, EVERY), len(data.y_train))
            history = train(
                model,
                data,
                replicate,
                optimizer=optimizer,
                learning_rate=rate,
                batch_size=min(batch, len(data.y_train)),
                order=Order(examples=examples),
                epochs=scale.most_examples // examples,
                stop=Target("test_error", scale.target),
            )
            reached = history.reached("test_error", scale.target)
            found.append(
                (reached.seconds, reached.examples, reached.updates, rate)
                if reached
                else (np.inf, np.inf, np.inf, rate)
            )
        seconds, examples, updates, rate = min(found)
        return {"seconds": seconds, "examples": examples, "updates": updates, "rate": rate}

    trials = replicate.sweep([{"batch": batch} for batch in scale.batches], to_target)
    curves = {
        name: [trial[name] for trial in trials]
        for name in ("batch", "seconds", "examples", "updates", "rate")
    }
    seconds = np.array(curves["seconds"])
    return Measurement(
        {
            "best_batch": curves["batch"][int(np.argmin(seconds))],
            "reached": np.isfinite(seconds).mean(),
        },
        curves,
        trials=trials,
    )


def ends_slower(arm):
    """Whether both ends take over 1.1 times the seconds of a batch of 32: the middle of the sizes,
    and Bengio's (2012) default; no measurement has chosen it.
    """
    seconds = curve(arm, "seconds")
    longer = 1.1 * at(seconds, nearest(curve(arm, "batch"), 32))
    return (first(seconds) > longer) & (last(seconds) > longer)


def updates_slope(**sizes):
    """Slope of log updates over log batch size, rate tuned, where the target was reached."""
    rows = (
        finite(curve("tuned", name), curve("tuned", "updates")) for name in ("updates", "batch")
    )
    return slope(*(window(log(row), **sizes) for row in rows))


ENDS = "Whether both ends take over 1.1 times the seconds of a batch of 32"
DOUBLINGS = "Doublings from the best batch size at one rate to that with tuned rates"
SLOPE = "Slope of log updates over log batch size, rate tuned, three {}"
CLAIMS = (
    *(
        rule(f"{arm}-both-ends-slower", kind="share", expectation="HW")
        .says(f"The smallest and largest batch take over a tenth longer than one of 32, {words}.")
        .must(ends_slower(arm), above(0.5), given=metric(arm, "reached") > 0, measures=ENDS)
        for arm, words in (("one-rate", "at one rate"), ("tuned", "each at its best rate"))
    ),
    *(
        detail(f"more-examples{end}", kind="discrete")
        .says(f"Larger batches need more examples to the target, {words}.")
        .must(rank_correlation(curve(arm, "examples"), curve(arm, "batch")) > 0.8)
        for end, arm, words in (
            ("", "one-rate", "at one rate"),
            ("-when-tuned", "tuned", "each at its best rate"),
        )
    ),
    detail("tuning-moves-the-spot", "Shallue et al. (2019)", kind="discrete")
    .says("Tuning the rate moves the sweet spot to larger batches.")
    .must(
        log(metric("tuned", "best_batch") / metric("one-rate", "best_batch")) / np.log(2) > 0,
        unit="doublings",
        measures=DOUBLINGS,
    ),
    detail("scaling-at-first", "Shallue et al. (2019)")
    .says("At small batches doubling the batch halves the updates.")
    .must(
        updates_slope(before=3), between(-1.3, -0.7), measures=SLOPE.format("smallest batch sizes")
    ),
    detail("diminishing-later", "Shallue et al. (2019)")
    .says("At large batches it does not.")
    .must(updates_slope(width=3) > -0.7, measures=SLOPE.format("largest reached")),
)
PANELS = (
    Panel(("seconds",), "seconds on updates", log=True),
    Panel(("examples",), "examples", log=True),
    Panel(("updates",), "updates", log=True),
)
BATCH = {"x": "batch", "x_label": "batch size", "x_log": True}
QUICK = {"n_train": 10_000, "n_test": 1_000, "batches": (2, 8, 32, 128, 512), "target": 0.64}

RECIPE = Recipe(
    slug="batch-size-ucurve",
    version=1,
    question="Which batch size reaches a target soonest on this machine?",
    sources=Source("hyperparameters-notes", "Batching"),
    data="cifar10",
    arms=(
        Arm("one-rate", "rate 0.01 at every batch size", rates=(0.01,)),
        Arm("tuned", "the best of five rates for each", rates=(0.003, 0.01, 0.03, 0.1, 0.3)),
    ),
    scales=(
        Scale("quick", **QUICK, most_examples=60_000, seeds=3),
        Scale("full", batches=tuple(2**k for k in range(11)), target=0.56, most_examples=500_000),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves("What it takes to reach the target", PANELS, **BATCH),
    metrics=(Metric("batch", "batch size", "images", "batch size"),),
    timing=True,
)
