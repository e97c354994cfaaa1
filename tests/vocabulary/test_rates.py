"""One network at many rates: the same start each time, and what is best, stable or diverging."""

from functools import partial

import numpy as np
import pytest

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.engine.history import History
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe.settings import Scale

start.start()
import keras  # noqa: E402

from keras_reprise.models import dense_classifier, normalised_convnet  # noqa: E402
from keras_reprise.rates import (  # noqa: E402
    Restartable,
    at_best_rate,
    best_network,
    best_run,
    diverges,
    judged_errors,
    off_best,
    rate_search,
    searched,
    stable,
    tuned,
    validation_error,
)


@pytest.fixture
def replicate():
    return Replicate(Seeds(1), Scale("quick", n_train=300, n_test=100), data_name="digits")


@pytest.fixture
def network(replicate):
    data = replicate.dataset().standardised().flattened()
    build = partial(dense_classifier, features=data.image_shape[0], hidden=[10], classes=10)
    return Restartable(build, data, replicate, draws=2)


def test_training_starts_anew_each_time_without_compiling(network):
    first = network.train(0.05, 2)
    other = network.train(0.5, 2)
    again = network.train(0.05, 2)
    assert again.curves == first.curves
    assert other.curves != first.curves
    assert first.timing.compile_s > 0
    assert again.timing.compile_s == 0


def test_draws_are_other_weights_and_the_first_is_the_replicates_own(network, replicate):
    own = dense_classifier(replicate.seeds, network.data.image_shape[0], [10], 10).get_weights()
    np.testing.assert_array_equal(network.weights[0][0], own[0])
    assert abs(network.weights[1][0] - own[0]).max() > 0.05
    assert network.train(0.05, 1, draw=1).initial != network.train(0.05, 1).initial


