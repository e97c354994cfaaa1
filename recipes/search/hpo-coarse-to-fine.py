"""Search the learning rate coarsely first, then finely: the fine box is better on average, and its best value may sit at the border

Source: document 003 (003:597-719), with 11 printed trials of the coarse search and 22 of the fine one
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 15 min per replicate, quick 20 s (2 cores of an Intel Xeon, shared at full scale, TensorFlow 2.21)
Replay: reprise run hpo-coarse-to-fine --scale full

keras-tuner draws the trials; each trains the two-layer network for five epochs at full scale, the rate falling by 10 % an epoch,
without momentum (catalogue, 0.5). Two more arms train the printed settings themselves. The printed best, 0.531, is one of 100
trials, each known to 0.016 (1,000 validation images).
"""

import math

import numpy as np
from scipy.stats import spearmanr

from keras_reprise import Arm, Box, Claim, Measurement, Recipe, Scale, Scatter, Source, near
from keras_reprise.search import draws, log_uniform, random_search, uniform
from keras_reprise.two_layer import Trainer

COARSE, FINE = ((1e-6, 1e-3), (1e-5, 1e5)), ((1e-4, 1e-3), (1e-4, 1.0))
PRINTED = {
    "printed-coarse": ((0.412, 1.405206e-04, 4.793564e-01), (0.214, 7.231888e-06, 2.321281e-04), (0.208, 2.119571e-06, 8.011857e01), (0.196, 1.551131e-05, 4.374936e-05), (0.079, 1.753300e-05, 1.200424e03), (0.223, 4.215128e-05, 4.196174e01), (0.441, 1.750259e-04, 2.110807e-04), (0.241, 6.749231e-05, 4.226413e01), (0.482, 4.296863e-04, 6.642555e-01), (0.079, 5.401602e-06, 1.599828e04), (0.154, 1.618508e-06, 4.925252e-01)),
    "printed-fine": ((0.527, 5.340517e-04, 4.097824e-01), (0.492, 2.279484e-04, 9.991345e-04), (0.512, 8.680827e-04, 1.349727e-02), (0.461, 1.028377e-04, 1.220193e-02), (0.460, 1.113730e-04, 5.244309e-02), (0.498, 9.477776e-04, 2.001293e-03), (0.469, 1.484369e-04, 4.328313e-01), (0.522, 5.586261e-04, 2.312685e-04), (0.530, 5.808183e-04, 8.259964e-02), (0.489, 1.979168e-04, 1.010889e-04), (0.490, 2.036031e-04, 2.406271e-03), (0.475, 2.021162e-04, 2.287807e-01), (0.460, 1.135527e-04, 3.905040e-02), (0.515, 6.947668e-04, 1.562808e-02), (0.531, 9.471549e-04, 1.433895e-03), (0.509, 3.140888e-04, 2.857518e-01), (0.514, 6.438349e-04, 3.033781e-01), (0.502, 3.921784e-04, 2.707126e-04), (0.509, 9.752279e-04, 2.850865e-03), (0.500, 2.412048e-04, 4.997821e-04), (0.466, 1.319314e-04, 1.189915e-02), (0.516, 8.039527e-04, 1.528291e-02)),
}  # fmt: skip


def measure(arm, replicate):
    trainer = Trainer(replicate)

    def trained(learning_rate, reg):
        history = trainer.train(learning_rate, reg, epochs=replicate.scale.epochs, decay=0.9)
        error = history.curves["test_error"][-1]
        return {"accuracy": 1 - error, "test_error": error, "train_accuracy": 1 - history.curves["train_error"][-1], "diverged": history.diverged}

    if arm.name in PRINTED:
        settings = [{"learning_rate": rate, "reg": reg} for _, rate, reg in PRINTED[arm.name]]
        trials = replicate.sweep(settings, trained)
    else:
        space = {name: log_uniform(*box) for name, box in zip(("learning_rate", "reg"), arm.box, strict=True)}
        trials = random_search(replicate, space, replicate.scale.trials, trained)
    drawn = {name: draws(axis(*COARSE[0]), 2000, replicate.seeds.integer("search")) for name, axis in (("log", log_uniform), ("plain", uniform))}
    accuracies = np.array([trial.get("accuracy", 0.0) for trial in trials])
    best = trials[int(np.argmax(accuracies))]
    metrics = {"trials": len(trials), "best": accuracies.max(), "mean": accuracies.mean(), "best_rate": best["learning_rate"], "best_reg": best["reg"]}
    return Measurement(metrics | {f"{name}_above_1e-4": np.mean(values > 1e-4) for name, values in drawn.items()}, trials=trials)


def column(arms, arm, name, where=lambda trial: True):
    return np.array([trial.get(name, 0.0) for trial in arms[arm].trials if where(trial)])


def mean_where(where):
    def statistic(arms, scale):
        found = column(arms, "coarse", "accuracy", where)
        return found.mean() if len(found) else math.nan

    return statistic


def correlation(arm, name):
    return lambda arms, scale: spearmanr(column(arms, arm, name), column(arms, arm, "accuracy")).statistic


def against_printed(arm, statistic):
    return lambda arms, scale: statistic(column(arms, arm, "accuracy"), np.array([row[0] for row in PRINTED[arm]]))


def border(arms, scale):
    """Place of the best fine rate on the logarithmic range of its box (0: lower end, 1: upper end)."""
    low, high = FINE[0]
    return math.log(arms["fine"].metrics["best_rate"] / low) / math.log(high / low)


