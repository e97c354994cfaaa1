"""Orders: what an epoch reads, for each kind."""

import numpy as np
import pytest

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine import Order

LABELS = np.array([2, 0, 1, 0, 2, 1, 0], np.int32)
SEEDS = Seeds(1)


def epochs(order, n=3):
    return [[list(one) for one in order.of_epoch(SEEDS, LABELS, epoch)] for epoch in range(1, n + 1)]


def test_reshuffled_is_a_new_permutation_every_pass():
    (one,), (two,), (three,) = epochs(Order())
    assert sorted(one) == sorted(two) == sorted(three) == list(range(7))
    assert len({tuple(one), tuple(two), tuple(three)}) == 3


def test_several_passes_in_an_epoch_go_on_where_the_last_ended():
    assert sum(epochs(Order(passes=3), 2), []) == [one for (one,) in epochs(Order(), 6)]


def test_shuffled_once_repeats_the_first_permutation():
    assert epochs(Order("shuffled-once")) == [epochs(Order())[0]] * 3


def test_stored_and_sorted_do_not_shuffle():
    assert epochs(Order("stored"), 1) == [[list(range(7))]]
    assert epochs(Order("sorted"), 1) == [[[1, 3, 6, 2, 5, 0, 4]]]


@pytest.mark.parametrize("form", [lambda y: y[:, None], lambda y: np.eye(3)[y], lambda y: np.eye(3, dtype=bool)[y]])
def test_sorted_goes_by_the_class_whichever_form_the_labels_have(form):
    (order,) = Order("sorted").of_epoch(SEEDS, form(LABELS), 1)
    assert order.dtype == np.int32
    assert order.tolist() == [1, 3, 6, 2, 5, 0, 4]


@pytest.mark.parametrize("labels", [np.full((7, 3), 1 / 3), np.ones((7, 2), int), np.eye(2)[LABELS % 2][:, None]])
def test_labels_of_no_class_cannot_be_sorted(labels):
    with pytest.raises(RecipeError, match="no class to sort by"):
        Order("sorted").of_epoch(SEEDS, labels, 1)


def test_with_replacement_draws_independently():
    drawn = np.concatenate(
        [Order("with-replacement").of_epoch(SEEDS, np.zeros(50), epoch)[0] for epoch in range(1, 41)]
    )
    assert len(np.unique(drawn[:50])) < 50
    assert np.bincount(drawn, minlength=50).min() > 0
    assert len(Order("with-replacement", examples=90).of_epoch(SEEDS, np.zeros(50), 1)[0]) == 90


def test_a_part_of_a_pass_is_drawn_anew_every_epoch():
    (one,), (two,), _ = epochs(Order(examples=3))
    assert len(set(one)) == len(set(two)) == 3
    assert one != two


def test_updates_count_the_remainder_of_every_pass():
    assert (Order().updates(10_000, 200), Order().updates(130, 50), Order(passes=2).updates(130, 50)) == (50, 3, 6)
    assert Order(examples=30).updates(130, 20) == 2


@pytest.mark.parametrize("bad", [{"kind": "random"}, {"passes": 0}, {"examples": 0}, {"examples": 5, "passes": 2}])
def test_an_order_that_cannot_be_is_refused(bad):
    with pytest.raises(RecipeError):
        Order(**bad)


def test_more_examples_than_there_are_is_refused():
    with pytest.raises(RecipeError, match="has 7"):
        Order(examples=8).of_epoch(SEEDS, LABELS, 1)
