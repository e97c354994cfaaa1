"""Every curve has a name of its own: weights whose paths end alike, and what metrics and probes of a user's own are called."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from engine_cases import Session

from keras_reprise.base.errors import RecipeError
from keras_reprise.datasets import Dataset
from keras_reprise.engine import (
    activation_statistics,
    gradient_statistics,
    gradients,
    train,
    update_ratios,
    weight_norms,
)
from keras_reprise.engine.gradients import variable_names
from keras_reprise.engine.probes import text_of, weight_names
from keras_reprise.record.histogram import Histogram

keras = pytest.importorskip("keras")
layers = keras.layers
OF_CELLS = [
    f"simple_rnn_{number}/simple_rnn_cell/{what}"
    for number in (1, 2)
    for what in ("kernel", "recurrent_kernel", "bias")
]


def series() -> Dataset:
    """60 training and 30 test series of 4 steps of 2 numbers, 3 classes."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(90, 4, 2)).astype(np.float32), generator.integers(0, 3, 90).astype(np.int32)
    return Dataset("series", x[:60], y[:60], x[60:], y[60:], 3, "0" * 64)


def stacked(kind: Any = layers.SimpleRNN):
    """Two recurrent layers of one kind, whose cells Keras gives the same name."""
    return keras.Sequential(
        [keras.Input((4, 2)), kind(3, return_sequences=True), kind(3), layers.Dense(3, name="logits")]
    )


def dense():
    return keras.Sequential([keras.Input((4, 2)), layers.Flatten(), layers.Dense(3, name="logits")])


def trained(model: Any = None, session: Any = None, **options: Any):
    settings: dict[str, Any] = {"optimizer": keras.optimizers.SGD(0.1), "epochs": 2, "batch_size": 30} | options
    return train(model or dense(), series(), session or Session(), **settings)


def test_weights_of_stacked_layers_are_told_apart_by_longer_paths():
    assert weight_names(stacked()) == [*OF_CELLS, "logits/kernel", "logits/bias"]
    assert weight_names(stacked()) == weight_names(stacked()), "however many layers this process has made"
    assert weight_names(dense()) == ["logits/kernel", "logits/bias"]


def test_layers_within_a_layer_are_told_apart_without_the_numbers_that_keras_counts_on():
    model = keras.Sequential(
        [keras.Input((4, 2)), layers.Bidirectional(layers.LSTM(3)), layers.Dense(3, name="logits")]
    )
    places = ["forward_lstm/lstm_cell/kernel", "backward_lstm/lstm_cell/bias"]
    assert {f"bidirectional_1/{place}" for place in places} < set(weight_names(model))


def variable(path: str) -> Any:
    return SimpleNamespace(path=path)


def test_models_within_a_model_are_told_apart_and_what_no_path_tells_apart_is_numbered():
    one, other, again = (variable("a/kernel") for _ in range(3))
    blocks = [variable(f"main/outer/block_{number}/kernel") for number in (1, 2)]
    kernels = [variable(f"main/outer/block_{number}/inner/kernel") for number in (1, 2)]
    held = {"left": [one], "right": [other, again], "outer": [*blocks, *kernels]}
    model: Any = SimpleNamespace(
        name="main",
        layers=[SimpleNamespace(name=name, variables=variables) for name, variables in held.items()],
        trainable_variables=[one, other, again, *blocks, *kernels],
    )
    assert variable_names(model, {"right": "R"}) == [
        "left/a/kernel",
        "R/a/kernel",
        "R/a/kernel_2",
        "block_1/kernel",
        "block_2/kernel",
        "outer/block_1/inner/kernel",
        "outer/block_2/inner/kernel",
    ]


def test_gradients_of_stacked_layers_are_all_there():
    model, data = stacked(), series()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = gradients(model, [data.x_train], data.y_train, loss).weights
    assert [value.shape for value in found.values()] == [tuple(one.shape) for one in model.trainable_variables]


def test_probes_give_a_curve_for_every_weight_of_stacked_layers():
    history = trained(stacked(), epochs=1, probes=(weight_norms(), update_ratios(), gradient_statistics(20)))
    for kind in ("norm", "update_ratio", "gradient_mean", "gradient_std"):
        assert {f"{kind}/{name}" for name in OF_CELLS} < set(history.curves)
    assert len({history.curves[f"norm/{name}"][0] for name in OF_CELLS}) == len(OF_CELLS), "of different weights"


@pytest.mark.parametrize("name", ["train_loss", "train_error", "test_loss", "test_error"])
def test_a_probe_that_gives_what_training_gives_is_refused_before_the_first_update(name):
    session = Session()
    with pytest.raises(RecipeError, match=f"A probe gives {name}"):
        trained(session=session, probe=lambda: {name: 1.0})
    assert session.epochs == []


@pytest.mark.parametrize("names", [("loss",), ("error",), ("top", "top"), (None, None)])
def test_metrics_whose_curve_there_is_are_refused_before_training(names):
    session = Session()
    with pytest.raises(RecipeError, match=r"A metric gives test_\w+, which"):
        trained(session=session, metrics=[top(k, name) for k, name in enumerate(names, start=1)])
    assert session.epochs == []


def top(k: int, name: str | None):
    return keras.metrics.SparseTopKCategoricalAccuracy(k, **({} if name is None else {"name": name}))


def test_probes_that_give_the_same_are_refused_and_a_metric_s_curve_is_not_a_probe_s():
    with pytest.raises(RecipeError, match="A probe gives activation_mean/flatten_1"):
        trained(probes=(activation_statistics(10), activation_statistics(20)))
    with pytest.raises(RecipeError, match="A probe gives test_top"):
        trained(probe=lambda: {"test_top": 1.0}, metrics=[top(1, "top")])
    with pytest.raises(RecipeError, match="A probe gives values"):
        trained(probes=[lambda moment: {"values": Histogram.of(np.zeros(2), 0.0, 1.0, 2)}] * 2)


def test_names_that_only_look_alike_are_taken():
    history = trained(
        probe=lambda: {"loss": 1.0, "values": 2.0},
        probes=[lambda moment: {"values": Histogram.of(np.zeros(2), 0.0, 1.0, 2)}],
        metrics=[top(1, "top"), top(2, "top2")],
    )
    assert (history.epochs, history.curves["loss"], history.curves["values"]) == (2, [1.0, 1.0], [2.0, 2.0])
    assert {"test_loss", "test_top", "test_top2"} < set(history.curves)
    assert "values 2" in history.histograms


def test_the_text_of_a_probe_tells_what_it_was_made_with():
    assert text_of(activation_statistics(20)) == text_of(activation_statistics(20))
    made = [
        activation_statistics(20),
        activation_statistics(40),
        activation_statistics(20, (0.0, 1.0, 2)),
        weight_norms(),
    ]
    made += [lambda moment: {"a": 1.0}, lambda moment: {"a": 2.0}]
    assert len({text_of(probe) for probe in made} - {None}) == len(made)
    kept: list[int] = []
    assert text_of(lambda moment: {"a": len(kept)}) is None
