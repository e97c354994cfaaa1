"""Early stopping on curves worked out by hand, and beside Keras's own."""

import keras
import numpy as np
import pytest

from keras_reprise.engine import Patience, Target


def test_patience_grows_with_every_new_minimum():
    #        1    2    3    4    5    6    7    8    9    10   11
    curve = [1.0, 0.9, 1.0, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    rule = Patience(2, growth=1.5)  # 2 after the first minimum, 3 after the second, 4.5 after the third
    assert rule.candidates(curve) == [1, 2, 4]
    assert rule.stopped_at(curve) == 9
    assert not rule.reached({"test_loss": curve[:8]})
    assert rule.reached({"test_loss": curve[:9]})


def test_patience_that_does_not_grow():
    curve = [1.0, 0.9, 1.0, 1.0, 0.8]
    assert Patience(2, growth=1.0).stopped_at(curve) == 4
    assert Patience(2, growth=1.0).candidates(curve) == [1, 2], "what comes after the stop was never trained"


def test_a_fall_within_the_threshold_is_no_new_minimum():
    assert Patience(3, threshold=0.1).candidates([1.0, 0.95, 0.85]) == [1, 3]


def test_a_curve_that_keeps_falling_never_stops():
    assert Patience(1).stopped_at([1 / k for k in range(1, 30)]) is None


def test_a_target_is_reached_at_or_below_it():
    assert [Target("test_error", 0.4).reached({"test_error": [0.5, value]}) for value in (0.41, 0.4, 0.3)] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("patience", [1, 2, 3, 5, 8])
def test_a_patience_that_does_not_grow_stops_and_keeps_as_keras_does(patience):
    curve = np.random.default_rng(patience).normal(0, 0.1, 60).cumsum().tolist()
    callback = keras.callbacks.EarlyStopping("val_loss", patience=patience)
    callback.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    callback.model.stop_training = False
    callback.on_train_begin()
    stopped = None
    for epoch, value in enumerate(curve):
        callback.on_epoch_end(epoch, {"val_loss": value})
        if callback.model.stop_training:
            stopped = epoch + 1
            break
    rule = Patience(patience, growth=1.0)
    assert rule.stopped_at(curve) == stopped
    assert rule.candidates(curve)[-1] == callback.best_epoch + 1