def metric(arm, name):
    return lambda arms, scale: arms[arm].metrics[name]


def printed_points(arm):
    return [{"accuracy": accuracy, "learning_rate": rate, "reg": reg} for accuracy, rate, reg in PRINTED[arm]]


CLAIMS = (
    Claim("best-of-fine", "The best trial of the fine search reaches at least 0.50.", "003:691-718", metric("fine", "best"), "fraction", above=0.50, measures="Best validation accuracy of the fine search"),
    Claim("best-as-printed", "It is about the printed 53 %.", "003:677", metric("fine", "best"), "fraction", **near(0.531, absolute=0.04), printed=0.531, measures="Best validation accuracy of the fine search"),
    Claim("fine-beats-coarse", "The fine box is better on average by far.", "003:624-718", lambda a, s: a["fine"].metrics["mean"] - a["coarse"].metrics["mean"], "fraction", above=0.15, measures="Mean validation accuracy of the fine search minus that of the coarse one"),
    Claim("strong-penalty-is-chance", "A penalty above 1,000 leaves nothing but chance.", "003:624-638", mean_where(lambda t: t["reg"] > 1e3), "fraction", below=0.12, measures="Mean validation accuracy of the coarse trials with a penalty above 1,000"),
    Claim("low-rate-learns-little", "A rate below 1e-5 learns little in so few epochs.", "003:624-638", mean_where(lambda t: t["learning_rate"] < 1e-5), "fraction", below=0.25, measures="Mean validation accuracy of the coarse trials with a rate below 1e-5"),
    Claim("best-at-the-border", "The best fine rate sits at the upper border of its box, which is worrying.", "003:711", border, "share of the range", above=0.9, printed=0.976, expectation="MIXED"),
    Claim("rate-matters", "In the fine box the rate decides.", "003:691-718", correlation("fine", "learning_rate"), "rank correlation", above=0.5, printed=0.80, measures="Spearman correlation of rate and validation accuracy, fine search"),
    Claim("penalty-hardly-matters", "And the penalty hardly matters.", "003:691-718", correlation("fine", "reg"), "rank correlation", above=-0.35, below=0.35, printed=-0.005, measures="Spearman correlation of penalty and validation accuracy, fine search"),
    Claim("coarse-trials-as-printed", "The 11 printed coarse trials come out as printed.", "003:624-638", against_printed("printed-coarse", lambda ours, printed: np.abs(ours - printed).mean()), "fraction", below=0.05, measures="Mean absolute difference from the 11 printed validation accuracies"),
    Claim("fine-trials-as-printed", "The 22 printed fine trials come out as printed.", "003:691-718", against_printed("printed-fine", lambda ours, printed: np.abs(ours - printed).mean()), "fraction", below=0.03, measures="Mean absolute difference from the 22 printed validation accuracies"),
    Claim("fine-trials-in-printed-order", "And rank as printed.", "003:691-718", against_printed("printed-fine", lambda ours, printed: spearmanr(ours, printed).statistic), "rank correlation", above=0.5, measures="Spearman correlation with the 22 printed validation accuracies"),
    Claim("plain-draws-crowd", "Drawn uniformly instead of in log space, nine rates of ten lie in the coarse box's highest decade.", "003:613", metric("coarse", "plain_above_1e-4"), "share", **near(0.9009, absolute=0.03), expectation="MATH", measures="Share of 2,000 uniform draws from 1e-6 to 1e-3 that are above 1e-4"),
    Claim("log-draws-spread", "In log space it is one in three.", "003:613", metric("coarse", "log_above_1e-4"), "share", **near(1 / 3, absolute=0.05), expectation="MATH", measures="Share of 2,000 log-uniform draws from 1e-6 to 1e-3 that are above 1e-4"),
)  # fmt: skip

BOXES = (Box("coarse box", *COARSE), Box("fine box", *FINE))

RECIPE = Recipe(
    slug="hpo-coarse-to-fine",
    version=1,
    question="Does a coarse search followed by a fine one find the documented accuracy of a two-layer network?",
    sources=(Source("cs231n-slides", "003:597-719"),),
    data="cifar10",
    arms=(
        Arm("coarse", "random search: rate 1e-6 to 1e-3, penalty 1e-5 to 1e5", box=COARSE),
        Arm("fine", "random search: rate 1e-4 to 1e-3, penalty 1e-4 to 1", box=FINE),
        Arm("printed-coarse", "the 11 printed settings of the coarse search"),
        Arm("printed-fine", "the 22 printed settings of the fine search"),
    ),
    scales=(Scale("quick", n_train=10_000, n_test=1_000, trials=20, epochs=3), Scale("full", trials=100, epochs=5)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Scatter("The two searches", "learning_rate", "reg", "learning rate", "penalty strength", color="accuracy", color_label="validation accuracy", log=("x", "y"), boxes=BOXES, arms=("coarse", "fine")),
        Scatter("Accuracy against the rate", "learning_rate", "accuracy", "learning rate", "validation accuracy", log=("x",), arms=("coarse", "fine")),
        Scatter("The printed settings, trained again", "learning_rate", "accuracy", "learning rate", "validation accuracy", log=("x",), arms=tuple(PRINTED), printed={arm: printed_points(arm) for arm in PRINTED}),
    ),
)  # fmt: skip
