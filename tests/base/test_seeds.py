import numpy as np
import pytest

from keras_reprise.base.errors import UserError
from keras_reprise.base.seeds import Seeds


def test_seed_zero_is_refused_with_the_reason():
    with pytest.raises(UserError, match="random"):
        Seeds(0)


def test_streams_and_keys_are_independent_and_repeatable():
    seeds = Seeds(1)
    assert seeds.weights("conv1") == Seeds(1).weights("conv1")
    drawn = {
        seeds.weights("conv1"),
        seeds.weights("conv2"),
        seeds.integer("dropout", "conv1"),
        Seeds(2).weights("conv1"),
    }
    assert len(drawn) == 4
    assert all(0 < number < 2**31 for number in drawn)


def test_the_order_of_an_epoch_does_not_depend_on_the_epochs_before():
    assert np.array_equal(Seeds(3).permutation(50, 7), Seeds(3).permutation(50, 7))
    assert not np.array_equal(Seeds(3).permutation(50, 7), Seeds(3).permutation(50, 8))
    assert sorted(Seeds(3).permutation(50, 7)) == list(range(50))
