"""The engine compares itself with Keras before it trains, and says what draws without a seed."""

import os
from typing import Any

import numpy as np
import pytest
from engine_cases import Session, convnet, made_data

from keras_reprise.base.errors import RecipeError
from keras_reprise.datasets import Dataset
from keras_reprise.engine import train
from keras_reprise.engine.objective import Objective
from keras_reprise.run.kept import Checkpoints

keras = pytest.importorskip("keras")
layers = keras.layers
BACKEND = keras.backend.backend()


def points(seed: int = 0) -> Dataset:
    """100 training and 60 test points of 6 numbers, 3 classes."""
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=(160, 6)).astype(np.float32), generator.integers(0, 3, 160).astype(np.int32)
    return Dataset("points", x[:100], y[:100], x[100:], y[100:], 3, "0" * 64)


def dense(activation: Any = "tanh"):
    glorot = keras.initializers.GlorotUniform
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, activation, kernel_initializer=glorot(1)),
            layers.Dense(3, kernel_initializer=glorot(2)),
        ]
    )


def trained(model: Any = None, session: Any = None, **options: Any):
    settings: dict[str, Any] = {"optimizer": keras.optimizers.SGD(0.1), "epochs": 2, "batch_size": 50} | options
    return train(model or dense(), points(), session or Session(), **settings)


@pytest.fixture
def two_shards(monkeypatch):
    from keras_reprise.engine.backends import tensorflow_program

    monkeypatch.setattr(tensorflow_program, "shard_count", lambda size: 2 if size > 1 else 1)


@pytest.fixture
def not_cut(monkeypatch):
    if BACKEND == "tensorflow":
        from keras_reprise.engine.backends import tensorflow_program

        monkeypatch.setattr(tensorflow_program, "shard_count", lambda size: 1)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="batches are cut on TensorFlow")
def test_a_cut_batch_with_other_numbers_than_kerass_is_computed_whole(monkeypatch, two_shards):
    """Nothing that was traced is kept, so that the second training does not go on with the first one's graph."""
    from keras_reprise.engine.backends.tensorflow_program import TensorFlowProgram

    cut = []
    be_plain = TensorFlowProgram.be_plain

    def seen(self):
        cut.append(be_plain(self))
        return cut[-1]

    monkeypatch.setattr(TensorFlowProgram, "be_plain", seen)
    monkeypatch.setattr("keras_reprise.engine.keeping.Keeping.get", lambda self, text, make: make())
    whole = trained(
        keras.Sequential([keras.Input((6,)), layers.Dense(3, kernel_initializer=keras.initializers.GlorotUniform(1))])
    )
    assert cut == [], "it was cut, and had Keras's numbers"
    right = Objective.sum
    monkeypatch.setattr(Objective, "sum", lambda self, y, outputs: 1.5 * right(self, y, outputs))
    spoiled = trained(
        keras.Sequential([keras.Input((6,)), layers.Dense(3, kernel_initializer=keras.initializers.GlorotUniform(1))])
    )
    assert cut == [True], "it was cut, and is no longer"
    assert spoiled.curves["train_loss"] == pytest.approx(whole.curves["train_loss"], rel=1e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="batches are cut on TensorFlow")
def test_a_batch_of_one_is_checked_though_there_are_more_shards(two_shards):
    data, model = made_data(), convnet()
    history = train(model, data.first(3), Session(), optimizer=keras.optimizers.SGD(0.01), epochs=1, batch_size=1)
    assert np.isfinite(history.curves["train_loss"]).all()


@pytest.mark.skipif(BACKEND == "jax", reason="on JAX the program is Keras's own compute_loss")
def test_numbers_that_stay_others_than_kerass_are_refused_and_both_are_named(monkeypatch, not_cut):
    right = Objective.value
    monkeypatch.setattr(Objective, "value", lambda self, y, outputs: 2.0 * right(self, y, outputs))
    with pytest.raises(RecipeError, match=r"Keras gives a loss of [\d.]+, the engine [\d.]+"):
        trained()


@pytest.mark.skipif(BACKEND == "jax", reason="on JAX the program is Keras's own compute_loss")
def test_a_gradient_that_is_another_than_kerass_is_refused(monkeypatch, not_cut):
    right = Objective.value
    monkeypatch.setattr(
        Objective,
        "value",
        lambda self, y, outputs: (
            right(self, y, outputs) + keras.ops.sum(outputs) - keras.ops.stop_gradient(keras.ops.sum(outputs))
        ),
    )
    with pytest.raises(RecipeError, match="gradient of norm"):
        trained()


@pytest.mark.skipif(BACKEND != "jax", reason="JAX's own text is compared")
def test_on_jax_the_program_has_the_text_of_kerass_own(monkeypatch):
    from keras_reprise.engine.backends.jax_program import JaxProgram

    compared = []
    right = JaxProgram._compared

    def seen(self, *arguments):
        compared.append(right(self, *arguments))
        return compared[-1]

    monkeypatch.setattr(JaxProgram, "_compared", seen)
    trained(convnet(extras=True) and dense())
    assert compared == [(0.0, 0.0), (0.0, 0.0)], "nothing had to be computed"


