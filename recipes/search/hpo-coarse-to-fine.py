"""Search coarsely in log space first, then finely in the box that worked

Source: Deep Network Components & Training, slides after CS231n, "Cross-validation strategy", "For
        example: run coarse search" (11 printed trials) and "Now run finer search" (22);
        Harakeh, lecture 7, "Learning Rate"
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   full 15 min per replicate, quick 20 s (2 cores of an Intel Xeon, shared at full scale,
        TensorFlow 2.21)
Replay: reprise run hpo-coarse-to-fine --scale full

Two more arms train the printed settings themselves; the rate falls by 10 % an epoch. The printed
best, 0.531, is one of 100 trials, each known to 0.016 (1,000 validation images).
"""

import numpy as np

from keras_reprise import Arm, Box, Measurement, Metric, Recipe, Scale, Scatter, Source, between
from keras_reprise import column, count, detail, keep, maximum, mean, metric, minimum, near
from keras_reprise import printed_value, rank_correlation, rule, setting, slope
from keras_reprise.search import draws, log_uniform, random_search, uniform
from keras_reprise.two_layer import Trainer

COARSE, FINE = ((1e-6, 1e-3), (1e-5, 1e5)), ((1e-4, 1e-3), (1e-4, 1.0))
PRINTED = {
    "printed-coarse": (
        (0.412, 1.405206e-04, 4.793564e-01),
        (0.214, 7.231888e-06, 2.321281e-04),
        (0.208, 2.119571e-06, 8.011857e01),
        (0.196, 1.551131e-05, 4.374936e-05),
        (0.079, 1.753300e-05, 1.200424e03),
        (0.223, 4.215128e-05, 4.196174e01),
        (0.441, 1.750259e-04, 2.110807e-04),
        (0.241, 6.749231e-05, 4.226413e01),
        (0.482, 4.296863e-04, 6.642555e-01),
        (0.079, 5.401602e-06, 1.599828e04),
        (0.154, 1.618508e-06, 4.925252e-01),
    ),
    "printed-fine": (
        (0.527, 5.340517e-04, 4.097824e-01),
        (0.492, 2.279484e-04, 9.991345e-04),
        (0.512, 8.680827e-04, 1.349727e-02),
        (0.461, 1.028377e-04, 1.220193e-02),
        (0.460, 1.113730e-04, 5.244309e-02),
        (0.498, 9.477776e-04, 2.001293e-03),
        (0.469, 1.484369e-04, 4.328313e-01),
        (0.522, 5.586261e-04, 2.312685e-04),
        (0.530, 5.808183e-04, 8.259964e-02),
        (0.489, 1.979168e-04, 1.010889e-04),
        (0.490, 2.036031e-04, 2.406271e-03),
        (0.475, 2.021162e-04, 2.287807e-01),
        (0.460, 1.135527e-04, 3.905040e-02),
        (0.515, 6.947668e-04, 1.562808e-02),
        (0.531, 9.471549e-04, 1.433895e-03),
        (0.509, 3.140888e-04, 2.857518e-01),
        (0.514, 6.438349e-04, 3.033781e-01),
        (0.502, 3.921784e-04, 2.707126e-04),
        (0.509, 9.752279e-04, 2.850865e-03),
        (0.500, 2.412048e-04, 4.997821e-04),
        (0.466, 1.319314e-04, 1.189915e-02),
        (0.516, 8.039527e-04, 1.528291e-02),
    ),
}


def measure(arm, replicate):
    trainer = Trainer(replicate)

    def trained(learning_rate, reg):
        history = trainer.train(learning_rate, reg, epochs=replicate.scale.epochs, decay=0.9)
        error = history.curves["test_error"][-1]
        return {
            "accuracy": 1 - error,
            "test_error": error,
            "train_accuracy": 1 - history.curves["train_error"][-1],
            "diverged": history.diverged,
        }

    if arm.name in PRINTED:
        settings = [{"learning_rate": rate, "reg": reg} for _, rate, reg in PRINTED[arm.name]]
        trials = replicate.sweep(settings, trained)
    else:
        space = {
            name: log_uniform(*box)
            for name, box in zip(("learning_rate", "reg"), arm.box, strict=True)
        }
        trials = random_search(replicate, space, replicate.scale.trials, trained)
    drawn = {
        name: draws(axis(*COARSE[0]), 2000, replicate.seeds.integer("search"))
        for name, axis in (("log", log_uniform), ("plain", uniform))
    }
    accuracies = np.array([trial.get("accuracy", 0.0) for trial in trials])
    best = trials[int(np.argmax(accuracies))]
    metrics = {
        "trials": len(trials),
        "best": accuracies.max(),
        "mean": accuracies.mean(),
        "best_rate": best["learning_rate"],
        "best_reg": best["reg"],
    }
    return Measurement(
        metrics | {f"{name}_above_1e-4": np.mean(values > 1e-4) for name, values in drawn.items()},
        trials=trials,
    )


