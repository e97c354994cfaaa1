"""The digits of scikit-learn in the order of a seed."""

import numpy as np
from sklearn.datasets import load_digits

from keras_reprise.base.seeds import Seeds
from keras_reprise.digits import shuffled_digits


def test_every_digit_is_there_once_with_its_label():
    images, labels = load_digits(return_X_y=True)
    x, y = shuffled_digits(Seeds(1))
    assert (x.shape, x.min(), x.max()) == ((1797, 64), 0, 1)
    assert (str(x.dtype), str(y.dtype)) == ("float32", "int32")
    assert sorted(map(tuple, np.column_stack([x * 16, y]))) == sorted(map(tuple, np.column_stack([images, labels])))


def test_the_order_is_the_seed_s():
    (one, _), (again, _), (other, _) = (shuffled_digits(Seeds(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
