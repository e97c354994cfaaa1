"""Keep the step large first and small later: halving the rate after 25 epochs lowers the training loss and the test error.

Source: document 000, slides on the learning rate and "Small convnet on CIFAR10" (000:98, 113-144, 148-309)
Data:   cifar10 (50,000 train, 10,000 test images), minus the mean and over the deviation of all training pixels
Cost:   full 14 min per replicate, quick 48 s (2 cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run cifar10-lr-drop --scale full

The slides print neither the network nor the initialisation nor the number of epochs. The network is that of the author's
course code (catalogue, A1), the initialisation PyTorch's default, the batches are shuffled, and training goes on to
epoch 50. `constant` and `drop` share the epochs before the drop. train_loss is the mean over the updates of an epoch.
"""

import keras
import numpy as np
from scipy.stats import ks_2samp, spearmanr

from keras_reprise import Arm, Claim, Curves, Histogram, HistogramGrid, Measurement, Panel, Recipe, Scale, Source, train
from keras_reprise.models import small_convnet
from keras_reprise.schedules import steps

SAMPLES = 5000  # the per-sample losses are those of the first 5,000 training and the first 5,000 test images
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
        metrics=history.last | loss_shifts(history) | {"drop": scale.drop, "initial_test_loss": history.initial["test_loss"]},
        curves=history.curves | curves,
        histograms=histograms,
        diverged=history.diverged,
    )


def loss_distributions(history):
    """Histogram (log10), quantiles and Kolmogorov-Smirnov distance of the per-sample losses at the listed epochs."""
    curves, histograms = {"sample_epoch": [], "ks": [], "ks_over_critical": []}, {}
    for epoch, train_losses in history.train_losses.items():
        losses = {"train": train_losses, "test": history.test_losses[epoch][:SAMPLES]}
        for name, values in losses.items():
            histograms[f"{name}_{epoch}"] = Histogram.of(np.log10(np.maximum(values, 1e-12)), -5.0, 1.5, 26)
            for quantile, share in QUANTILES.items():
                curves.setdefault(f"{name}_{quantile}", []).append(np.quantile(values, share))
        critical = 1.628 * np.sqrt(1 / len(losses["train"]) + 1 / len(losses["test"]))  # two-sample KS test at the 1 % level
        curves["sample_epoch"].append(epoch)
        curves["ks"].append(ks_2samp(losses["train"], losses["test"]).statistic)
        curves["ks_over_critical"].append(curves["ks"][-1] / critical)
    return curves, histograms


def loss_shifts(history):
    """How the loss of the test images moved from the epoch of the lowest test loss to the last, by what became of them."""
    lowest = 1 + int(np.argmin(history.curves["test_loss"]))
    shift = history.test_losses[-1].astype(float) - history.test_losses[lowest]
    wrong_then, wrong_now = history.test_wrong[lowest], history.test_wrong[-1]
    groups = {"wrong_wrong": wrong_then & wrong_now, "wrong_right": wrong_then & ~wrong_now, "right_wrong": ~wrong_then & wrong_now, "right_right": ~wrong_then & ~wrong_now}
    metrics = {"lowest_test_loss_epoch": lowest}
    for name, members in groups.items():
        metrics[f"{name}_share"] = members.mean()
        metrics[f"{name}_shift_mean"] = shift[members].mean() if members.any() else np.nan
        metrics[f"{name}_shift_per_image"] = shift[members].sum() / len(shift)
    return metrics


def around_drop(arms, scale, curve, width):
    """Mean of a curve of the arm `drop` over the `width` epochs after the drop minus that over the `width` before."""
    values = arms["drop"].curves[curve]
    return values[scale.drop : scale.drop + width].mean() - values[scale.drop - width : scale.drop].mean()


def last_difference(arms, scale):
    """Last training loss of `drop` minus that of `constant`."""
    return arms["drop"].curves["train_loss"][-1] - arms["constant"].curves["train_loss"][-1]


def drop_against_constants(arms, scale):
    """Last test error of `drop` minus the lower one of `constant` and `constant-small`."""
    last = {name: arm.curves["test_error"][-1] for name, arm in arms.items()}
    return 100 * (last["drop"] - min(last["constant"], last["constant-small"]))


def test_loss_trend(arms, scale):
    """Spearman correlation of test loss and epoch from the lowest test loss to the end; 0 if fewer than 5 epochs follow."""
    after = arms["drop"].curves["test_loss"][int(np.argmin(arms["drop"].curves["test_loss"])) :]
    return spearmanr(np.arange(len(after)), after).statistic if len(after) > 5 else 0.0


def error_after_lowest_loss(arms, scale):
    """Test error at the last epoch minus that at the epoch of the lowest test loss."""
    curves = arms["drop"].curves
    return 100 * (curves["test_error"][-1] - curves["test_error"][np.argmin(curves["test_loss"])])


def tail_after_lowest_loss(arms, name):
    curves = arms["drop"].curves
    lowest = np.argmin(np.abs(curves["sample_epoch"] - 1 - np.argmin(curves["test_loss"])))
    return curves[f"{name}_q95"][-1] - curves[f"{name}_q95"][lowest]


def ks_trend(arms, scale):
    """Spearman correlation of the train-test Kolmogorov-Smirnov distance and the epoch, over the listed epochs after 0."""
    curves = arms["drop"].curves
    return spearmanr(curves["sample_epoch"][1:], curves["ks"][1:]).statistic


