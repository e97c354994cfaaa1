"""At equal cost, random search finds better hyper-parameters than a grid

Source: Deep Network Components & Training, slides after CS231n, "Random Search vs. Grid Search";
        Harakeh, lecture 7, "Grid VS Random Search"; Fleuret, Deep learning, 5.6, "Choosing the
        network structure"; after Bergstra and Bengio (2012)
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   quick 18 s per replicate (one of two workers, Intel Xeon, 2 cores, TensorFlow 2.21)
Replay: reprise run hpo-grid-vs-random --scale full

How a random search of s trials would end is computed exactly from a pool of trials: every subset of
s is as likely as another. The box is ours, rates of 1e-5 to 1e-2, and grids have its ends: of three
rates the lowest hardly learns and the highest, above the slides' range, explodes.
"""

import math

import numpy as np

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Scatter, Source
from keras_reprise import at, column, count, curve, detail, distinct, equal, exp, log, metric, near
from keras_reprise import rule, total, window
from keras_reprise.search import draws, grid_search, log_grid, log_uniform, random_search, uniform
from keras_reprise.two_layer import Trainer

RATE, REG = (1e-5, 1e-2), (1e-4, 1e2)


def measure(arm, replicate):
    trainer, scale = Trainer(replicate), replicate.scale

    def trained(learning_rate, reg):
        history = trainer.train(learning_rate, reg, epochs=scale.epochs, decay=0.9)
        return {
            "accuracy": 1 - history.curves["test_error"][-1],
            "test_error": history.curves["test_error"][-1],
            "diverged": history.diverged,
        }

    if arm.name == "random":
        space = {"learning_rate": log_uniform(*RATE), "reg": log_uniform(*REG)}
        trials = random_search(replicate, space, scale.pool, trained)
        accuracies = np.sort([trial.get("accuracy", 0.0) for trial in trials])
        expected = [expected_best(accuracies, size) for size in range(1, len(trials) // 2)]
        curves = {"trials_in_search": list(range(1, len(expected) + 1)), "expected_best": expected}
        blocks = draws(uniform(0.0, 1.0), 60 * 500, replicate.seeds.integer("search")).reshape(
            500, 60
        )
        return Measurement(
            {"best": accuracies[-1], "sixty_hit": np.mean(blocks.max(axis=1) > 0.95)},
            curves,
            trials=trials,
        )
    side = arm.side or scale.largest_side
    trials = grid_search(
        replicate, {"learning_rate": log_grid(*RATE, side), "reg": log_grid(*REG, side)}, trained
    )
    best = max(trial.get("accuracy", 0.0) for trial in trials)
    curves = {"trials_in_search": [len(trials)], "expected_best": [best]}
    return Measurement(
        {"best": best, "distinct_rates": len({trial["learning_rate"] for trial in trials})},
        curves,
        trials=trials,
    )


def expected_best(accuracies, size):
    """Mean of the best of `size` trials drawn without replacement from the sorted pool."""
    n = len(accuracies)
    weights = [math.comb(k, size - 1) / math.comb(n, size) for k in range(n)]
    return float(np.dot(weights, accuracies))


POOL = column("random", "accuracy", default=0.0)  # a failed trial has none


def all_of(among, size):
    """Probability that all of `size` trials drawn from the pool are of the `among` given ones:
    C(among, size) over C(pool, size), as a product; 0 where they are too few.
    """
    left = among - np.arange(size)
    return exp(total(log(left * (left > 0) / (count(POOL) - np.arange(size)))))


def better(grid, size):
    """Probability that the best of `size` random trials beats the grid's; a tie counts half."""
    best = metric(grid, "best")
    return 1 - (all_of(count(best > POOL), size) + all_of(count(best >= POOL), size)) / 2


HALF = "Probability that the best of {0} random trials beats the grid of {0}, a tie counted half"
EIGHT = "Expected best accuracy of eight random trials minus the best of the largest grid"
CLAIMS = (
    detail("grid-tries-three", kind="exact", expectation="MATH")
    .says("A grid of nine tries three values of the rate.")
    .must(metric("grid-9", "distinct_rates"), equal(3)),
    *(
        detail(f"random-tries-nine{end}", kind="exact", expectation="MATH")
        .says(f"Nine random trials try nine{end.replace('-', ' ')}.")
        .must(
            distinct(window(column("random", name), since=1, before=9)),
            equal(9),
            unit="values",
            measures=f"Distinct {names} among the first nine random trials",
        )
        for end, name, names in (
            ("", "learning_rate", "learning rates"),
            ("-penalties", "reg", "penalties"),
        )
    ),
    rule("random-better-than-grid-9")
    .says("Nine random trials end better than a grid of nine more often than not.")
    .must(better("grid-9", 9) > 0.5, unit="probability", measures=HALF.format("nine")),
    rule("random-better-than-grid-16")
    .says("So do sixteen.")
    .must(better("grid-16", 16) > 0.5, unit="probability", measures=HALF.format("sixteen")),
    detail(
        "eight-match-the-largest-grid",
        "Bergstra and Bengio (2012), Figs. 5 and 6",
        expectation="MIXED",
    )
    .says("Eight random trials come within a standard error (1.6 points) of the largest grid.")
    .must(
        100 * (at(curve("random", "expected_best"), 8) - metric("grid-largest", "best")) > -1.6,
        unit="points",
        measures=EIGHT,
    ),
    detail("sixty-trials-suffice", expectation="MATH")
    .says("Sixty random trials hit the best twentieth of the box with probability 0.95.")
    .must(metric("random", "sixty_hit"), near(1 - 0.95**60, absolute=0.03)),
)
AXES = ("learning_rate", "reg", "learning rate", "penalty strength")
COLOUR = {"color": "accuracy", "color_label": "validation accuracy"}
BEST = (Panel(("expected_best",), "best validation accuracy (random: expected)"),)
TRIALS = {"x": "trials_in_search", "x_label": "trials in the search", "x_log": True}

RECIPE = Recipe(
    slug="hpo-grid-vs-random",
    version=2,
    question="At equal cost, does random search beat a grid?",
    sources=(
        Source("cs231n-slides", "Random Search vs. Grid Search"),
        Source("fleuret-2021", "Choosing the network structure"),
        Source("training-practice-slides", "Grid VS Random Search"),
    ),
    data="cifar10",
    arms=(
        Arm("grid-9", "every combination of 3 rates and 3 penalties", side=3),
        Arm("grid-16", "every combination of 4 rates and 4 penalties", side=4),
        Arm("grid-largest", "5 rates and 5 penalties (full scale: 10 and 10)", side=None),
        Arm("random", "a pool of random trials from the same box"),
    ),
    scales=(
        Scale("quick", n_train=6_000, n_test=1_000, pool=64, epochs=2, largest_side=5),
        Scale("full", pool=256, epochs=5, largest_side=10),
    ),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Scatter("Grids and random trials", *AXES, **COLOUR, log=("x", "y")),
        Curves("Best accuracy against the trials", BEST, **TRIALS),
    ),
    metrics=(
        Metric("distinct_rates", "number of distinct learning rates", "values"),
        Metric("sixty_hit", "share of 500 searches that hit the best twentieth", "probability"),
    ),
)
