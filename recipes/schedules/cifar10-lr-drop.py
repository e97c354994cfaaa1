"""A large step first and a small one later; the test loss may rise while the test error falls.

Source: Fleuret, Deep learning, slides on the learning rate and "Small convnet on CIFAR10"
Data:   cifar10 (50,000 train, 10,000 test images), minus the mean over the deviation of all pixels
Cost:   full 14 min per replicate, quick 48 s (2 cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run cifar10-lr-drop --scale full

The slides print neither network nor initialisation nor number of epochs: the network is that of the
author's course code, the initialisation PyTorch's default, and training goes on to epoch 50.
"""

import keras
import numpy as np
from scipy.stats import ks_2samp

from keras_reprise import Arm, Curves, Histogram, HistogramGrid, Measurement, Metric, Panel, Recipe
from keras_reprise import Scale, Source, argmin, at, count, curve, detail, first, last, mean, metric
from keras_reprise import minimum, near, nearest, rank_correlation, rule, train, window
from keras_reprise.models import small_convnet
from keras_reprise.schedules import steps

SAMPLES = 5000  # per-sample losses: of the first 5,000 training and the first 5,000 test images
QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}


def measure(arm, replicate):
    scale, data = replicate.scale, replicate.dataset().standardised()
    before, after = arm.rates
    history = train(
        small_convnet(replicate.seeds, data.image_shape, data.classes, arm.initialisation),
        data,
        replicate,
        optimizer=keras.optimizers.SGD(),
        learning_rate=steps({0: before, scale.drop: after}),
        batch_size=100,
        epochs=scale.epochs,
        sample_epochs=scale.sample_epochs,
        sample_size=SAMPLES,
        fork_at=(scale.drop,),
    )
    curves, histograms = loss_distributions(history)
    return Measurement(
        metrics=history.last
        | loss_shifts(history)
        | {"drop": scale.drop, "initial_test_loss": history.initial["test_loss"]},
        curves=history.curves | curves,
        histograms=histograms,
        diverged=history.diverged,
    )


def loss_distributions(history):
    """Histogram (log10), quantiles and train-test distance of the losses at the listed epochs."""
    curves, histograms = {"sample_epoch": [], "ks": [], "ks_over_critical": []}, {}
    for epoch, train_losses in history.train_losses.items():
        losses = {"train": train_losses, "test": history.test_losses[epoch][:SAMPLES]}
        for name, values in losses.items():
            histograms[f"{name}_{epoch}"] = Histogram.of(
                np.log10(np.maximum(values, 1e-12)), -5.0, 1.5, 26
            )
            for quantile, share in QUANTILES.items():
                curves.setdefault(f"{name}_{quantile}", []).append(np.quantile(values, share))
        critical = 1.628 * np.sqrt(1 / len(losses["train"]) + 1 / len(losses["test"]))  # at 1 %
        curves["sample_epoch"].append(epoch)
        curves["ks"].append(ks_2samp(losses["train"], losses["test"]).statistic)
        curves["ks_over_critical"].append(curves["ks"][-1] / critical)
    return curves, histograms


def loss_shifts(history):
    """How the loss of the test images moved from the epoch of the lowest test loss to the last."""
    lowest = 1 + int(np.argmin(history.curves["test_loss"]))
    shift = history.test_losses[-1].astype(float) - history.test_losses[lowest]
    wrong_then, wrong_now = history.test_wrong[lowest], history.test_wrong[-1]
    groups = {
        "wrong_wrong": wrong_then & wrong_now,
        "wrong_right": wrong_then & ~wrong_now,
        "right_wrong": ~wrong_then & wrong_now,
        "right_right": ~wrong_then & ~wrong_now,
    }
    metrics = {"lowest_test_loss_epoch": lowest}
    for name, members in groups.items():
        metrics[f"{name}_share"] = members.mean()
        metrics[f"{name}_shift_mean"] = shift[members].mean() if members.any() else np.nan
        metrics[f"{name}_shift_per_image"] = shift[members].sum() / len(shift)
    return metrics


CONVNET = "Small convnet on CIFAR10, cross-entropy, batch size 100"
STEPS = "Regarding the learning rate, for training to succeed"
LOSSES = "Train and test distributions of the per-sample loss"
CONSTANT, LOWEST = last("constant", "test_error"), argmin("drop", "test_loss")
TRAIN_LOSS, TEST_ERROR = curve("drop", "train_loss"), curve("drop", "test_error")
LISTED, ONWARDS = curve("drop", "sample_epoch"), window(curve("drop", "test_loss"), since=LOWEST)
MEANWHILE = {"given": count(ONWARDS) > 5}  # else the test loss is lowest at, or near, the end
BEFORE, AFTER = {"before": "drop", "width": 3}, {"after": "drop", "width": 3}
WORSE, BETTER = (metric("drop", f"wrong_{now}_shift_per_image") for now in ("wrong", "right"))


def tail(of):
    """How much the 95 % quantile of the losses grows from the lowest mean test loss to the end."""
    losses = curve("drop", f"{of}_q95")
    return last(losses) - at(losses, nearest(LISTED, LOWEST))


