"""A batch in parts, on TensorFlow, through layers that see the whole of it: the numbers are those of the whole batch."""

import numpy as np
import pytest
from engine_cases import Session, convnet, made_data

from keras_reprise.engine import batches, train
from keras_reprise.engine.backends.interface import Plan
from keras_reprise.engine.structure import acts_on_single_examples, normalises_batch

keras = pytest.importorskip("keras")
if keras.backend.backend() != "tensorflow":
    pytest.skip("only TensorFlow cuts batches", allow_module_level=True)
tf = pytest.importorskip("tensorflow")
tensorflow_parts = pytest.importorskip("keras_reprise.engine.backends.tensorflow_parts")
tensorflow_program = pytest.importorskip("keras_reprise.engine.backends.tensorflow_program")

layers = keras.layers
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.fixture
def cut(monkeypatch):
    """A function that has batches cut into so many parts, however small the model is."""
    monkeypatch.setattr(tensorflow_parts, "LEAST_MACS", 0)
    return lambda parts: monkeypatch.setattr(tensorflow_program, "shard_count", lambda size: parts)


def seeded(kind, *arguments, **options):
    return kind(*arguments, kernel_initializer=keras.initializers.GlorotUniform(3), **options)


def residual():
    """A functional model with a branch, a nested model, and one batch normalisation that is frozen."""
    x = keras.Input((10, 10, 3))
    hidden = seeded(layers.Conv2D, 4, 3, padding="same")(x)
    inner = keras.Sequential(
        [
            keras.Input((10, 10, 4)),
            layers.BatchNormalization(momentum=0.8),
            layers.ReLU(),
            seeded(layers.Conv2D, 4, 3, padding="same"),
            layers.SpatialDropout2D(0.2, seed=5),
        ]
    )
    frozen = layers.BatchNormalization()
    frozen.trainable = False
    hidden = layers.Add()([hidden, frozen(inner(hidden))]) * 0.5
    return keras.Model(x, seeded(layers.Dense, 4)(layers.GlobalAveragePooling2D()(hidden)))


def axes():
    """Normalisations that are not those of float32 channels in the last place, and one of dense features."""
    return keras.Sequential(
        [
            keras.Input((10, 10, 3)),
            layers.BatchNormalization(axis=1),
            layers.Flatten(),
            layers.BatchNormalization(scale=False, center=False),
            seeded(layers.Dense, 8, activation="relu"),
            layers.BatchNormalization(dtype="float64"),
            seeded(layers.Dense, 4),
        ]
    )


@pytest.mark.parametrize("network", [lambda: convnet(extras=True), residual, axes], ids=["convnet", "residual", "axes"])
def test_a_batch_in_parts_gives_the_numbers_of_a_whole_one(cut, network):
    data, found, variables = made_data(), {}, {}
    for parts in (1, 2, 3):
        cut(parts)
        model = network()
        optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
        # The last of the batches has one example, and a part of it none.
        found[parts] = train(model, data, Session(), optimizer=optimizer, batch_size=43, epochs=3)
        variables[parts] = [variable.numpy() for variable in model.variables if "seed" not in variable.path]
    for parts in (2, 3):
        expected = {name: pytest.approx(values, rel=1e-5) for name, values in found[1].curves.items()}
        assert found[parts].curves == expected
        for ours, whole in zip(variables[parts], variables[1], strict=True):
            assert ours == pytest.approx(whole, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("shape", [(7, 5), (7, 4, 3), (7, 4, 4, 3), (7, 2, 3, 2, 3)])
def test_the_gradient_of_a_normalisation_in_parts_is_that_of_the_batch(shape):
    generator = np.random.default_rng(0)
    x = tf.constant(100 + generator.normal(size=shape), tf.float32)  # a mean that is large beside the deviation
    flow = tf.constant(generator.normal(size=shape), tf.float32)
    scale, offset = (tf.constant(generator.normal(size=shape[-1:]), tf.float32) for _ in range(2))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, scale, offset])
        mean, variance = tf.nn.moments(x, list(range(len(shape) - 1)))
        whole = tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-3)
        *parts, our_mean, our_variance = tensorflow_parts._normalisation(1e-3)(scale, offset, x[:2], x[2:6], x[6:])
        expected, value = (tf.reduce_sum(flow * out) for out in (whole, tf.concat(parts, 0)))
    assert our_mean.numpy() == pytest.approx(mean.numpy(), rel=1e-6)
    assert our_variance.numpy() == pytest.approx(variance.numpy(), rel=1e-5)
    for ours, keras_gives in zip(*(tape.gradient(v, [x, scale, offset]) for v in (value, expected)), strict=True):
        assert ours.numpy() == pytest.approx(keras_gives.numpy(), rel=1e-3, abs=2e-4)


