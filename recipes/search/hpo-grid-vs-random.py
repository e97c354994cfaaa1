"""Random search tries more values of what matters than a grid of the same size, and so finds better settings where one dimension decides

Source: documents 000, 001 and 003 (000:73, 001:257, 003:721-726, 003:773), after Bergstra and Bengio (2012)
Data:   cifar10, 1,000 training images set apart, pixels minus the mean image
Cost:   quick 25 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run hpo-grid-vs-random --scale full

keras-tuner walks whole grids of 9, 16 and 25 trials (full scale also 100) and draws one pool of random trials from the same
box. How a random search of s trials would end is computed exactly from the pool: every subset of s is as likely as another.
"""

import math

import numpy as np

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Scatter, Source, near
from keras_reprise.search import draws, grid_search, log_grid, log_uniform, random_search, uniform
from keras_reprise.two_layer import Trainer

RATE, REG = (1e-5, 1e-2), (1e-4, 1e2)


def measure(arm, replicate):
    trainer, scale = Trainer(replicate), replicate.scale

    def trained(learning_rate, reg):
        history = trainer.train(learning_rate, reg, epochs=scale.epochs, decay=0.9)
        return {"accuracy": 1 - history.curves["test_error"][-1], "test_error": history.curves["test_error"][-1], "diverged": history.diverged}

    if arm.name == "random":
        space = {"learning_rate": log_uniform(*RATE), "reg": log_uniform(*REG)}
        trials = random_search(replicate, space, scale.pool, trained)
        accuracies = np.sort([trial.get("accuracy", 0.0) for trial in trials])
        expected = [expected_best(accuracies, size) for size in range(1, len(trials) // 2)]
        curves = {"trials_in_search": list(range(1, len(expected) + 1)), "expected_best": expected}
        blocks = draws(uniform(0.0, 1.0), 60 * 500, replicate.seeds.integer("search")).reshape(500, 60)
        return Measurement({"best": accuracies[-1], "sixty_hit": np.mean(blocks.max(axis=1) > 0.95)}, curves, trials=trials)
    side = arm.side or scale.largest_side
    trials = grid_search(replicate, {"learning_rate": log_grid(*RATE, side), "reg": log_grid(*REG, side)}, trained)
    best = max(trial.get("accuracy", 0.0) for trial in trials)
    curves = {"trials_in_search": [len(trials)], "expected_best": [best]}
    return Measurement({"best": best, "distinct_rates": len({trial["learning_rate"] for trial in trials})}, curves, trials=trials)


def expected_best(accuracies, size):
    """Mean of the best of `size` trials drawn without replacement from the sorted pool."""
    n = len(accuracies)
    weights = [math.comb(k, size - 1) / math.comb(n, size) for k in range(n)]
    return float(np.dot(weights, accuracies))


def pool(arms):
    return np.sort([trial.get("accuracy", 0.0) for trial in arms["random"].trials])


def random_wins(grid):
    """Probability that the best of as many random trials is at least as good as the grid's best."""

    def statistic(arms, scale):
        values, size = pool(arms), len(arms[grid].trials)
        below = int((values < arms[grid].metrics["best"]).sum())
        return 1 - math.comb(below, size) / math.comb(len(values), size)

    return statistic


def distinct(arms, scale):
    """Distinct learning rates among the first nine random trials."""
    return len({trial["learning_rate"] for trial in arms["random"].trials[:9]})


def eight_against_largest(arms, scale):
    """Expected best accuracy of eight random trials minus the best of the largest grid."""
    return 100 * (expected_best(pool(arms), 8) - arms["grid-largest"].metrics["best"])


RECIPE = Recipe(
    slug="hpo-grid-vs-random",
    version=1,
    question="At equal cost, does random search beat a grid?",
    sources=(Source("fleuret-2021", "000:73"), Source("training-practice-slides", "001:257"), Source("cs231n-slides", "003:721-726")),
    data="cifar10",
    arms=(
        Arm("grid-9", "every combination of 3 rates and 3 penalties", side=3),
        Arm("grid-16", "every combination of 4 rates and 4 penalties", side=4),
        Arm("grid-largest", "every combination of 5 rates and 5 penalties (full scale: 10 and 10)", side=None),
        Arm("random", "a pool of random trials from the same box"),
    ),
    scales=(Scale("quick", n_train=10_000, n_test=1_000, pool=64, epochs=2, largest_side=5), Scale("full", pool=256, epochs=5, largest_side=10)),
    measure=measure,
    claims=(
        Claim("grid-tries-three", "A grid of nine tries three values of the rate.", "003:721-726", lambda arms, scale: arms["grid-9"].metrics["distinct_rates"], "values", **near(3.0), exact=True, expectation="MATH", measures="Distinct learning rates in the grid of nine"),
        Claim("random-tries-nine", "Nine random trials try nine.", "003:721-726", distinct, "values", **near(9.0), exact=True, expectation="MATH"),
        Claim("random-beats-grid-9", "Nine random trials are more often as good as the grid of nine than not.", "003:721-726", random_wins("grid-9"), "probability", above=0.5, measures="Probability that the best of nine random trials is at least the best of the grid of nine"),
        Claim("random-beats-grid-16", "So are sixteen.", "003:721-726", random_wins("grid-16"), "probability", above=0.5, measures="Probability that the best of sixteen random trials is at least the best of the grid of sixteen"),
        Claim("eight-match-the-largest-grid", "Eight random trials come within a standard error of the largest grid.", "Bergstra and Bengio (2012), Figs. 5 and 6 (catalogue A7a)", eight_against_largest, "points", above=-1.6, expectation="MIXED"),
        Claim("sixty-trials-suffice", "Sixty random trials hit the best twentieth of the box with probability 0.95.", "catalogue A7a", lambda arms, scale: arms["random"].metrics["sixty_hit"], "probability", **near(1 - 0.95**60, absolute=0.03), expectation="MATH", measures="Share of 500 searches of 60 uniform draws with one in the upper twentieth"),
    ),  # fmt: skip
    figures=(
        Scatter("Grids and random trials", "learning_rate", "reg", "learning rate", "penalty strength", color="accuracy", color_label="validation accuracy", log=("x", "y")),
        Curves("Best accuracy against the number of trials", panels=(Panel(("expected_best",), "best validation accuracy (random: expected)"),), x="trials_in_search", x_label="trials in the search", columns="overlay", x_log=True),
    ),  # fmt: skip
)