CLAIMS = (
    detail("constant-rate-learns")
    .says("At a rate of 0.1 throughout the training loss falls.")
    .must(last("constant", "train_loss") < first("constant", "train_loss")),
    detail("drop-lowers-train-loss")
    .says("The training loss falls when the rate is halved.")
    .must(mean(TRAIN_LOSS, after="drop", width=5) < mean(TRAIN_LOSS, before="drop", width=5)),
    detail("drop-ends-below-constant")
    .says("The arm with the drop ends with a lower training loss than the one without.")
    .must(last(TRAIN_LOSS) < last("constant", "train_loss")),
    detail("drop-lowers-test-error")
    .says("The test error falls right after the rate is halved.")
    .must(100 * (mean(TEST_ERROR, **AFTER) - mean(TEST_ERROR, **BEFORE)) < 0),
    rule("test-loss-climbs", kind="discrete")
    .says("The test loss may increase late in training.")
    .must(rank_correlation(ONWARDS) > 0.5, **MEANWHILE),
    rule("test-error-falls-meanwhile")
    .says("While the test loss increases, the test error still goes down.")
    .must(100 * (last(TEST_ERROR) - at(TEST_ERROR, LOWEST)) < 0, **MEANWHILE),
    detail("still-wrong-get-worse")
    .says("The test loss rises because the network gets even worse on images it misclassifies.")
    .must(metric("drop", "wrong_wrong_shift_mean") > 0, **MEANWHILE),
    detail("better-on-fixed")
    .says("The loss falls on the images that get fixed.")
    .must(metric("drop", "wrong_right_shift_mean") < 0),
    detail("fixed-gain-less-meanwhile")
    .says("The loss falls less on the images that get fixed than it rises on those still wrong.")
    .must(WORSE + BETTER > 0, **MEANWHILE),
    rule("large-then-small", STEPS, expectation="MIXED")
    .says("A larger step first and a smaller one in the end beats either of the two throughout.")
    .must(100 * (last(TEST_ERROR) - minimum(CONSTANT, last("constant-small", "test_error"))) < 0),
    detail("distributions-drift-apart", LOSSES, kind="discrete")
    .says("The distributions of train and test losses drift apart through the epochs.")
    .must(rank_correlation(window(curve("drop", "ks"), after=1), window(LISTED, after=1)) > 0.9),
    detail("test-tail-grows-meanwhile", LOSSES)
    .says("Over-fitting shows in the tail: the worst test losses grow.")
    .must(tail("test") > 0, **MEANWHILE),
    detail("train-tail-shrinks-meanwhile", LOSSES)
    .says("Meanwhile the worst training losses shrink.")
    .must(tail("train") < 0, **MEANWHILE),
    detail("train-loss-falls-meanwhile", LOSSES)
    .says("And the training loss falls while the test loss increases.")
    .must(last(TRAIN_LOSS) < at(TRAIN_LOSS, LOWEST), **MEANWHILE),
    detail("same-at-start", LOSSES, kind="positive", expectation="MATH")
    .says("Before training, train and test losses are distributed alike.")
    .must(first("drop", "ks_over_critical") < 1.0),
    detail("starts-at-ln10", LOSSES, expectation="MATH")
    .says("Before training, the mean loss is that of guessing among ten classes, ln 10.")
    .must(metric("drop", "initial_test_loss"), near(np.log(10), absolute=0.1)),
)

LOSS, ERROR = Panel(("train_loss", "test_loss")), Panel(("train_error", "test_error"))
TRAIN = Panel(("train_q05", "train_q50", "train_q95"), "train loss (nats)", log=True)
TEST = Panel(("test_q05", "test_q50", "test_q95"), "test loss (nats)", log=True)
FEW, SAMPLED = (0, 1, 2, 3, 5, 6, 7, 10, 12), (0, 1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50)
EPOCHS, SETS = tuple(map(str, SAMPLED)), ("train", "test")
HALVED = {"mark": "drop", "mark_label": "rate halved", "mark_arms": ("drop",)}
FIGURES = (
    Curves("Loss and error", (LOSS, ERROR), columns="arms", **HALVED),
    HistogramGrid("Losses of images", EPOCHS, SETS, "log10 of the loss", "epoch", arms=("drop",)),
    Curves("Quantiles", (TRAIN, TEST), "sample_epoch", columns="arms", **HALVED),
)

RECIPE = Recipe(
    slug="cifar10-lr-drop",
    version=1,
    question="Does halving the learning rate help a small convnet, and how does it over-fit?",
    sources=tuple(Source("fleuret-2021", where) for where in (CONVNET, STEPS, LOSSES)),
    data="cifar10",
    arms=(
        Arm("constant", "rate 0.1 throughout", rates=(0.1, 0.1), initialisation="pytorch"),
        Arm("constant-small", "rate 0.05 throughout", rates=(0.05, 0.05), initialisation="pytorch"),
        Arm("drop", "rate 0.1, then 0.05", rates=(0.1, 0.05), initialisation="pytorch"),
    ),
    scales=(
        Scale("quick", n_train=10_000, n_test=2_000, epochs=12, drop=6, sample_epochs=FEW, seeds=3),
        Scale("full", epochs=50, drop=25, sample_epochs=SAMPLED),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=FIGURES,
    metrics=(
        Metric("initial_test_loss", "test loss before training", "nats"),
        Metric("wrong_wrong_shift_mean", "mean rise of the loss of images still wrong", "nats"),
        Metric("wrong_right_shift_mean", "mean rise of the loss of images put right", "nats"),
        Metric("wrong_wrong_shift_per_image", "rise of the loss by images still wrong", "nats"),
        Metric("wrong_right_shift_per_image", "rise of the loss by images put right", "nats"),
        Metric("sample_epoch", "listed epoch", "", "listed epoch"),
        Metric("ks", "train-test distance (Kolmogorov-Smirnov) of the losses", "", "listed epoch"),
        Metric("ks_over_critical", "train-test distance over its 1 % critical value", "ratio"),
        Metric("train_q95", "95th percentile of the training losses", "nats"),
        Metric("test_q95", "95th percentile of the test losses", "nats"),
    ),
    suites=("quickstart", "gate"),
)
