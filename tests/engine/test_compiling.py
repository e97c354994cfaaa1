"""Models that are traced alike share what was compiled, and no others do; the numbers are each one's own."""

from functools import wraps

import keras
import numpy as np
import pytest
from engine_cases import Session, convnet, made_data

from keras_reprise.datasets import Dataset
from keras_reprise.engine import gradients, timed_calls, train
from keras_reprise.engine.configuration import configured, traced_alike
from keras_reprise.engine.objective import resolved

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
JAX_COMPILED = "/jax/core/compile/backend_compile_duration"


@pytest.fixture
def compilations(monkeypatch):
    """A list that grows by every compilation (JAX), or by every time that the dense layer is traced (TensorFlow)."""
    found, backend = [], keras.backend.backend()
    if backend == "torch":
        pytest.skip("nothing is compiled on torch")
    if backend == "jax":
        import jax

        def listen(event, seconds, **_):
            if event == JAX_COMPILED:
                found.append(event)

        jax.monitoring.register_event_duration_secs_listener(listen)
        yield found
        jax.monitoring.unregister_event_duration_listener(listen)
        return
    import tensorflow as tf

    call = keras.layers.Dense.call

    @wraps(call)
    def counted(self, *arguments, **named):
        if not tf.executing_eagerly() and not isinstance(arguments[0], keras.KerasTensor):
            found.append(self.name)
        return call(self, *arguments, **named)

    monkeypatch.setattr(keras.layers.Dense, "call", counted)
    yield found


def asked(compilations, call):
    """What `call` gives, and how many compilations it took."""
    before = len(compilations)
    return call(), len(compilations) - before


def dense(units=5, seed=1, activation="relu", rate=0.0):
    layers, glorot = keras.layers, keras.initializers.GlorotUniform
    return keras.Sequential(
        [
            keras.Input((10, 10, 3)),
            layers.Flatten(),
            layers.Dense(units, activation, kernel_initializer=glorot(seed)),
            layers.Dropout(rate, seed=seed),
            layers.Dense(4, kernel_initializer=glorot(seed + 1)),
        ]
    )


def leaky(slope):
    """An activation that has a name of Keras's, and a slope that nothing tells."""

    def leaky_relu(x):
        return keras.ops.maximum(slope * x, x)

    return leaky_relu


def trained(model, optimizer, learning_rate=None):
    history = train(model, made_data(), Session(), optimizer=optimizer, learning_rate=learning_rate, batch_size=50, epochs=2)  # fmt: skip
    return history.update_losses.tolist()


def test_gradients_are_compiled_once_a_shape_whichever_model_of_a_structure_it_is(compilations):
    data = made_data()
    x, y, model = data.x_train[:33], data.y_train[:33], dense(7)
    first, compiled = asked(compilations, lambda: gradients(model, [x], y, LOSS))
    assert compiled > 0
    again, compiled = asked(compilations, lambda: gradients(model, [x + 1], y, LOSS))
    assert compiled == 0
    assert not np.array_equal(first.inputs[0], again.inputs[0])
    other, compiled = asked(compilations, lambda: gradients(dense(7, seed=5), [x], y, LOSS))
    assert compiled == 0
    assert not np.allclose(first.inputs[0], other.inputs[0])
    _, compiled = asked(compilations, lambda: gradients(dense(7, activation="tanh"), [x], y, LOSS))
    assert compiled > 0


@pytest.mark.parametrize("backward", [False, True])
def test_timed_calls_are_compiled_once_a_shape_and_leave_the_model_as_it_was(compilations, backward):
    x, model = made_data().x_train[:21], dense(9, rate=0.5)
    before = [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.variables]
    for number, one in enumerate((model, model, dense(9, seed=4, rate=0.5))):
        _, compiled = asked(compilations, lambda one=one: timed_calls(one, x, backward=backward, calls=5, budget_s=0))
        assert (compiled > 0) == (number == 0)
    for variable, value in zip(model.variables, before, strict=True):
        assert np.array_equal(keras.ops.convert_to_numpy(variable), value)


def test_a_search_over_rates_and_a_sweep_of_seeds_are_compiled_once(compilations):
    rates, found = keras.optimizers.SGD, []
    _, compiled = asked(compilations, lambda: found.append(trained(dense(11), rates(0.01))))
    assert compiled > 0
    for model, optimizer in ((dense(11), rates(0.02)), (dense(11, seed=3), rates(0.01))):
        _, compiled = asked(compilations, lambda m=model, o=optimizer: found.append(trained(m, o)))
        assert compiled == 0
    assert found[0][0] == found[1][0]
    assert len({losses[-1] for losses in found}) == 3


SWEEP = {
    "as it is": lambda: (dense(13), keras.optimizers.SGD(0.05)),
    "another activation": lambda: (dense(13, activation="tanh"), keras.optimizers.SGD(0.05)),
    "an activation of one's own": lambda: (dense(13, activation=leaky(0.1)), keras.optimizers.SGD(0.05)),
    "another of its name": lambda: (dense(13, activation=leaky(0.6)), keras.optimizers.SGD(0.05)),
    "other dropout": lambda: (dense(13, rate=0.5), keras.optimizers.SGD(0.05)),
    "other weights": lambda: (dense(13, seed=8), keras.optimizers.SGD(0.05)),
    "momentum": lambda: (dense(13), keras.optimizers.SGD(0.05, momentum=0.9)),
    "weight decay": lambda: (dense(13), keras.optimizers.SGD(0.05, weight_decay=0.1)),
    "a penalty": lambda: (convnet(penalty=1e-3), keras.optimizers.SGD(0.05)),
    "another penalty": lambda: (convnet(penalty=1e-1), keras.optimizers.SGD(0.05)),
    "batch normalisation": lambda: (convnet(extras=True), keras.optimizers.Adam(0.01)),
    "the same": lambda: (convnet(extras=True, seed=4), keras.optimizers.Adam(0.02)),
}


