"""Time to a target is a U over the batch size: small batches waste the machine, large ones waste examples

Source: document 002 (002:31-35); tuning the rate per batch size is Shallue et al. (2019) (catalogue, A6b)
Data:   cifar10, 1,000 training images set apart, standardised
Cost:   quick 23 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run batch-size-ucurve --scale full

A process is a replicate. The 3072-50-10 network trains until its validation error reaches the target, looked at every 1,000
examples; seconds are those spent on updates. One arm has one rate for all batch sizes, the other the best of a grid for each.
"""

import keras
import numpy as np
from scipy.stats import spearmanr

from keras_reprise import Arm, Claim, Curves, Measurement, Order, Panel, Recipe, Scale, Source, Target, snapshot, train
from keras_reprise.models import dense_classifier

EVERY = 1000


def measure(arm, replicate):
    scale, base = replicate.scale, replicate.dataset()
    data = base.with_validation(min(1000, len(base.y_train) // 5)).standardised().flattened()
    model, optimizer = dense_classifier(replicate.seeds, data.image_shape[0], [50], data.classes), keras.optimizers.SGD()
    restart = snapshot(model, optimizer)

    def to_target(batch):
        found = []
        for rate in arm.rates:
            restart()
            examples = min(max(batch, EVERY), len(data.y_train))
            history = train(
                model, data, replicate, optimizer=optimizer, learning_rate=rate, batch_size=min(batch, len(data.y_train)),
                order=Order(examples=examples), epochs=scale.most_examples // examples, stop=Target("test_error", scale.target),
            )  # fmt: skip
            reached = history.reached("test_error", scale.target)
            found.append((reached.seconds, reached.examples, reached.updates, rate) if reached else (np.inf, np.inf, np.inf, rate))
        seconds, examples, updates, rate = min(found)
        return {"seconds": seconds, "examples": examples, "updates": updates, "rate": rate}

    trials = replicate.sweep([{"batch": batch} for batch in scale.batches], to_target)
    curves = {name: [trial[name] for trial in trials] for name in ("batch", "seconds", "examples", "updates", "rate")}
    seconds = np.array(curves["seconds"])
    return Measurement({"best_batch": curves["batch"][int(np.argmin(seconds))], "reached": np.isfinite(seconds).mean()}, curves, trials=trials)


def reached(arms, arm, name):
    """Batch sizes at which the target was reached, and what it took; both as logarithms to base two."""
    found = arms[arm].curves[name]
    kept = np.isfinite(found)
    return np.log2(arms[arm].curves["batch"][kept]), np.log2(found[kept])


def curvature(arm):
    def statistic(arms, scale):
        batch, seconds = reached(arms, arm, "seconds")
        return np.polyfit(batch, seconds, 2)[0] if len(batch) > 3 else np.nan

    return statistic


def interior(arm):
    """Whether the best batch size is neither the smallest nor the largest."""
    return lambda arms, scale: float(scale.batches[0] < arms[arm].metrics["best_batch"] < scale.batches[-1])


def examples_trend(arms, scale):
    """Spearman correlation of batch size and examples to the target, one rate for all."""
    curves = arms["one-rate"].curves
    return spearmanr(curves["batch"], np.minimum(curves["examples"], 1e12)).statistic


def slope(part):
    """Slope of log updates over log batch size, rate tuned, over the given part of the batch sizes."""

    def statistic(arms, scale):
        batch, updates = reached(arms, "tuned", "updates")
        return np.polyfit(batch[part], updates[part], 1)[0]

    return statistic


def claims(arm, words):
    return (
        Claim(f"{arm}-u-curve", f"Seconds to the target are a U over the batch size, {words}.", "002:34-35", curvature(arm), above=0.0, expectation="LIKELY", measures="Quadratic coefficient of log seconds over log batch size (base two)"),
        Claim(f"{arm}-sweet-spot", f"The sweet spot is at an intermediate batch size, {words}.", "002:34-35", interior(arm), "share", above=0.5, proportion=True, expectation="HW", measures="Whether the best batch size is neither the smallest nor the largest"),
    )  # fmt: skip


RECIPE = Recipe(
    slug="batch-size-ucurve",
    version=1,
    question="Which batch size reaches a target soonest on this machine?",
    sources=(Source("hyperparameters-notes", "002:31-35"),),
    data="cifar10",
    arms=(
        Arm("one-rate", "rate 0.01 at every batch size", rates=(0.01,)),
        Arm("tuned", "the best of five rates from 0.003 to 0.3, for each batch size", rates=(0.003, 0.01, 0.03, 0.1, 0.3)),
    ),
    scales=(
        Scale("quick", n_train=10_000, n_test=1_000, batches=(2, 8, 32, 128, 512), target=0.64, most_examples=60_000, seeds=3),
        Scale("full", batches=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024), target=0.56, most_examples=500_000),
    ),
    measure=measure,
    claims=(
        *claims("one-rate", "one rate for all"),
        *claims("tuned", "the rate tuned for each"),
        Claim("more-examples", "Larger batches need more examples to the target, at one rate.", "002:31-33", examples_trend, "rank correlation", above=0.8),
        Claim("tuning-moves-the-spot", "Tuning the rate moves the sweet spot to larger batches.", "Shallue et al. (2019) (catalogue A6b)", lambda arms, scale: np.log2(arms["tuned"].metrics["best_batch"] / arms["one-rate"].metrics["best_batch"]), "doublings", above=0.0, measures="Doublings from the best batch size at one rate to that with tuned rates"),
        Claim("scaling-at-first", "At small batches doubling the batch halves the updates.", "Shallue et al. (2019) (catalogue A6b)", slope(slice(None, 3)), above=-1.3, below=-0.7, measures="Slope of log updates over log batch size, rate tuned, three smallest batch sizes"),
        Claim("diminishing-later", "At large batches it does not.", "Shallue et al. (2019) (catalogue A6b)", slope(slice(-3, None)), above=-0.7, measures="Slope of log updates over log batch size, rate tuned, three largest batch sizes reached"),
    ),
    figures=(
        Curves("What it takes to reach the target", panels=(Panel(("seconds",), "seconds on updates", log=True), Panel(("examples",), "examples", log=True), Panel(("updates",), "updates", log=True)), x="batch", x_label="batch size", columns="overlay", x_log=True),
    ),
    timing=True,
)  # fmt: skip