def test_it_trains_as_plain_fit_does(network, replicate):
    network.train(0.05, 3)
    trained = network.model.get_weights()
    plain = dense_classifier(replicate.seeds, network.data.image_shape[0], [10], 10)
    plain.compile(keras.optimizers.SGD(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for epoch in (1, 2, 3):
        order = replicate.seeds.permutation(300, epoch)
        x, y = network.data.x_train[order], network.data.y_train[order]
        plain.fit(x, y, batch_size=100, shuffle=False, verbose=0)
    for one, other in zip(trained, plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_normalisation_starts_anew_too(replicate):
    data = replicate.dataset().standardised()
    build = partial(normalised_convnet, image_shape=data.image_shape, classes=10)
    network = Restartable(build, data, replicate)
    first = network.train(0.1, 1)
    assert network.train(0.1, 1).curves == first.curves


def test_the_normalised_convnets_parameters():
    assert normalised_convnet(Seeds(1), (32, 32, 3), 10).count_params() == 432 + 64 + 4608 + 128 + 20490


def test_the_best_rate_is_chosen_by_the_other_draws():
    # The first draw is lowest at the second rate, the others at the third: 0.3 - 0.2 and, of the first, 0.5 - 0.4.
    errors = np.array([[0.9, 0.1, 0.4, 0.5], [0.9, 0.3, 0.2, 0.3]])
    assert off_best(errors, 1) == pytest.approx(((0.5 - 0.4) + (0.2 - 0.3)) / 2)
    assert off_best(errors, -1) == pytest.approx(((0.1 - 0.4) + (0.9 - 0.3)) / 2)
    assert np.isnan(off_best(errors, 2))


def test_choosing_the_best_of_noise_gives_no_valley():
    noise = np.random.default_rng(1).normal(size=(400, 2, 9))
    found = [off_best(errors, 1) for errors in noise]
    assert abs(np.nanmean(found)) < 4 * np.nanstd(found) / 20
    naive = [errors.mean(axis=0) for errors in noise]
    assert np.mean([np.mean(one) - one.min() for one in naive]) > 0.8


def test_one_draw_cannot_choose_for_itself():
    with pytest.raises(RecipeError, match="two draws"):
        off_best(np.zeros((1, 3)), 1)


@pytest.mark.parametrize(
    ("last", "diverged", "expected"), [(2.0, False, False), (2.45, False, False), (2.6, False, True), (2.0, True, True)]
)
def test_training_diverges_where_the_loss_ends_a_tenth_above_its_start(last, diverged, expected):
    history = History({"train_loss": [3.0, last]}, {"test_loss": 2.3}, diverged=diverged)
    assert diverges(history) is expected


def test_a_loss_that_is_no_number_diverges():
    assert diverges(History({"train_loss": [np.nan]}, {"test_loss": 2.3}))


def test_rates_are_stable_up_to_the_first_that_diverges():
    assert stable([False, False, True, False]) == 2
    assert stable([True, False]) == 0
    assert stable([False, False]) == 2


def test_the_best_of_some_rates_is_that_of_the_lowest_training_loss_and_none_that_diverged(network):
    losses = {rate: network.train(rate, 4).curves["train_loss"] for rate in (1e-6, 0.05)}
    assert losses[0.05][-1] < losses[1e-6][-1]
    for rates in ((1e-6, 0.05, 1e6), (1e6, 0.05, 1e-6)):
        rate, history = at_best_rate(network, rates, 4)
        assert (rate, history.curves["train_loss"]) == (0.05, losses[0.05])


def final(history):
    return history.last["test_loss"]


def wrong_by(rows):
    """A history of which `rows` say the test examples that are misclassified, before training and after each epoch."""
    return History({"train_loss": [1.0] * (len(rows) - 1)}, test_wrong=np.array(rows, bool))


def test_one_half_of_the_test_examples_chooses_and_the_other_judges():
    history = wrong_by([[1, 1, 1, 1], [1, 0, 1, 1], [0, 1, 0, 0]])
    assert validation_error(history) == 50.0
    np.testing.assert_array_equal(judged_errors(history, 2), [100.0, 0.0])
    np.testing.assert_array_equal(judged_errors(history, 4), [100.0, 0.0, 0.0, 0.0])


def test_the_first_draw_chooses_the_rate_and_the_second_is_judged_at_it(network):
    trials, best = tuned(network, (1e-5, 0.05), 2, lambda history: {"loss": final(history)}, final)
    assert [trial["rate"] for trial in trials] == [1e-5, 0.05]
    assert best["rate"] == 0.05
    assert best["loss"] == network.train(0.05, 2, draw=1).last["test_loss"] != trials[1]["criterion"]


def test_a_rate_without_a_number_is_never_the_best(network):
    numbers = iter([np.nan, 3.0, 2.0])
    trials, best = tuned(network, (0.1, 0.2, 0.3), 1, lambda history: {"one": 1.0}, lambda history: next(numbers))
    assert (trials[0]["criterion"], best["rate"]) == (np.inf, 0.3)


def test_what_is_judged_is_the_mean_over_the_other_draws(replicate):
    data = replicate.dataset().standardised().flattened()
    build = partial(dense_classifier, features=data.image_shape[0], hidden=[10], classes=10)
    network, found = Restartable(build, data, replicate, draws=3), iter([np.array([1.0, 2.0]), np.array([3.0, 6.0])])
    _, best = tuned(network, (0.1,), 1, lambda history: {"curve": next(found)})
    np.testing.assert_array_equal(best["curve"], [2.0, 4.0])


def test_a_network_of_one_draw_is_not_tuned(replicate):
    data = replicate.dataset().standardised().flattened()
    build = partial(dense_classifier, features=data.image_shape[0], hidden=[10], classes=10)
    with pytest.raises(RecipeError, match="two draws"):
        tuned(Restartable(build, data, replicate), (0.1,), 1, lambda history: {})


def parabola(best):
    """A criterion that is lowest at one rate."""
    return lambda rate: (np.log(rate) - np.log(best)) ** 2


@pytest.mark.parametrize("best", [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0])
def test_the_best_rate_is_found_beyond_the_ends_of_the_rates_and_lies_between_others(best):
    found = rate_search((1e-2, 3e-2, 1e-1), parabola(best), further=8)
    place = list(found).index(best)
    assert list(found.values())[place] == min(found.values())
    assert 0 < place < len(found) - 1
    assert len(found) == 3 + (0 if best == 0.03 else abs(list(found).index(best) - list(found).index(0.03)))


def test_not_more_rates_are_added_than_asked_and_none_where_an_end_is_only_as_good_as_another():
    tried = []

    def lower_is_better(rate):
        tried.append(rate)
        return rate

    assert list(rate_search((0.1, 0.3), lower_is_better, further=3)) == [3e-3, 1e-2, 3e-2, 0.1, 0.3]
    assert tried == [0.1, 0.3, 3e-2, 1e-2, 3e-3]
    assert list(rate_search((0.1, 0.3, 1.0), lambda rate: 0.0)) == [0.1, 0.3, 1.0]


def test_where_all_rates_diverge_the_search_goes_on_below():
    assert list(rate_search((0.3, 1.0), lambda rate: np.nan, further=2)) == [3e-2, 0.1, 0.3, 1.0]
    found = rate_search((1.0, 3.0), lambda rate: parabola(0.1)(rate) if rate < 1.0 else np.nan)
    assert list(found) == [3e-2, 0.1, 0.3, 1.0, 3.0]
    assert min(found.values()) == found[0.1]


@pytest.mark.parametrize("rates", [(0.01,), (0.01, 0.1), (0.02, 0.05), (0.03, 0.01)])
def test_rates_to_search_from_are_neighbours(rates):
    with pytest.raises(RecipeError, match="neighbours"):
        rate_search(rates, abs)


def test_the_best_run_is_that_of_the_best_rate_wherever_the_rates_begin(network):
    rate, history = best_run(network, (3.0, 10.0), 2, final)
    again, other = best_run(network, (0.3, 1.0, 3.0), 2, final)
    assert rate == again < 3.0
    np.testing.assert_array_equal(history.curves["train_loss"], other.curves["train_loss"])


def test_the_best_network_is_left_with_the_weights_of_its_best_run(network):
    rate, history = best_network(network, (0.3, 1.0), 2)
    left = network.model.get_weights()
    assert not history.diverged
    assert network.train(rate, 2).curves == history.curves
    for mine, trained in zip(left, network.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, trained)


def test_a_searched_rate_is_judged_as_a_tuned_one(network):
    def judge(history):
        return {"loss": final(history)}

    trials, best = searched(network, (3.0, 10.0), 2, judge, final)
    rates = list(trials.column("rate"))
    assert rates == sorted(rates)
    assert rates[0] < best["rate"] < rates[-1]
    assert best == tuned(network, rates, 2, judge, final)[1]


def test_a_network_of_one_draw_is_not_searched_for_a_rate(replicate):
    data = replicate.dataset().standardised().flattened()
    build = partial(dense_classifier, features=data.image_shape[0], hidden=[10], classes=10)
    with pytest.raises(RecipeError, match="two draws"):
        searched(Restartable(build, data, replicate), (0.1, 0.3), 1, lambda history: {})
