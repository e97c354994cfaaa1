"""Why random search wins where few dimensions matter: on simulated objectives, grid, random, Sobol and Latin hypercube compared

Source: document 003 (003:721-726), after Bergstra and Bengio (2012), section 4 (catalogue, A7b)
Data:   none (simulated objectives)
Cost:   quick 1 s per replicate (2 cores of an Intel Xeon, TensorFlow 2.21)
Replay: reprise run hpo-lowdim-simulation --scale full

Two parts. Nine trials on g(x) + eps h(y), bumps at random places: the grid has three values of x, random search nine. And the
chance to hit a target of 1 % of the volume, a cube or a stretched box in five dimensions, with up to 512 trials.
"""

import numpy as np
from scipy.stats import qmc

from keras_reprise import Arm, Claim, Curves, Measurement, Panel, Recipe, Scale, Source

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
    best = [((bumps[..., 0] + eps * bumps[..., 1]).max(axis=1) / (1 + eps)).mean() for eps in WEIGHTS]
    hits = {}
    for shape in ("cube", "stretched"):
        width = np.full(DIMENSIONS, VOLUME ** (1 / DIMENSIONS)) if shape == "cube" else np.array([VOLUME**0.5, VOLUME**0.5, 1, 1, 1])
        low = places.random((replicate.scale.targets, 1, DIMENSIONS)) * (1 - width)
        hits[f"hit_{shape}"] = []
        for n in SIZES:
            found = []
            for start in low:
                trial = sample(arm, draw, DIMENSIONS, n)
                found.append(bool(((trial >= start) & (trial <= start + width)).all(axis=1).any()))
            hits[f"hit_{shape}"].append(np.mean(found))
    return Measurement(curves={"eps": WEIGHTS, "best": best, "trials": SIZES, **hits})


def advantage(index):
    """Best value of nine random trials minus that of the grid of nine."""
    return lambda arms, scale: arms["random"].curves["best"][index] - arms["grid"].curves["best"][index]


def hit(better, worse, shape):
    """Difference of the chances to hit the target, mean over 128 and 256 trials."""
    return lambda arms, scale: 100 * (arms[better].curves[f"hit_{shape}"][4:6] - arms[worse].curves[f"hit_{shape}"][4:6]).mean()


def against_theory(arms, scale):
    """Largest distance of the random search's chance to hit from 1 - 0.99^n, over all n and both shapes."""
    theory = 1 - (1 - VOLUME) ** np.array(SIZES)
    return max(np.abs(arms["random"].curves[f"hit_{shape}"] - theory).max() for shape in ("cube", "stretched"))


PART = "Difference of the chances to hit the target, mean over 128 and 256 trials"

RECIPE = Recipe(
    slug="hpo-lowdim-simulation",
    version=1,
    question="When does random search beat a grid, and is there something better than either?",
    sources=(Source("cs231n-slides", "003:721-726"),),
    arms=(Arm("grid", "points at equal distances"), Arm("random", "independent points"), Arm("sobol", "Sobol's sequence, scrambled"), Arm("latin-hypercube", "one point in every slice of every dimension")),
    scales=(Scale("quick", repeats=1000, targets=150), Scale("full", repeats=10_000, targets=2000)),
    measure=measure,
    claims=(
        Claim("random-wins-in-one-dimension", "Where only one dimension matters, nine random trials do better than a grid of nine.", "003:721-726", advantage(0), "share of the maximum", above=0.0, expectation="MATH", measures="Best value of nine random trials minus that of the grid, one dimension counting"),
        Claim("grid-holds-in-two", "Where both matter equally, they do not.", "catalogue A7b", advantage(3), "share of the maximum", below=0.0, expectation="MATH", measures="Best value of nine random trials minus that of the grid, both dimensions counting equally"),
        Claim("random-as-in-theory", "Random search hits a target of 1 % with probability 1 - 0.99^n, whatever its shape.", "catalogue A7b", against_theory, "probability", below=0.12, expectation="MATH"),
        Claim("random-beats-grid-stretched", "A target stretched along three of five dimensions is hit more often by random search than by a grid.", "Bergstra and Bengio (2012), section 4 (catalogue A7b)", hit("random", "grid", "stretched"), "points", above=0.0, measures=PART),
        Claim("sobol-beats-random", "Sobol's sequence hits a little more often than random search.", "Bergstra and Bengio (2012), section 4 (catalogue A7b)", hit("sobol", "random", "stretched"), "points", above=0.0, measures=PART),
        Claim("latin-hypercube-like-random", "A Latin hypercube hits about as often as random search.", "Bergstra and Bengio (2012), section 4 (catalogue A7b)", hit("latin-hypercube", "random", "cube"), "points", above=-5.0, below=5.0, measures=PART),
    ),  # fmt: skip
    figures=(
        Curves("Nine trials", panels=(Panel(("best",), "best value found (share of the maximum)"),), x="eps", x_label="weight of the second dimension", columns="overlay"),
        Curves("Hitting 1 % of the volume in five dimensions", panels=(Panel(("hit_cube",), "chance to hit a cube"), Panel(("hit_stretched",), "chance to hit a stretched box")), x="trials", x_label="trials", columns="overlay", x_log=True),
    ),  # fmt: skip
)
