"""What recipes on capacity measure, recomputed another way."""

import numpy as np
import pytest

from keras_reprise.base import checkout
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe import loading

start.start()


def measured(slug, arm, seed=1):
    """The measurement of one arm at the quick scale."""
    recipe = loading.load(checkout.recipes_folder() / "capacity" / f"{slug}.py").recipe
    return recipe.measure(recipe.arm(arm), Replicate(Seeds(seed), recipe.scale("quick")))


@pytest.mark.parametrize("degree", [1, 2, 3, 9])
def test_costs_of_polynomials_are_those_of_a_projection_on_legendre_polynomials(degree):
    found, draw, x = measured("polynomial-degrees", "fits"), Seeds(1).generator("data"), np.linspace(-1, 1, 12)
    x_test = draw.uniform(-1, 1, 1000)
    y = x**2 + 0.2 * draw.standard_normal((2000, 12))
    y_test = x_test**2 + 0.2 * draw.standard_normal((2000, 1000))
    legendre = np.polynomial.legendre.legvander
    coefficients = y @ np.linalg.pinv(legendre(x, degree)).T
    cost = ((coefficients @ legendre(x, degree).T - y) ** 2).mean()
    test_cost = ((coefficients @ legendre(x_test, degree).T - y_test) ** 2).mean()
    assert found.curves["cost"][degree - 1] == pytest.approx(cost, rel=1e-6)
    assert found.curves["test_cost"][degree - 1] == pytest.approx(test_cost, rel=1e-6)


def test_penalised_fits_are_those_of_the_normal_equations():
    found, draw = measured("ridge-middle", "ridge"), Seeds(1).generator("data")
    x, x_own, x_test = np.linspace(-1, 1, 12), draw.uniform(-1, 1, 12), draw.uniform(-1, 1, 1000)
    y, y_own, y_test = (of[:, None] ** 2 + 0.2 * draw.standard_normal((len(of), 2000)) for of in (x, x_own, x_test))
    for number, strength in enumerate(10.0**power for power in range(-3, 5)):
        rows, squares = np.vander(x, 10, increasing=True), np.diag([0.0] + 9 * [strength])
        fit = np.linalg.solve(rows.T @ rows + squares, rows.T @ y)
        for name, of, targets in (("training_cost", x, y), ("test_cost", x_test, y_test)):
            cost = ((np.vander(of, 10, increasing=True) @ fit - targets) ** 2).mean()
            assert found.curves[name][number + 5] == pytest.approx(cost, rel=1e-6)
