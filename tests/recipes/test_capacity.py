"""What recipes on capacity measure, recomputed another way."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_reprise.base import checkout
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe import loading
from keras_reprise.recipe.settings import Scale

start.start()
import keras  # noqa: E402

from keras_reprise.models import dense_classifier  # noqa: E402


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


def drawn_sets(seed):
    """The points of `bias-variance` at the quick scale, drawn as it draws them, and the chances of class 1."""
    draw = Seeds(seed).generator("data")
    others = draw.uniform(-1, 1, (1000, 2)).astype("float32")
    x = draw.uniform(-1, 1, (20, 200, 2)).astype("float32")
    chance, chances = (1 / (1 + np.exp(-4 * np.sin(4 * of[..., 0]) - 2 * of[..., 1])) for of in (others, x))
    return x, draw.random((20, 200)) < chances, others, chance


@pytest.mark.parametrize("arm", ["linear", "neighbour"])
def test_bias_and_variance_are_those_of_least_squares_and_of_distances(arm):
    x, y, others, chance = drawn_sets(1)
    answers = []
    for points, classes in zip(x.astype("float64"), y.astype("float64"), strict=True):
        if arm == "linear":
            ones = np.ones((len(points), 1))
            fit = np.linalg.lstsq(np.hstack([ones, points]), classes, rcond=None)[0]
            answers.append(fit[0] + others @ fit[1:])
        else:
            distances = ((others[:, None].astype("float64") - points) ** 2).sum(axis=2)
            answers.append(classes[distances.argmin(axis=1)])
    found, middle = measured("bias-variance", arm).metrics, np.mean(answers, axis=0)
    variance = np.mean([(one - middle) ** 2 for one in answers]) * 20 / 19
    assert found["variance"] == pytest.approx(variance, rel=1e-5)
    assert found["bias"] == pytest.approx(((middle - chance) ** 2).mean() - variance / 20, rel=1e-5)


def test_the_least_error_of_the_points_is_that_of_the_integral():
    recipe = loading.load(checkout.recipes_folder() / "capacity" / "causes-of-error.py").recipe
    x, classes, best = recipe.measure.__globals__["points"](400_000, np.random.default_rng(1))
    squares = np.linspace(0, 60, 600_001)  # r^2 of two normal numbers is exponential of mean 2
    chance = 1 / (1 + np.exp(-3 * (squares - 1.4)))
    least = np.trapezoid(np.minimum(chance, 1 - chance) * np.exp(-squares / 2) / 2, squares)
    assert (best != classes).mean() == pytest.approx(least, abs=0.002)
    np.testing.assert_array_equal(best, (x.astype("float64") ** 2).sum(axis=1) > 1.4)


def test_random_labels_are_fitted_as_plain_fit_fits_them():
    recipe = loading.load(checkout.recipes_folder() / "capacity" / "three-factors-of-capacity.py").recipe
    replicate = Replicate(Seeds(1), Scale("quick", images=200, passes=2))
    found = recipe.measure(recipe.arm("width"), replicate).curves["fitted"]
    images, _ = load_digits(return_X_y=True)
    x = (images[Seeds(1).generator("data", "digits").permutation(1797)] / 16).astype("float32")[:200]
    labels = Seeds(1).generator("data").integers(0, 10, 1797)[:200]
    for place, width in ((1, 4), (4, 256)):
        model = dense_classifier(Seeds(1), 64, [width], 10)
        model.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        for number in range(1, 5):
            order = Seeds(1).permutation(200, number)
            model.fit(x[order], labels[order], batch_size=50, shuffle=False, verbose=0)
        right = model.predict(x, verbose=0).argmax(axis=1) == labels
        assert found[place] == pytest.approx(100 * right.mean(), abs=0.51)  # one image of two hundred