STRATEGY = "CROSS-VALIDATION STRATEGY"
COARSELY, FINELY = "FOR EXAMPLE: RUN COARSE SEARCH", "NOW RUN FINER SEARCH..."
RATE, PENALTY = column("fine", "learning_rate"), column("fine", "reg")
TOP, MIDDLE = RATE >= 10**-3.2, (RATE >= 10**-3.6) & (RATE <= 10**-3.4)  # fifths of the box
RATES, PENALTIES = column("coarse", "learning_rate"), column("coarse", "reg")
STRONG, LOW = PENALTIES > 1e3, RATES < 1e-5
HALF, ALL = setting("trials") / 2, setting("trials")


def accuracy(arm):
    return column(arm, "accuracy", default=0.0)  # a failed trial has none


COARSES, FINES, AGAIN = accuracy("coarse"), accuracy("fine"), accuracy("printed-fine")
ONE_STAGE = maximum(COARSES, since=1, before=ALL)
STAGES = [maximum(found, since=1, before=HALF) for found in (COARSES, FINES)]
HIGHER = mean(keep(FINES, TOP)) - mean(keep(FINES, MIDDLE))
TABLE = [row[0] for row in PRINTED["printed-fine"]]
OFF = accuracy("printed-coarse") - [row[0] for row in PRINTED["printed-coarse"]]
TWO_STAGES = "Best of half of either search's trials minus the best of all coarse ones"
BORDER = "Mean validation accuracy of the top fifth of the rates minus the middle fifth's"
CLAIMS = (
    rule("best-of-fine", FINELY)
    .says("The best trial of the fine search reaches at least 0.50.")
    .must(metric("fine", "best") > 0.50),
    rule("two-stages-beat-one")
    .says("Half coarse, half in the slide's finer box beat as many coarse trials by a point.")
    .must(maximum(*STAGES) - ONE_STAGE > 0.01, measures=TWO_STAGES),
    printed_value("best-as-printed", FINELY, printed=0.531)
    .says("It is about the printed 53 %, the best of 100 trials.")
    .must(metric("fine", "best"), near(0.531, absolute=0.04)),
    detail("all-fine-trials-learn", FINELY)
    .says("All trials of the fine search learn: none is below 0.25.")
    .must(minimum(FINES) > 0.25),
    detail("strong-penalty-is-chance", COARSELY)
    .says("A penalty above 1,000 leaves nothing but chance.")
    .must(mean(keep(COARSES, STRONG)) < 0.12, given=count(STRONG) > 0),
    detail("low-rate-learns-little", COARSELY)
    .says("A rate below 1e-5 learns little in so few epochs.")
    .must(mean(keep(COARSES, LOW)) < 0.25, given=count(LOW) > 0),
    detail("still-rising-at-the-border", FINELY, expectation="MIXED")
    .says("Accuracy rises to the upper border of the fine box, so better rates may lie beyond it.")
    .must(HIGHER > 0, given=(count(TOP) > 0) & (count(MIDDLE) > 0), measures=BORDER),
    detail("rate-matters", FINELY, printed=0.80)
    .says("In the fine box accuracy rises with the rate.")
    .must(rank_correlation(FINES, RATE) > 0.5),
    detail("penalty-hardly-matters", FINELY, printed=-0.005)
    .says("And the penalty hardly matters.")
    .must(rank_correlation(FINES, PENALTY), between(-0.35, 0.35)),
    printed_value("coarse-trials-as-printed", COARSELY)
    .says("The 11 printed coarse trials come out as printed, on average.")
    .must(
        mean(abs(OFF)) < 0.05, measures="Mean absolute difference from the 11 printed accuracies"
    ),
    printed_value("fine-trials-at-printed-level", FINELY)
    .says("The 22 printed fine trials come out as good as printed.")
    .must(
        mean(AGAIN - TABLE),
        near(0.0, absolute=0.015),
        measures="Mean difference from the 22 printed accuracies",
    ),
    printed_value("fine-trials-differ-as-printed", FINELY)
    .says("And differ from each other as printed.")
    .must(
        slope(AGAIN, TABLE),
        between(0.5, 1.5),
        measures="Slope of the accuracies over the 22 printed ones",
    ),
    printed_value("fine-trials-in-printed-order", FINELY)
    .says("And rank as printed.")
    .must(
        rank_correlation(AGAIN, TABLE) > 0.5,
        measures="Rank correlation with the 22 printed accuracies",
    ),
    detail("plain-draws-crowd", COARSELY, expectation="MATH")
    .says("Drawn uniformly, not in log space, nine rates of ten lie in the box's highest decade.")
    .must(metric("coarse", "plain_above_1e-4"), near(0.9009, absolute=0.03)),
    detail("log-draws-spread", COARSELY, expectation="MATH")
    .says("In log space it is one in three.")
    .must(metric("coarse", "log_above_1e-4"), near(1 / 3, absolute=0.05)),
    detail("few-coarse-trials-are-good", COARSELY, printed=3 / 11)
    .says("Fewer than half of the coarse trials reach 0.3; of the 11 printed ones 3 do.")
    .must(mean(COARSES >= 0.3) < 0.5),
    detail("rate-matters-more-than-penalty", "Learning Rate", printed=0.38)
    .says("The rate is the one to tune: in the coarse box it matters more than the penalty.")
    .must(abs(rank_correlation(COARSES, RATES)) > abs(rank_correlation(COARSES, PENALTIES))),
)
AXES = ("learning_rate", "reg", "learning rate", "penalty strength")
COLOUR = {"color": "accuracy", "color_label": "validation accuracy"}
ACCURACY = ("learning_rate", "accuracy", "learning rate", "validation accuracy")
ENTRIES = ("accuracy", "learning_rate", "reg")
POINTS = {a: [dict(zip(ENTRIES, one, strict=True)) for one in rows] for a, rows in PRINTED.items()}
BOXES = {"boxes": (Box("coarse box", *COARSE), Box("fine box", *FINE)), "log": ("x", "y")}

