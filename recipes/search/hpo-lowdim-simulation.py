"""Where only few hyper-parameters matter, random search beats a grid of as many trials

Source: Deep Network Components & Training, slides after CS231n, "Random Search vs. Grid Search";
        Bergstra and Bengio (2012), section 4
Data:   none (simulated objectives)
Cost:   quick 1 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run hpo-lowdim-simulation --scale full

Nine trials on g(x) + eps h(y), bumps at random places; and the chance to hit a target of 1 % of the
volume, a cube or a stretched box in five dimensions, with up to 512 trials.
"""

import numpy as np
from scipy.stats import qmc

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, at
from keras_reprise import between, curve, detail, mean, near, rule

WEIGHTS, SIZES = (0.0, 0.1, 0.3, 1.0), (8, 16, 32, 64, 128, 256, 512)
DIMENSIONS, VOLUME = 5, 0.01


def nine(arm, draw, repeats):
    """Nine points in the unit square, `repeats` times: (repeats, 9, 2)."""
    if arm.name == "grid":
        axis = (np.arange(3) + 0.5) / 3
        return np.tile(np.stack(np.meshgrid(axis, axis), -1).reshape(1, 9, 2), (repeats, 1, 1))
    return np.stack([sample(arm, draw, 2, 9) for _ in range(repeats)])


def sample(arm, draw, dimensions, n):
    """`n` points in the unit cube."""
    if arm.name == "sobol":
        return qmc.Sobol(dimensions, rng=draw).random(1 << (n - 1).bit_length())[:n]
    if arm.name == "latin-hypercube":
        return qmc.LatinHypercube(dimensions, rng=draw).random(n)
    if arm.name == "grid":
        sides = np.ones(dimensions, int)
        while sides.prod() * (sides.min() + 1) / sides.min() <= n:
            sides[int(np.argmin(sides))] += 1
        axes = [(np.arange(side) + 0.5) / side for side in sides]
        return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, dimensions)
    return draw.random((n, dimensions))


def measure(arm, replicate):
    repeats, draw = replicate.scale.repeats, replicate.seeds.generator("search")
    places = replicate.seeds.generator("data")
    points, centres = nine(arm, draw, repeats), places.random((repeats, 1, 2))
    bumps = np.exp(-0.5 * ((points - centres) / 0.1) ** 2)
    best = [
        ((bumps[..., 0] + eps * bumps[..., 1]).max(axis=1) / (1 + eps)).mean() for eps in WEIGHTS
    ]
    hits = {}
    for shape in ("cube", "stretched"):
        width = (
            np.full(DIMENSIONS, VOLUME ** (1 / DIMENSIONS))
            if shape == "cube"
            else np.array([VOLUME**0.5, VOLUME**0.5, 1, 1, 1])
        )
        low = places.random((replicate.scale.targets, 1, DIMENSIONS)) * (1 - width)
        hits[f"hit_{shape}"] = []
        for n in SIZES:
            found = []
            for start in low:
                trial = sample(arm, draw, DIMENSIONS, n)
                found.append(bool(((trial >= start) & (trial <= start + width)).all(axis=1).any()))
            hits[f"hit_{shape}"].append(np.mean(found))
    return Measurement(curves={"eps": WEIGHTS, "best": best, "trials": SIZES, **hits})


PAPER = "Bergstra and Bengio (2012), section 4"
CHANCE = 1 - (1 - VOLUME) ** np.array(SIZES)


def advantage(index):
    """Best value of nine random trials minus that of the grid of nine."""
    return at(curve("random", "best"), index) - at(curve("grid", "best"), index)


def hits(better, worse, shape):
    """Difference of two searches' chances to hit a target, in points, at 128 and 256 trials."""
    difference = curve(better, f"hit_{shape}") - curve(worse, f"hit_{shape}")
    return 100 * mean(difference, after=4, before=6)


def claims(shape):
    measures = HITS.format(shape)
    return (
        detail(f"random-hits-as-in-theory-{shape}", expectation="MATH")
        .says(f"Random search hits a {shape} target of 1 % with probability 1 - 0.99^n.")
        .must(
            100 * mean(curve("random", f"hit_{shape}") - CHANCE),
            near(0.0, absolute=2.0),
            unit="points",
            measures=THEORY,
        ),
        detail(f"sobol-a-little-better-{shape}", PAPER)
        .says(f"Sobol's sequence hits a {shape} target a little more often than random search.")
        .must(hits("sobol", "random", shape), between(0.0, 10.0), unit="points", measures=measures),
        detail(f"latin-as-random-{shape}", PAPER)
        .says(f"A Latin hypercube hits a {shape} target about as often as random search.")
        .must(
            hits("latin-hypercube", "random", shape),
            near(0.0, absolute=5.0),
            unit="points",
            measures=measures,
        ),
    )


HITS = "Difference of the chances to hit a {} target, mean over 128 and 256 trials"
THEORY = "Chance to hit the target minus 1 - 0.99^n, mean over all n"
BEST = "Best value of nine random trials minus that of the grid, {}"
CLAIMS = (
    rule("random-wins-in-one-dimension", expectation="MATH")
    .says("Where only one dimension matters, nine random trials do better than a grid of nine.")
    .must(advantage(1) > 0, measures=BEST.format("one dimension counting")),
    detail("grid-holds-in-two", expectation="MATH")
    .says("Where both matter equally, they do not.")
    .must(advantage(4) < 0, measures=BEST.format("both counting equally")),
    detail("random-beats-grid-stretched", PAPER)
    .says("A target stretched in three dimensions is hit more often at random than by a grid.")
    .must(
        hits("random", "grid", "stretched") > 0, unit="points", measures=HITS.format("stretched")
    ),
    *claims("cube"),
    *claims("stretched"),
)
FOUND = (Panel(("best",), "best value found (share of the maximum)"),)
TARGETS = (
    Panel(("hit_cube",), "chance to hit a cube"),
    Panel(("hit_stretched",), "chance to hit a stretched box"),
)
WEIGHT = {"x": "eps", "x_label": "weight of the second dimension"}
TRIALS = {"x": "trials", "x_label": "trials", "x_log": True}

RECIPE = Recipe(
    slug="hpo-lowdim-simulation",
    version=1,
    question="When does random search beat a grid, and is there something better than either?",
    sources=Source("cs231n-slides", "Random Search vs. Grid Search"),
    arms=(
        Arm("grid", "points at equal distances"),
        Arm("random", "independent points"),
        Arm("sobol", "Sobol's sequence, scrambled"),
        Arm("latin-hypercube", "one point in every slice of every dimension"),
    ),
    scales=(Scale("quick", repeats=1000, targets=150), Scale("full", repeats=10_000, targets=2000)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves("Nine trials", FOUND, **WEIGHT),
        Curves("Hitting 1 % of the volume in 5 dimensions", TARGETS, **TRIALS),
    ),
    metrics=(Metric("best", "best value found", "share of the maximum", "dimension's weight"),),
)
