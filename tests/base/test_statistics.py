import math

import numpy as np
import pytest

from keras_reprise.base import statistics


def test_t_interval_of_a_textbook_sample():
    low, high = statistics.t_interval(np.array([1.0, 2.0, 3.0]))
    half = 4.302652729911275 * 1.0 / math.sqrt(3)  # t(0.975, 2 degrees of freedom)
    assert low == pytest.approx(2 - half)
    assert high == pytest.approx(2 + half)


def test_t_interval_of_one_value_does_not_exist():
    assert all(math.isnan(end) for end in statistics.t_interval(np.array([1.0])))


def test_t_p_is_a_half_at_the_bound_and_one_without_variance():
    assert statistics.t_p_above(np.array([1.0, 2.0, 3.0]), 2.0) == pytest.approx(0.5)
    assert statistics.t_p_above(np.array([2.0, 2.0, 2.0]), 1.9) == 1.0
    assert statistics.t_p_above(np.array([2.0, 2.0, 2.0]), 2.0) == 1.0
    assert statistics.t_p_below(np.array([2.0, 2.0, 2.0]), math.inf) == 0.0


def test_t_p_with_two_degrees_of_freedom_has_its_closed_form():
    values = np.array([1.0, 2.0, 3.0])
    t = (2.0 - 0.0) / (1.0 / math.sqrt(3))
    assert statistics.t_p_above(values, 0.0) == pytest.approx(0.5 - t / (2 * math.sqrt(2 + t * t)))


def test_sign_flip_reaches_two_to_the_minus_n():
    assert statistics.sign_flip_p(np.arange(1.0, 7.0), 0.0) == pytest.approx(2**-6)
    assert statistics.sign_flip_p(np.array([1.0, -2.0]), 0.0) == pytest.approx(0.75)


def test_sign_flip_of_many_values_is_repeatable():
    values = np.random.default_rng(3).normal(0.5, 1.0, 30)
    assert statistics.sign_flip_p(values, 0.0) == statistics.sign_flip_p(values, 0.0) < 0.05


def test_t_and_skewness_take_many_samples_at_once():
    samples = np.array([[1.0, 2.0, 4.0], [0.0, 0.0, 5.0]])
    for of_one in (lambda one: statistics.t_p_above(one, 1.0), statistics.skewness):
        assert of_one(samples) == pytest.approx([float(of_one(sample)) for sample in samples])


def test_the_sign_test_is_the_binomial_of_a_half():
    assert statistics.binomial_p_above(np.array([3, 0]), 4, 0.5) == pytest.approx([5 / 16, 1.0])


def test_the_interval_of_a_median_by_hand():
    """P(all 6 above the median) = 1/64; with the second value as the end it would be 7/64, more than 2.5 %."""
    assert statistics.median_interval(np.array([5.0, 1.0, 3.0, 2.0, 4.0, 6.0])) == (1.0, 6.0)
    assert statistics.median_interval(np.arange(10.0)) == (1.0, 8.0)  # P(at most one above) = 11/1024
    assert all(math.isnan(end) for end in statistics.median_interval(np.arange(5.0)))


def test_values_that_agree_up_to_rounding_are_counted():
    values = np.array([[1.0, 1.0 + 1e-9, 2.0, 2.0, 2.0], [0.0, 0.0, 1e-9, -1e-9, 5.0]])
    assert statistics.most_equal(values, 1e-6).tolist() == [3, 2]


def test_holm_by_hand():
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert statistics.holm([]) == []


def test_holm_of_several_families_leaves_out_what_is_no_test():
    p = np.array([[0.01, 0.04], [np.nan, 0.01], [0.04, 0.03]])
    assert statistics.holm_families(p) == pytest.approx(
        np.array([[0.02, 0.06], [np.nan, 0.03], [0.04, 0.06]]), nan_ok=True
    )


def test_clopper_pearson_ends():
    assert statistics.binomial_interval(0, 10)[0] == 0.0
    assert statistics.binomial_interval(10, 10) == pytest.approx((0.025 ** (1 / 10), 1.0))
    assert statistics.binomial_interval(5, 10) == pytest.approx((0.18708603, 0.81291397), abs=1e-6)


def test_binomial_p_of_six_in_six():
    assert statistics.binomial_p_above(6, 6, 0.5) == pytest.approx(2**-6)
    assert statistics.binomial_p_below(0, 6, 0.5) == pytest.approx(2**-6)


def test_skewness_of_a_symmetric_sample_is_zero():
    assert statistics.skewness(np.array([-1.0, 0.0, 1.0])) == pytest.approx(0.0)
    assert statistics.skewness(np.array([0.0, 0.0, 0.0, 4.0])) == pytest.approx(2 / math.sqrt(3))


def test_the_t_interval_covers_as_often_as_it_says():
    generator = np.random.default_rng(11)
    covered = 0
    for _ in range(4000):
        low, high = statistics.t_interval(generator.normal(1.0, 2.0, 6))
        covered += low <= 1.0 <= high
    assert 0.94 < covered / 4000 < 0.96


@pytest.mark.parametrize("scale", [1e-90, 1e100])
def test_welch_near_the_ends_of_what_numbers_can_be(scale):
    one, other = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 7.0, 9.0])
    *ends, p = statistics.welch(scale * one, scale * other)
    assert [*(end / scale for end in ends), p] == pytest.approx(list(statistics.welch(one, other)))
