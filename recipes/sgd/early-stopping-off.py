"""To see what a single hyper-parameter does, turn early stopping off.

Source: "Training" (notes on hyper-parameters), section "Number of Training iterations"; against it
        Harakeh, lecture 7, slide "Default Baseline Models"
Data:   cifar10, standardised, flattened
Cost:   quick 38 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run early-stopping-off --scale full

The notes give no experiment. Each arm varies one hyper-parameter of one network, trained several
times at each value. How clearly its effect shows is the spread of the mean error over the values in
units of the spread among trainings of one value; with early stopping the error is that of the epoch
of least validation loss (patience 5), without it that of the last. The first half of the test
images is for validation, the second is the test.
"""

from functools import cache

import keras
import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Patience, Recipe, Scale, Source
from keras_reprise import detail, exp, log, mean, metric, rule, snapshot, train
from keras_reprise.models import dense_classifier

VALUES = {
    "penalty": (0.0, 1e-3, 1e-2, 1e-1),
    "width": (10, 30, 100, 300),
    "rate": (0.003, 0.01, 0.03, 0.1),
}


def measure(arm, replicate):
    data, seeds, scale = replicate.dataset(), replicate.seeds, replicate.scale
    data, half = data.standardised().flattened(), len(data.y_test) // 2

    @cache
    def network(width):
        model = dense_classifier(seeds, data.image_shape[0], [width], data.classes, penalty=0.5)
        sgd = keras.optimizers.SGD()
        return model, sgd, snapshot(model, sgd)

    def trained(value, draw):
        chosen = {"penalty": 0.0, "width": 100, "rate": 0.03} | {arm.name: value}
        model, sgd, restart = network(chosen["width"])
        restart()
        random = seeds.generator("weights", f"{value} {draw}")
        for kernel in model.trainable_variables[::2]:
            limit = (6 / sum(kernel.shape)) ** 0.5
            kernel.assign(random.uniform(-limit, limit, kernel.shape))
        history = train(
            model,
            data,
            replicate,
            optimizer=sgd,
            learning_rate=chosen["rate"],
            penalty=chosen["penalty"],
            batch_size=50,
            epochs=scale.epochs,
        )
        wrong = 100 * history.test_wrong[1:, half:].mean(axis=1)
        kept = Patience(5, growth=1.0).candidates(history.test_losses[1:, :half].mean(axis=1))[-1]
        return {"stopped": wrong[kept - 1], "whole": wrong[-1]}

    values = VALUES[arm.name]
    settings = [{"value": one, "draw": draw} for one in values for draw in range(scale.draws)]
    trials = replicate.sweep(settings, trained)
    metrics, curves = {}, {"step": range(1, len(values) + 1)}
    for name in ("stopped", "whole"):
        errors = np.array([trial[name] for trial in trials]).reshape(len(values), scale.draws)
        curves[name] = errors.mean(axis=1)
        metrics[name] = errors.mean()
        metrics[f"clear_{name}"] = curves[name].std(ddof=1) / errors.std(axis=1, ddof=1).mean()
    return Measurement(metrics, curves, trials=trials)


ARMS = tuple(VALUES)
CLEARER = {arm: metric(arm, "clear_whole") / metric(arm, "clear_stopped") for arm in ARMS}
COST = mean(*(metric(arm, "stopped") - metric(arm, "whole") for arm in ARMS))
CLAIMS = (
    rule("effects-clearer-without", kind="positive", expectation="MIXED")
    .says("Without early stopping the effect of a single hyper-parameter shows more clearly.")
    .must(
        exp(mean(*(log(ratio) for ratio in CLEARER.values()))) > 1.0,
        measures="Clarity without over that with early stopping, geometric mean of three",
    ),
    *(
        detail(f"effect-of-{arm}-clearer-without", kind="positive", expectation="MIXED")
        .says(f"Without early stopping the effect of the {arm} shows more clearly.")
        .must(CLEARER[arm] > 1.0)
        for arm in ARMS
    ),
    detail("always-stop-early", "Default Baseline Models")
    .says("Early stopping costs no test error in these trainings: less than half a point.")
    .must(COST < 0.5, measures="Test error with minus without, mean of all trainings"),
)

RECIPE = Recipe(
    slug="early-stopping-off",
    version=2,
    question="Does a hyper-parameter's effect show more clearly without early stopping?",
    sources=(
        Source("hyperparameters-notes", "Number of Training iterations"),
        Source("training-practice-slides", "Default Baseline Models"),
    ),
    data="cifar10",
    arms=(
        Arm("penalty", "L2 penalty from 0 to 0.1"),
        Arm("width", "10 to 300 hidden units"),
        Arm("rate", "learning rate from 0.003 to 0.1"),
    ),
    scales=(
        Scale("quick", n_train=1_000, n_test=1_000, epochs=20, draws=4),
        Scale("full", n_train=10_000, epochs=50, draws=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=Curves(
        "Effect of one hyper-parameter",
        Panel(("stopped", "whole"), "test error (percent)"),
        x="step",
        columns="arms",
    ),
    metrics=(
        Metric("step", "value, from the lowest to the highest"),
        Metric("stopped", "test error with early stopping", "percent"),
        Metric("whole", "test error without early stopping", "percent"),
        Metric("clear_stopped", "clarity with early stopping", "ratio"),
        Metric("clear_whole", "clarity without early stopping", "ratio"),
    ),
)
