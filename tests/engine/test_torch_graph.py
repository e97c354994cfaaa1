"""What makes an update of torch's one that a CUDA graph can hold; the graph itself needs a GPU."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from keras_reprise.engine.backends.torch_graph import OnDevice, UpdateGraph  # noqa: E402


def test_a_number_of_the_host_is_one_tensor_every_time():
    with OnDevice():
        one, again, other = torch.as_tensor(1), torch.as_tensor(1), torch.as_tensor(True)
        assert one is again
        assert one is not other
        assert torch.as_tensor(1, dtype=torch.float32) is not one
    assert torch.as_tensor(1) is not one


def test_a_rate_that_is_a_tensor_is_multiplied_where_it_is():
    weights, gradients = [torch.ones(3)], [torch.tensor([1.0, 2.0, 3.0])]
    with OnDevice():
        torch._foreach_add_(weights, gradients, alpha=-torch.tensor(0.5))
    assert weights[0].tolist() == [0.5, 0.0, -0.5]


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "AdamW"])
def test_updates_that_stay_on_the_device_are_the_same(name):
    import keras

    if keras.backend.backend() != "torch":
        pytest.skip(f"Keras runs on {keras.backend.backend()}")
    from keras_reprise.engine.backends.interface import Plan
    from keras_reprise.engine.backends.torch_program import TorchProgram

    x, y = np.random.default_rng(0).normal(size=(40, 8)).astype("f4"), np.arange(40) % 3
    states = []
    for mode in (None, OnDevice()):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(5, "relu"), keras.layers.Dense(3)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        program = TorchProgram(Plan(model, getattr(keras.optimizers, name)(0.01), loss, 20, 2))
        data = program.place(x, y)
        for _ in range(4):
            if mode is None:
                program._step(*data, 1.0)
            else:
                with mode:
                    program._step(*data, 1.0)
        states.append(program.get_state())
    for ours, expected in zip(*states, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-7)


def test_a_graph_reads_its_batches_and_rates_from_the_device():
    if not torch.cuda.is_available():
        pytest.skip("a CUDA graph needs a GPU")
    weight, rate = torch.zeros((), device="cuda"), torch.zeros((), device="cuda")
    x, y = torch.arange(6.0, device="cuda"), torch.ones(6, device="cuda")

    def step(values, labels):
        weight.add_(rate * values.sum())
        return weight.clone(), labels.sum()

    graph = UpdateGraph(step, (x, y), 3, 2, rate)
    weight.zero_()
    order = torch.tensor([[0, 1], [2, 3], [4, 5]], device="cuda")
    losses, wrong = graph.run(order, torch.tensor([1.0, 10.0, 100.0], device="cuda"))
    assert losses.tolist() == [1.0, 51.0, 951.0]
    assert wrong.tolist() == [2, 2, 2]