def test_arms_trained_after_each_other_give_the_numbers_that_each_gives_alone(monkeypatch):
    """Alone: where nothing that was compiled is kept."""
    after_each_other = {name: trained(*make()) for name, make in SWEEP.items()}
    monkeypatch.setattr("keras_reprise.engine.keeping.Keeping.get", lambda self, text, make: make())
    alone = {name: trained(*make()) for name, make in SWEEP.items()}
    assert after_each_other == alone
    assert len({tuple(losses) for losses in alone.values()}) == len(SWEEP)


def test_labels_of_other_forms_are_trained_after_each_other_as_alone():
    """Bool labels of one axis and of two, for which Keras asks the number of axes, and numbers as they are."""
    made, losses = made_data(), []
    yes, no = made.y_train > 1, made.y_test > 1
    for form in (lambda y: y, lambda y: y[:, None], lambda y: y.astype(np.float32), lambda y: y[:, None]):
        model = keras.Sequential(
            [
                keras.Input((10, 10, 3)),
                keras.layers.Flatten(),
                keras.layers.Dense(1, "sigmoid", kernel_initializer=keras.initializers.GlorotUniform(7)),
            ]
        )
        data = Dataset.of("made", made.x_train, form(yes), made.x_test, form(no))
        history = train(model, data, Session(), optimizer=keras.optimizers.SGD(0.01), loss=keras.losses.BinaryCrossentropy(), batch_size=50, epochs=1)  # fmt: skip
        losses.append(history.update_losses)
    assert all(np.allclose(one, losses[0], rtol=1e-6) for one in losses)


def test_a_layer_that_is_named_as_its_activation_is_told_from_one_of_another_activation():
    def named(activation):
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation, name=activation)])

    assert configured(named("relu")) != configured(named("tanh"))
    assert configured(named("relu")) == configured(named("relu"))


def test_functions_of_one_name_are_told_apart():
    """Keras has two functions `gelu`, of which one approximates by default."""
    ours, operation = dense(activation="gelu"), dense(activation=keras.ops.gelu)
    assert None not in (texts := (configured(ours), configured(operation)))
    assert texts[0] != texts[1]
    assert traced_alike(ours) != traced_alike(operation)


def test_what_holds_a_function_of_ones_own_is_named_by_no_configuration():
    def recurrent(activation):
        return keras.Sequential([keras.Input((5, 3)), keras.layers.GRU(2, recurrent_activation=activation)])

    assert None not in (configured(dense()), configured(recurrent("sigmoid")))
    for part in (
        dense(activation=leaky(0.1)),
        dense(activation=lambda x: 2 * x),
        recurrent(leaky(0.1)),
        resolved(lambda y, outputs: keras.ops.mean((y - outputs) ** 2, -1), dense()),
        keras.optimizers.SGD(lambda: 0.1),
    ):
        assert configured(part) is None


def test_a_model_that_computes_in_another_precision_is_told_apart():
    def computing(policy):
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, dtype=policy)])

    texts = {configured(computing(policy)) for policy in ("float32", "mixed_bfloat16", "mixed_float16")}
    assert len(texts) == 3


def adapted():
    layer = keras.layers.Normalization()
    layer.adapt(np.arange(12.0).reshape(4, 3))
    return keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(2)])


class Doubling(keras.layers.Layer):  # type: ignore[misc]
    def call(self, inputs):
        return 2 * inputs


class ToOne(keras.regularizers.Regularizer):  # type: ignore[misc]
    def __call__(self, x):
        return keras.ops.sum((x - 1) ** 2)


class Half(keras.constraints.Constraint):  # type: ignore[misc]
    def __call__(self, w):
        return w / 2


def excluding():
    optimizer = keras.optimizers.AdamW()
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


@pytest.mark.parametrize(
    ("model", "optimizer"),
    [
        (adapted, keras.optimizers.SGD),
        (lambda: keras.Sequential([keras.Input((3,)), Doubling(), keras.layers.Dense(2)]), keras.optimizers.SGD),
        (dense, excluding),
        (
            lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_regularizer=ToOne())]),
            keras.optimizers.SGD,
        ),
        (
            lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, bias_constraint=Half())]),
            keras.optimizers.SGD,
        ),
        (lambda: dense(activation=leaky(0.1)), keras.optimizers.SGD),
        (lambda: dense(activation=lambda x: 2 * x), keras.optimizers.SGD),
        (dense, lambda: keras.optimizers.SGD(lambda: 0.1)),
    ],
    ids=[
        "numbers outside of variables",
        "a layer of one's own",
        "weights left out by name",
        "a penalty of one's own",
        "a constraint of one's own",
        "an activation that is named as one of Keras's",
        "a lambda",
        "a rate that is a lambda",
    ],
)
def test_what_a_configuration_does_not_tell_is_shared_with_nobody(model, optimizer):
    assert traced_alike(dense(), LOSS, keras.optimizers.SGD()) is not None
    assert traced_alike(model(), LOSS, optimizer()) is None
