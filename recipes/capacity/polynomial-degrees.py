"""A polynomial of too high a degree sticks to its points and misses the curve that they follow.

Source: "Deep Network Components & Training", slides "Problem of Overfitting" and "Cost function
        visualization"; Varastey Yazdi, "Introduction to Deep Learning, Lecture 03", slide "Over and
        Under Fitting"
Data:   none (noisy points of a parabola)
Cost:   quick 2 s per replicate, full 10 s (2 cores of an AMD EPYC, TensorFlow 2.21)
Replay: reprise run polynomial-degrees --scale full

Degrees 1, 2, 3 are the document's; its figures are lost, and so is what their points were. Ours:
twelve evenly spaced points of y = x^2 on [-1, 1] with noise of standard deviation 0.2, and fits of
least squares up to degree 9, that of Bishop (2006), 1.1. Each replicate averages many draws of the
noise. Test points are drawn uniformly from the same range and have the same noise. One draw's fits
are kept for the figure.
"""

import numpy as np
from numpy.polynomial.polynomial import polyfit, polyval

from keras_reprise import Arm, Curves, Measurement, Metric, Panel, Recipe, Scale, Source, at, curve
from keras_reprise import detail, equal, metric, rule

POINTS, NOISE, DEGREES = 12, 0.2, range(1, 10)
SHOWN = (1, 2, 3, 9)


def measure(arm, replicate):
    draw, draws = replicate.seeds.generator("data"), replicate.scale.draws
    x, grid = np.linspace(-1, 1, POINTS), np.linspace(-1, 1, 10 * (POINTS - 1) + 1)
    x_test = draw.uniform(-1, 1, 1000)
    y = x**2 + NOISE * draw.standard_normal((draws, POINTS))
    y_test = x_test**2 + NOISE * draw.standard_normal((draws, len(x_test)))
    costs, test_costs, distances, one = [], [], [], {"x": grid, "parabola": grid**2}
    one["points"] = np.full(len(grid), np.nan)
    one["points"][::10] = y[0]
    for degree in DEGREES:
        fit = polyfit(x, y.T, degree)  # a column for each draw
        costs.append(((polyval(x, fit) - y) ** 2).mean(axis=1))
        test_costs.append(((polyval(x_test, fit) - y_test) ** 2).mean(axis=1))
        distances.append(((polyval(grid, fit) - grid**2) ** 2).mean(axis=1))
        if degree in SHOWN:
            one[f"degree_{degree}"] = polyval(grid, fit[:, 0])
    costs, distances = np.array(costs), np.array(distances)
    metrics = {
        "falls": (np.diff(costs, axis=0) < 0).mean(),
        "cubic_closest": (costs[:3].argmin(axis=0) == 2).mean(),
        "quadratic_best": (distances.argmin(axis=0) == 1).mean(),
    }
    means = {"cost": costs, "test_cost": test_costs, "distance": distances}
    curves = {name: np.mean(values, axis=1) for name, values in means.items()}
    return Measurement(metrics, curves | {"degree": list(DEGREES)} | one)


COST, TEST, DISTANCE = (curve("fits", name) for name in ("cost", "test_cost", "distance"))
FITS, OVER = "Over and Under Fitting", "Cost function visualization"
CLAIMS = (
    rule("cubic-is-closest-to-the-points", "Problem of Overfitting", kind="exact")
    .says("Of degrees 1, 2 and 3 the cubic is the closest to its points, in every draw.")
    .must(metric("fits", "cubic_closest"), equal(1)),
    rule("cubic-misses-the-parabola", "Problem of Overfitting")
    .says("And it is farther from the parabola that they follow than the quadratic is.")
    .must(at(DISTANCE, 3) > at(DISTANCE, 2)),
    rule("cost-falls-with-degree", OVER, kind="exact")
    .says("The cost on the training points falls with every degree, in every draw.")
    .must(metric("fits", "falls"), equal(1)),
    rule("too-simple-errs-on-training-points", FITS)
    .says("The straight line errs more on its training points than the quadratic on test points.")
    .must(at(COST, 1) > at(TEST, 2)),
    rule("too-simple-errs-on-test-points", FITS)
    .says("So it does on test points.")
    .must(at(TEST, 1) > at(TEST, 2)),
    rule("too-complex-is-right-on-training-points", FITS)
    .says("Degree 9 errs less on its training points than the quadratic.")
    .must(at(COST, 9) < at(COST, 2)),
    rule("too-complex-is-wrong-on-test-points", FITS)
    .says("And more on test points.")
    .must(at(TEST, 9) > at(TEST, 2)),
    detail("cubic-errs-more-on-test-points", OVER)
    .says("The cubic errs more than the quadratic on test points.")
    .must(at(TEST, 3) > at(TEST, 2)),
    detail("line-errs-alike")
    .says("The straight line's two errors differ by less than those of degree 9.")
    .must(at(TEST, 1) - at(COST, 1) < at(TEST, 9) - at(COST, 9)),
    detail("cubic-misses-less-than-the-line")
    .says("The cubic is nearer to the parabola than the straight line.")
    .must(at(DISTANCE, 3) < at(DISTANCE, 1)),
    detail("quadratic-is-best-in-most-draws")
    .says("In most draws the quadratic is the nearest to the parabola of all degrees.")
    .must(metric("fits", "quadratic_best") > 0.5),
)

RECIPE = Recipe(
    slug="polynomial-degrees",
    version=1,
    question="Which degree fits the points best, and which the curve that they follow?",
    sources=(
        Source("cs231n-slides", "Problem of Overfitting"),
        Source("cs231n-slides", OVER),
        Source("dl-recap-slides", FITS),
    ),
    arms=(Arm("fits", "polynomials of degree 1 to 9 by least squares"),),
    scales=(Scale("quick", draws=2_000), Scale("full", draws=20_000)),
    measure=measure,
    claims=CLAIMS,
    figures=(
        Curves(
            "The fits of one draw",
            Panel(("points", "parabola", *(f"degree_{degree}" for degree in SHOWN)), "y"),
            x="x",
            x_label="x",
            columns="arms",
            alone=True,
        ),
        Curves(
            "Mean squared error over the degree",
            Panel(("cost", "test_cost"), "mean squared error", log=True),
            x="degree",
            columns="arms",
        ),
    ),
    metrics=(
        Metric("cost", "mean squared error on training points", "", "degree"),
        Metric("test_cost", "mean squared error on test points", "", "degree"),
        Metric("distance", "mean squared distance from the parabola", "", "degree"),
        Metric("degree", "degree of the polynomial"),
        Metric("falls", "share of degrees and draws at which the cost falls", "share"),
        Metric("cubic_closest", "share of draws in which the cubic is the closest", "share"),
        Metric("quadratic_best", "share of draws in which the quadratic is the nearest", "share"),
    ),
)