def shift(name):
    return lambda arms, scale: arms["drop"].metrics[name]


CLAIMS = (
    Claim("drop-lowers-train-loss", "The training loss falls when the rate is halved.", "000:129-133", lambda a, s: around_drop(a, s, "train_loss", 5), "nats", below=0.0,
          measures="Mean training loss over the 5 epochs after the drop minus the 5 before"),
    Claim("drop-ends-below-constant", "The arm with the drop ends with a lower training loss than the one without.", "000:129-133", last_difference, "nats", below=0.0),
    Claim("drop-lowers-test-error", "The test error falls right after the rate is halved.", "000:129-133", lambda a, s: 100 * around_drop(a, s, "test_error", 3), "points", below=0.0,
          measures="Mean test error over the 3 epochs after the drop minus the 3 before"),
    Claim("test-loss-rises", "The test loss may increase late in training.", "000:144", test_loss_trend, "rank correlation", above=0.5),
    Claim("test-error-still-falls", "Meanwhile the test error still goes down.", "000:144", error_after_lowest_loss, "points", below=0.0),
    Claim("worse-on-still-wrong", "It rises because the network gets even worse on images it misclassifies.", "000:144", shift("wrong_wrong_shift_mean"), "nats", above=0.0,
          measures="Mean change of loss, lowest-test-loss epoch to last, of test images wrong at both"),
    Claim("better-on-fixed", "The loss falls on the images that get fixed.", "000:144", shift("wrong_right_shift_mean"), "nats", below=0.0,
          measures="Mean change of loss, lowest-test-loss epoch to last, of test images wrong then and right now"),
    Claim("fixed-gain-less", "The loss decreases less on the images that get fixed than it increases on those still wrong.", "000:144",
          lambda a, s: a["drop"].metrics["wrong_wrong_shift_per_image"] + a["drop"].metrics["wrong_right_shift_per_image"], "nats", above=0.0,
          measures="Sum of the two groups' changes of loss, per test image"),
    Claim("large-then-small", "A larger step first and a smaller one in the end beats either of the two throughout.", "000:98", drop_against_constants, "points", below=0.0, expectation="MIXED"),
    Claim("distributions-drift-apart", "The distributions of train and test losses drift apart through the epochs.", "000:148-156", ks_trend, "rank correlation", above=0.9),
    Claim("test-tail-grows", "Over-fitting shows in the tail: the worst test losses grow.", "000:148-156", lambda a, s: tail_after_lowest_loss(a, "test"), "nats", above=0.0,
          measures="95th percentile of the test losses at the last epoch minus that at the listed epoch nearest the lowest test loss"),
    Claim("train-tail-shrinks", "Meanwhile the worst training losses shrink.", "000:148-156", lambda a, s: tail_after_lowest_loss(a, "train"), "nats", below=0.0,
          measures="95th percentile of the training losses at the last epoch minus that at the listed epoch nearest the lowest test loss"),
    Claim("same-at-start", "Before training, train and test losses are distributed alike.", "000:148-156", lambda a, s: a["drop"].curves["ks_over_critical"][0], "ratio", below=1.0, log=True, expectation="MATH",
          measures="Kolmogorov-Smirnov distance at epoch 0 over its critical value at the 1 % level"),
    Claim("starts-at-ln10", "Before training, the mean loss is that of guessing among ten classes, ln 10.", "000:148-156", shift("initial_test_loss"), "nats", above=np.log(10) - 0.1, below=np.log(10) + 0.1, expectation="MATH",
          measures="Mean test loss at epoch 0"),
)  # fmt: skip

SAMPLED = (0, 1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50)

RECIPE = Recipe(
    slug="cifar10-lr-drop",
    version=1,
    question="Does halving the learning rate after 25 epochs help a small convnet on CIFAR-10, and how does it over-fit?",
    sources=(Source("fleuret-2021", "000:98"), Source("fleuret-2021", "000:113-144"), Source("fleuret-2021", "000:148-309")),
    data="cifar10",
    arms=(
        Arm("constant", "rate 0.1 throughout", rates=(0.1, 0.1), initialisation="pytorch"),
        Arm("constant-small", "rate 0.05 throughout", rates=(0.05, 0.05), initialisation="pytorch"),
        Arm("drop", "rate 0.1, then 0.05 after the drop", rates=(0.1, 0.05), initialisation="pytorch"),
    ),
    scales=(
        Scale("quick", n_train=10_000, n_test=2_000, epochs=12, drop=6, sample_epochs=(0, 1, 2, 3, 5, 6, 7, 10, 12), seeds=3),
        Scale("full", epochs=50, drop=25, sample_epochs=SAMPLED),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves(
            "Loss and error through the epochs",
            panels=(Panel(("train_loss", "test_loss"), "loss (nats)"), Panel(("train_error", "test_error"), "error (fraction)")),
            mark="drop",
            mark_label="rate halved",
        ),
        HistogramGrid("Per-sample losses through the epochs", tuple(map(str, SAMPLED)), ("train", "test"), "log10 of the loss", "epoch", arms=("drop",)),
        Curves(
            "Quantiles of the per-sample losses",
            panels=(Panel(("train_q05", "train_q50", "train_q95"), "train loss (nats)", log=True), Panel(("test_q05", "test_q50", "test_q95"), "test loss (nats)", log=True)),
            x="sample_epoch",
            mark="drop",
            mark_label="rate halved",
        ),
    ),
    suites=("quickstart", "gate"),
)
