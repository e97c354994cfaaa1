import numpy as np
import pytest

from keras_reprise.base.arrays import freeze, may_change
from keras_reprise.base.errors import DataError
from keras_reprise.datasets import Dataset, registry


def test_digits_are_a_marked_substitute_in_cifars_shape():
    digits = registry.load("digits", n_train=100)
    assert (digits.substitute, digits.image_shape, digits.x_train.dtype, len(digits.x_train), len(digits.x_test)) == (
        True,
        (32, 32, 3),
        np.dtype(np.uint8),
        100,
        297,
    )
    assert digits.fingerprint != registry.load("digits", n_train=99).fingerprint
    assert digits.fingerprint == registry.load("digits", n_train=100).fingerprint


def test_standardised_images_have_mean_zero_and_deviation_one():
    digits = registry.load("digits").standardised()
    assert digits.x_train.dtype == np.float32
    assert float(digits.x_train.mean(dtype=np.float64)) == pytest.approx(0.0, abs=1e-5)
    assert float(digits.x_train.std(dtype=np.float64)) == pytest.approx(1.0, abs=1e-5)
    assert digits.flattened().image_shape == (3072,)


def test_validation_images_are_the_last_of_the_training_images():
    data = registry.load("digits")
    split = data.with_validation(300)
    assert (len(split.y_train), len(split.y_test)) == (1200, 300)
    assert (split.stored_test == data.stored_train[1200:]).all()
    assert (split.y_test == data.y_train[1200:]).all()
    for n in (0, 1500, -1):
        with pytest.raises(DataError, match="cannot be set apart"):
            data.with_validation(n)


def test_the_mean_image_is_that_of_the_training_images_also_when_flattened():
    data = registry.load("digits").with_validation(300).mean_image_subtracted()
    mean = data.stored_train.mean(axis=0)
    np.testing.assert_allclose(data.x_test, data.stored_test - mean, atol=1e-3)
    np.testing.assert_allclose(data.flattened().x_test, data.x_test.reshape(300, -1), atol=1e-6)
    assert len(data.first(20).x_train) == 20


def test_rows_of_images_that_cannot_be_written_to_cannot_either():
    images, labels = np.zeros((2, 3, 4, 4), np.uint8).transpose(0, 2, 3, 1), np.zeros(2, np.int32)
    data = Dataset.of("made", images, labels, images, labels)
    data.stored_test.setflags(write=False)
    assert data.flattened().stored_test.flags.writeable  # the images can be changed still, through another array
    freeze(data.stored_test)
    rows = data.flattened().stored_test
    assert not np.shares_memory(rows, images)
    assert not may_change(rows)


def labelled(x, y=None):
    """A data set of these examples, the same to train and to test."""
    labels = np.zeros(len(x), np.int32) if y is None else y
    return Dataset.of("made", x, labels, x, labels)


@pytest.mark.parametrize("offset", [0, 10**12])
def test_whole_numbers_whose_squares_64_bits_do_not_hold_are_standardised(offset):
    numbers = offset + 10**9 * np.arange(-50, 50).reshape(100, 1)
    mean, deviation = labelled(numbers).standardised().scaling or (np.float32(0), np.float32(0))
    assert mean == pytest.approx(offset - 0.5e9, rel=1e-6)
    assert deviation == pytest.approx(1e9 * ((100**2 - 1) / 12) ** 0.5, rel=1e-6)


def test_pixels_are_standardised_by_the_same_two_numbers_however_wide_they_are_stored():
    pixels = np.random.default_rng(0).integers(0, 256, (1500, 4, 4, 3))
    total, squares, n = int(pixels.sum()), int((pixels * pixels).sum()), pixels.size
    mean = total / n
    exact = np.float32(mean), np.float32((squares / n - mean * mean) ** 0.5)
    for kind in (np.uint8, np.int16, np.int32, np.int64):
        assert labelled(pixels.astype(kind)).standardised().scaling == exact


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.eye(5, dtype=int)[[0, 3, 1]], 5),
        (np.array([[0, 6, 1], [2, 3, 0]]), 7),
        (np.array([[0], [2]]), 3),
        (np.array([0, 1, 1]), 2),
        (np.eye(4, dtype=np.float32), 4),
        (np.array([0.5, 1.5]), 0),
    ],
    ids=["one-hot", "a class for every word", "one beside no other", "indices", "one-hot floats", "targets"],
)
def test_how_many_classes_labels_tell_of(labels, classes):
    assert labelled(np.zeros((len(labels), 2)), labels).classes == classes