def test_a_part_without_examples_counts_for_nothing():
    x = tf.constant(np.random.default_rng(0).normal(size=(5, 3)), tf.float32)
    one = tf.ones([3])
    *parts, mean, variance = tensorflow_parts._normalisation(1e-3)(one, one, x, x[:0])
    assert mean.numpy() == pytest.approx(x.numpy().mean(0), rel=1e-5)
    assert variance.numpy() == pytest.approx(x.numpy().var(0), rel=1e-5)
    assert parts[1].shape == (0, 3)


@pytest.mark.parametrize("network", [lambda: convnet(extras=True), residual], ids=["convnet", "residual"])
def test_fewer_examples_than_parts_are_evaluated_whole(network):
    data = made_data()
    program = tensorflow_program.TensorFlowProgram(Plan(network(), keras.optimizers.SGD(), LOSS, 50))
    program.parts = 3
    one, some = (program.per_sample(data.stored_test[:n], data.y_test[:n]).losses for n in (1, 7))
    assert one == pytest.approx(some[:1], rel=1e-5)


def test_only_a_network_whose_arithmetic_outweighs_the_waiting_is_cut():
    def shards(*stack, units=10):
        model = keras.Sequential([keras.Input((32, 32, 3)), *stack, layers.Flatten(), layers.Dense(units)])
        return tensorflow_program.TensorFlowProgram(Plan(model, keras.optimizers.SGD(), LOSS, 100)).shards

    most = batches.shard_count(100)
    if most == 1:
        pytest.skip("one core cuts nothing")
    normalised = (layers.Conv2D(32, 5), layers.BatchNormalization(), layers.ReLU())
    assert shards(*normalised) == most
    assert shards(layers.Flatten(), layers.Dense(50), layers.BatchNormalization()) == 1
    assert shards(layers.Flatten(), layers.Dense(50)) == most, "it waits for nothing"
    assert shards(layers.Conv2D(32, 5), layers.Lambda(lambda x: x)) == 1, "what is not known is never cut"


def test_a_frozen_batch_normalisation_acts_on_single_examples_in_training_too():
    norm = layers.BatchNormalization()
    model = keras.Sequential([keras.Input((3,)), norm])
    assert normalises_batch(norm, 2)
    assert not acts_on_single_examples(model, training=True)
    norm.trainable = False
    assert not normalises_batch(norm, 2)
    assert acts_on_single_examples(model, training=True)


def test_networks_that_are_cut_and_alike_are_traced_once_and_each_has_its_own_numbers(cut, monkeypatch):
    cut(2)
    right, traced = tensorflow_program.in_parts, []

    def counted(model, parts):
        if not tf.executing_eagerly():  # as in the check
            traced.append(model)
        return right(model, parts)

    def numbers(seed):
        model, optimizer = convnet(extras=True, penalty=2e-3, seed=seed), keras.optimizers.SGD(0.05)
        # The last of the batches has one example, and is not cut.
        return train(model, made_data(), Session(), optimizer=optimizer, batch_size=43, epochs=2).update_losses.tolist()

    monkeypatch.setattr(tensorflow_program, "in_parts", counted)
    first, before = numbers(1), len(traced)
    second = numbers(4)
    assert before == len(traced) > 0
    monkeypatch.setattr("keras_reprise.engine.keeping.Keeping.get", lambda self, text, make: make())
    assert numbers(4) == second != first
    assert len(traced) > before
