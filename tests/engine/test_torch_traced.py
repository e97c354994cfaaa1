"""An update that was traced on a CPU is the update; what cannot be traced, or would be another, goes on as it did."""

from typing import Any

import keras
import numpy as np
import pytest

torch = pytest.importorskip("torch")
if keras.backend.backend() != "torch":
    pytest.skip(f"Keras runs on {keras.backend.backend()}", allow_module_level=True)

from engine_cases import Session  # noqa: E402
from torch.fx.node import has_side_effect  # noqa: E402

from keras_reprise.datasets import Dataset  # noqa: E402
from keras_reprise.engine import Order, train  # noqa: E402
from keras_reprise.engine.backends import torch_operations, torch_program, torch_traced  # noqa: E402
from keras_reprise.engine.backends.interface import Plan  # noqa: E402
from keras_reprise.engine.backends.torch_program import TorchProgram  # noqa: E402

layers = keras.layers
UPDATES, BATCH = torch_program.FEWEST_TRACED, 10


def convnet(*more: Any):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((9, 8, 3)),
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(3, padding="same"),
            layers.ReLU(),
            *more,
            layers.Conv2D(5, 3),
            layers.Flatten(),
            layers.Dense(6, "tanh", kernel_regularizer="l2"),
            layers.Dense(3),
        ]
    )


def examples():
    generator = np.random.default_rng(0)
    n = UPDATES * BATCH + 3
    return generator.normal(size=(n, 9, 8, 3)).astype(np.float32), generator.integers(0, 3, n).astype(np.int32)


