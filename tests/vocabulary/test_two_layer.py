"""The documented two-layer network: data, weights, cost, and training it again and again."""

import math

import keras
import numpy as np
import pytest

from keras_reprise.base.seeds import Seeds
from keras_reprise.engine import evaluate
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe.settings import Scale

start.start()
from keras_reprise.two_layer import Trainer, costs, raw_pixels, tripled_at, two_layer  # noqa: E402


@pytest.fixture
def replicate():
    return Replicate(Seeds(1), Scale("quick"), data_name="digits")


def test_pixels_are_raw_minus_the_mean_training_image_and_validation_is_set_apart(replicate):
    stored, data = replicate.dataset().stored_train, raw_pixels(replicate)
    assert (len(data.stored_train), len(data.stored_test)) == (1200, 300)
    rows = stored[:1200].reshape(1200, -1)
    np.testing.assert_allclose(data.x_train, rows - rows.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(data.x_test, stored[1200:].reshape(300, -1) - rows.mean(axis=0), atol=1e-3)
    assert abs(data.x_train).max() > 100


def test_the_loss_starts_at_ln_10_and_the_penalty_is_half_the_squares():
    model = two_layer(Seeds(1), 3072, 10)
    x = np.random.default_rng(0).normal(0, 60, (200, 3072)).astype(np.float32)
    losses, _ = evaluate(model, x, np.zeros(200, np.int32))
    assert losses.mean() == pytest.approx(math.log(10), abs=1e-3)
    squares = sum(float(np.square(layer.get_weights()[0]).sum()) for layer in model.layers)
    assert float(sum(model.losses)) == pytest.approx(squares / 2, rel=1e-5)
    assert model.count_params() == 3072 * 50 + 50 + 500 + 10


def test_training_again_gives_the_same_numbers_without_compiling(replicate):
    trainer = Trainer(replicate)
    first = trainer.train(1e-3, reg=0.1, epochs=2)
    other = trainer.train(1e-4, reg=0.1, epochs=2)
    again = trainer.train(1e-3, reg=0.1, epochs=2)
    assert again.curves == first.curves
    assert other.curves != first.curves
    assert first.timing.compile_s > 0
    assert again.timing.compile_s == 0


def test_other_data_or_batches_are_compiled_anew(replicate):
    trainer = Trainer(replicate)
    trainer.train(1e-3, reg=0.0, epochs=1)
    trainer.data = trainer.data.first(400)
    few = trainer.train(1e-3, reg=0.0, epochs=1)
    assert few.updates == 4
    assert few.timing.compile_s > 0
    assert trainer.train(1e-3, reg=0.0, epochs=1, batch_size=50).updates == 8


def test_the_rate_falls_and_the_penalty_acts(replicate):
    trainer = Trainer(replicate)
    kept, decayed = (trainer.train(1e-3, reg=0.0, epochs=4, decay=decay).update_losses for decay in (1.0, 0.5))
    per_epoch = len(kept) // 4
    np.testing.assert_array_equal(kept[: per_epoch + 1], decayed[: per_epoch + 1])
    assert not np.array_equal(kept, decayed)
    strong = trainer.train(1e-3, reg=1e3, epochs=1).update_losses[0]
    assert strong - kept[0] == pytest.approx(0.5e3 * 154_100 * 1e-8, abs=0.02)


def test_a_printed_cost_is_that_of_the_last_batch(replicate):
    history = Trainer(replicate).train(1e-3, reg=0.0, epochs=3)
    np.testing.assert_array_equal(costs(history), history.update_losses.reshape(3, -1)[:, -1])


def test_the_first_cost_above_three_times_the_first_is_found(replicate):
    trainer = Trainer(replicate)
    assert tripled_at(trainer.train(1e-4, reg=0.0, epochs=1)) is None
    wild = trainer.train(1e6, reg=0.0, epochs=1, diverged_factor=None)
    at = tripled_at(wild)
    assert at is not None
    assert not wild.update_losses[at - 1] <= 3 * wild.update_losses[0]
    assert (wild.update_losses[: at - 1] <= 3 * wild.update_losses[0]).all()


def test_the_callback_stops_fit_where_the_rule_says(replicate):
    from keras_reprise.callbacks import AbortAboveInitial

    data, rule = raw_pixels(replicate), AbortAboveInitial()
    for rate, stops in ((1e-4, False), (1e6, True)):
        model = two_layer(Seeds(1), data.image_shape[0], data.classes)
        model.compile(keras.optimizers.SGD(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        history = model.fit(
            data.x_train, data.y_train, batch_size=100, epochs=3, verbose=0, shuffle=False, callbacks=[rule]
        )
        assert (rule.stopped_at is not None) == stops
        assert len(history.epoch) == (1 if stops else 3)