RECIPE = Recipe(
    slug="hpo-coarse-to-fine",
    version=1,
    question="Does a coarse search, then a fine one, find the documented accuracy?",
    sources=(
        *(Source("cs231n-slides", title) for title in (STRATEGY, COARSELY, FINELY)),
        Source("training-practice-slides", "Learning Rate"),
    ),
    data="cifar10",
    arms=(
        Arm("coarse", "random search: rate 1e-6 to 1e-3, penalty 1e-5 to 1e5", box=COARSE),
        Arm("fine", "random search: rate 1e-4 to 1e-3, penalty 1e-4 to 1", box=FINE),
        Arm("printed-coarse", "the 11 printed settings of the coarse search"),
        Arm("printed-fine", "the 22 printed settings of the fine search"),
    ),
    scales=(
        Scale("quick", n_train=10_000, n_test=1_000, trials=20, epochs=3),
        Scale("full", trials=100, epochs=5),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Scatter("The two searches", *AXES, **COLOUR, **BOXES, arms=("coarse", "fine")),
        Scatter("Trained again", *ACCURACY, log=("x",), printed=POINTS, arms=tuple(PRINTED)),
    ),
    metrics=(
        Metric("accuracy", "validation accuracy", "fraction"),
        Metric("best", "best validation accuracy", "fraction"),
        Metric("reg", "penalty"),
        Metric("learning_rate", "rate"),
        Metric("plain_above_1e-4", "share of 2,000 uniform draws above 1e-4", "share"),
        Metric("log_above_1e-4", "share of 2,000 log-uniform draws above 1e-4", "share"),
    ),
)