def ran(optimizer: Any, *more: Any, rate: float | None = 0.05):
    """A program after two epochs, and the losses of its updates."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    program = TorchProgram(Plan(convnet(*more), optimizer, loss, BATCH, UPDATES + 1))
    x, y = examples()
    rates = None if rate is None else np.linspace(rate, rate / 2, UPDATES + 1, dtype=np.float32)
    data, order = program.place(x, y), np.arange(len(x), dtype=np.int32)
    return program, np.concatenate([program.run(data, order, rates, 0.5)[0] for _ in range(2)])


@pytest.fixture
def never_traced(monkeypatch):
    return lambda: monkeypatch.setattr(torch_program, "FEWEST_TRACED", 10**9)


OPTIMIZERS: dict[str, Any] = {
    "SGD": lambda: keras.optimizers.SGD(),
    "momentum": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True, global_clipnorm=1.0),
    "Adam": lambda: keras.optimizers.Adam(),
    "AdamW with averages": lambda: keras.optimizers.AdamW(use_ema=True),
    "RMSprop": lambda: keras.optimizers.RMSprop(weight_decay=1e-3),
    "a schedule": lambda: keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 30)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_traced_updates_and_a_rest_give_what_keras_gives_one_after_the_other(name, never_traced):
    rate = None if name == "a schedule" else 0.01
    program, losses = ran(OPTIMIZERS[name](), rate=rate)
    assert program._quick is not None
    never_traced()
    plain, expected = ran(OPTIMIZERS[name](), rate=rate)
    assert plain._quick is None
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    for ours, others in zip(program.get_state(), plain.get_state(), strict=True):
        np.testing.assert_allclose(ours, others, rtol=1e-5, atol=1e-7)
    assert int(program.optimizer.iterations) == 2 * (UPDATES + 1)


def test_tracing_and_its_check_leave_no_trace_in_the_state(monkeypatch):
    before: list[Any] = []
    checked = TorchProgram._checked

    def watched(program: Any, *arguments: Any):
        found = checked(program, *arguments)
        before.extend(arguments[-1])
        return found

    monkeypatch.setattr(TorchProgram, "_checked", watched)
    program, _ = ran(keras.optimizers.Adam())
    fresh = TorchProgram(Plan(convnet(), keras.optimizers.Adam(), program.objective.loss, BATCH))
    for ours, others in zip(before, fresh.get_state(), strict=True):
        np.testing.assert_array_equal(ours, others)


@pytest.mark.parametrize("layer", [lambda: layers.Dropout(0.5, seed=1), lambda: layers.Lambda(lambda x: x)])
def test_what_draws_or_is_a_function_of_ones_own_is_not_traced(layer, monkeypatch):
    monkeypatch.setattr(torch_program, "TracedUpdate", lambda *_: pytest.fail("traced"))
    program, losses = ran(keras.optimizers.SGD(), layer())
    assert program._quick is None
    assert np.isfinite(losses).all()


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(gradient_accumulation_steps=3),
        lambda: keras.optimizers.Nadam(),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()),
    ],
)
def test_an_optimizer_that_reads_a_value_goes_on_as_it_did(optimizer, never_traced):
    program, losses = ran(optimizer())
    assert program._quick is None
    assert program.compile_s > 0, "it was never tried"
    never_traced()
    np.testing.assert_array_equal(losses, ran(optimizer())[1])


@pytest.mark.parametrize("read", [lambda x: x.numpy(), lambda x: x.tolist(), np.asarray, float, bool])
def test_a_number_that_python_reads_is_not_traced(read):
    def step(x: Any, y: Any):
        read(x.sum())
        return x.sum(), y.sum()

    with pytest.raises(RuntimeError):
        torch_traced.TracedUpdate(step, (torch.ones(3), torch.ones(3)), [], None)


@pytest.mark.parametrize("wrong", [0.99, 1.01])
def test_traced_updates_that_give_other_numbers_are_not_taken(wrong, monkeypatch, never_traced):
    right = torch_traced.add_scaled_

    def spoiled(weights: Any, values: Any, factor: Any):
        right(weights, values, wrong * factor)

    monkeypatch.setattr(torch_traced, "add_scaled_", has_side_effect(spoiled))
    program, losses = ran(keras.optimizers.SGD(), rate=1e-6)
    assert program._quick is None
    never_traced()
    np.testing.assert_array_equal(losses, ran(keras.optimizers.SGD(), rate=1e-6)[1])


def test_operations_that_give_other_numbers_than_kerass_are_left(monkeypatch):
    x, y = examples()
    data = Dataset("noise", x, y, x[:20], y[:20], 3, "0" * 64)

    def trained():
        options: Any = {"optimizer": keras.optimizers.SGD(0.01), "epochs": 2, "batch_size": BATCH}
        return train(convnet(), data, Session(), order=Order("stored"), **options).curves["test_loss"]

    right, expected = torch_operations.normalised, trained()
    monkeypatch.setattr(torch_operations, "normalised", lambda layer, images: 1.5 * right(layer, images))
    assert trained() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shape", [(40, 5, 6, 4), (40, 4)])
@pytest.mark.parametrize("scale", [True, False])
def test_one_kernel_normalises_a_batch_as_keras_does(shape, scale):
    found = []
    for context in (torch_operations.faster, torch.enable_grad):
        keras.utils.set_random_seed(2)
        layer = layers.BatchNormalization(scale=scale, momentum=0.8, beta_initializer="normal")
        layer.build(shape)
        images = torch.from_numpy(3 + np.random.default_rng(1).normal(size=shape).astype(np.float32)).requires_grad_()
        with context():
            outputs = layer(images, training=True)
        weights = [images, *(variable.value for variable in layer.trainable_variables)]
        gradients = torch.autograd.grad(torch.sin(outputs).sum(), weights)
        found.append([outputs, *gradients, *(variable.value for variable in layer.non_trainable_variables)])
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_images_whose_channels_lie_last_are_not_copied_and_others_are():
    images = torch.zeros(2, 4, 5, 3).permute(0, 3, 1, 2)
    with torch_operations.faster():
        assert images.contiguous().data_ptr() == images.data_ptr()
        turned = torch.zeros(2, 4, 5, 3).permute(1, 0, 2, 3)
        assert turned.contiguous().data_ptr() != turned.data_ptr()
    assert images.contiguous().data_ptr() != images.data_ptr()


def test_a_layer_of_kerass_is_itself_again_afterwards():
    before = layers.BatchNormalization.call
    with torch_operations.faster():
        assert layers.BatchNormalization.call is not before
    assert layers.BatchNormalization.call is before