def test_the_check_leaves_state_and_random_numbers_as_they_were(monkeypatch):
    from keras_reprise.engine import preparing

    def run():
        data, session = made_data(), Session()
        return train(convnet(extras=True), data, session, optimizer=keras.optimizers.SGD(0.1), epochs=2, batch_size=50)

    checked = run().curves
    monkeypatch.setattr(preparing, "check", lambda *arguments: float("nan"))
    assert run().curves == checked


@pytest.mark.skipif(BACKEND != "torch", reason="only torch has a generator of its own for what has no seed")
def test_what_has_no_seed_draws_the_same_in_training_whether_it_was_checked_or_not(monkeypatch):
    from keras_reprise.engine import preparing

    def run():
        keras.utils.set_random_seed(3)
        return trained(keras.Sequential([keras.Input((6,)), layers.Dropout(0.5), dense()]))

    checked = run().update_losses
    monkeypatch.setattr(preparing, "check", lambda *arguments: float("nan"))
    assert np.array_equal(run().update_losses, checked)


def test_what_draws_without_a_seed_is_named_once_and_a_rate_of_zero_is_none():
    session = Session()
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, kernel_initializer=keras.initializers.HeNormal(seed=3), bias_initializer="zeros"),
            layers.Dropout(0.5),
            layers.Dropout(0.0),
            layers.GaussianNoise(0.1, seed=4),
            layers.Dense(3, name="logits"),
        ]
    )
    trained(model, session)
    assert session.unseeded == ["dropout_1", "logits/kernel"]


def test_a_model_with_seeds_everywhere_is_not_spoken_of():
    session = Session()
    trained(session=session)
    assert session.unseeded == []


def test_weights_that_were_set_after_they_were_drawn_are_not_spoken_of():
    session, model = Session(), keras.Sequential([keras.Input((6,)), layers.Dense(3)])
    model.set_weights([np.full((6, 3), 0.1), np.zeros(3)])
    trained(model, session)
    assert session.unseeded == []


def test_layers_inside_of_layers_are_looked_at_too():
    session = Session()
    data = points()
    series = Dataset(
        "series", data.stored_train[..., None], data.y_train, data.stored_test[..., None], data.y_test, 3, "0" * 64
    )
    glorot = keras.initializers.GlorotUniform
    model = keras.Sequential(
        [
            keras.Input((6, 1)),
            layers.Bidirectional(layers.SimpleRNN(3, kernel_initializer=glorot(1), dropout=0.3)),
            layers.Dense(3, kernel_initializer=glorot(2)),
        ]
    )
    train(model, series, session, optimizer=keras.optimizers.SGD(0.1), epochs=1, batch_size=50)
    assert any("recurrent" in name for name in session.unseeded)
    assert not any("dense" in name for name in session.unseeded)


def test_models_that_no_configuration_tells_apart_never_go_on_from_each_others_state(tmp_path):
    """Two models of equal weights that differ in a function of the user's own; the first one's states are kept."""
    kept = Checkpoints(tmp_path)
    alone = [trained(dense(activation)).curves for activation in (lambda x: x, lambda x: 0.5 * x)]
    session = Session(kept)
    together = []
    for number, activation in enumerate((lambda x: x, lambda x: 0.5 * x)):
        session.place = f"arm 0 {number}"
        together.append(trained(dense(activation), session, fork_at=(1, 2)).curves)
    assert together == alone
    session.place = None  # type: ignore[assignment]
    assert trained(dense(lambda x: x), session, fork_at=(1, 2)).curves == alone[0]


def test_an_average_of_the_weights_is_put_in_at_the_end():
    optimizer, model = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9), dense()
    trained(model, optimizer=optimizer)
    averages = [keras.ops.convert_to_numpy(value) for value in optimizer._model_variables_moving_average]
    for variable, average in zip(model.trainable_variables, averages, strict=True):
        assert np.array_equal(keras.ops.convert_to_numpy(variable), average)


def test_options_that_only_fit_has_are_refused_in_a_sentence():
    with pytest.raises(RecipeError, match="train has no option class_weight"):
        trained(class_weight={0: 2.0})


if os.environ.get("KERAS_BACKEND") is None:

    @pytest.mark.parametrize("labels", [np.array(["a", "b"] * 50), np.array([object()] * 100)])
    def test_labels_that_are_no_numbers_are_refused_with_what_to_do(labels):
        data = points()
        spoiled = Dataset("x", data.stored_train, labels, data.stored_test, labels[:60], 3, "0" * 64)
        with pytest.raises(RecipeError, match="class indices"):
            train(dense(), spoiled, Session(), optimizer=keras.optimizers.SGD(0.1), epochs=1)
