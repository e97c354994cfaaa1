"""Models whose input has no fixed length are trained as by `fit`; how many operations that takes nothing tells."""

import numpy as np
import pytest
from engine_cases import Session

from keras_reprise.datasets import Dataset
from keras_reprise.engine import train

keras = pytest.importorskip("keras")
layers = keras.layers
BACKEND = keras.backend.backend()


def signals() -> Dataset:
    """60 training and 30 test sequences of 12 x 8 standard normal numbers, 3 classes."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 12, 8)).astype(np.float32)
    y = generator.integers(0, 3, 60).astype(np.int32)
    return Dataset("made", x, y, x[:30] + np.float32(0.1), y[:30], 3, "0" * 64)


def words() -> Dataset:
    """The same sizes, of 12 words out of 10."""
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 10, (90, 12)).astype(np.int32), generator.integers(0, 3, 90).astype(np.int32)
    return Dataset("made", x[:60], y[:60], x[60:], y[60:], 3, "1" * 64)


def convolutional(*middle):
    return keras.Sequential(
        [keras.Input((None, 8)), layers.Conv1D(4, 3), *middle, layers.GlobalAveragePooling1D(), layers.Dense(3)]
    )


def normalised():
    return convolutional(layers.BatchNormalization())


def recurrent():
    return keras.Sequential(
        [keras.Input((None,), dtype="int32"), layers.Embedding(10, 6), layers.LSTM(5), layers.Dense(3)]
    )


@pytest.mark.parametrize(
    ("network", "made"),
    [(convolutional, signals), (normalised, signals), pytest.param(recurrent, words, marks=pytest.mark.slow)],
    ids=["convolutional", "normalised", "recurrent"],
)
def test_a_model_of_any_length_trains_with_the_numbers_of_fit_and_without_a_count_of_operations(network, made):
    keras.utils.set_random_seed(1)
    data, session, ours, theirs = made(), Session(), network(), network()
    theirs.set_weights(ours.get_weights())
    history = train(ours, data, session, optimizer=keras.optimizers.SGD(0.05, momentum=0.9), batch_size=20, epochs=2)
    theirs.compile(
        keras.optimizers.SGD(0.05, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile="auto" if BACKEND == "jax" else False,
    )
    for epoch in (1, 2):
        order = session.seeds.permutation(60, epoch)
        fitted = theirs.fit(
            data.x_train[order],
            data.y_train[order],
            batch_size=20,
            shuffle=False,
            verbose=0,
            validation_data=(data.x_test, data.y_test),
        ).history
        assert history.curves["train_loss"][epoch - 1] == pytest.approx(fitted["loss"][0], rel=1e-4)
        assert history.curves["test_loss"][epoch - 1] == pytest.approx(fitted["val_loss"][0], rel=1e-4)
    assert history.flops_per_example is None


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow cuts batches")
def test_a_batch_whose_arithmetic_cannot_be_counted_is_not_cut():
    from keras_reprise.engine.backends import tensorflow_parts

    assert not tensorflow_parts.pays(normalised(), 10**9)
