"""Operations counted by hand, layer by layer."""

import pytest

from keras_reprise.flops import forward_flops, layer_costs, training_flops

keras = pytest.importorskip("keras")
layers = keras.layers


def test_the_small_convnets_multiply_accumulates():
    from keras_reprise.base.seeds import Seeds
    from keras_reprise.models import small_convnet

    model = small_convnet(Seeds(1), (32, 32, 3), 10)
    macs = {cost.name: cost.macs for cost in layer_costs(model) if cost.macs}
    assert macs == {
        "conv1": 28 * 28 * 32 * 5 * 5 * 3,
        "conv2": 5 * 5 * 64 * 5 * 5 * 32,
        "dense1": 256 * 200,
        "logits": 200 * 10,
    }
    assert sum(cost.params for cost in layer_costs(model)) == model.count_params() == 107_106


def one(layer, shape):
    model = keras.Sequential([keras.Input(shape), layer])
    (cost,) = layer_costs(model)
    return cost.macs, cost.flops


@pytest.mark.parametrize(
    ("layer", "shape", "macs", "flops"),
    [
        (lambda: layers.Dense(10, use_bias=False), (7,), 70, 140),
        (lambda: layers.Dense(10, activation="relu"), (7,), 70, 160),
        (lambda: layers.Dense(10, use_bias=False), (4, 7), 280, 560),
        (
            lambda: layers.Conv2D(8, 3, padding="same", use_bias=False),
            (6, 6, 4),
            6 * 6 * 8 * 9 * 4,
            2 * 6 * 6 * 8 * 9 * 4,
        ),
        (lambda: layers.Conv2D(8, 3, groups=2, use_bias=False), (6, 6, 4), 4 * 4 * 8 * 9 * 2, 2 * 4 * 4 * 8 * 9 * 2),
        (lambda: layers.DepthwiseConv2D(3, use_bias=False), (6, 6, 4), 4 * 4 * 4 * 9, 2 * 4 * 4 * 4 * 9),
        (lambda: layers.SeparableConv2D(8, 3, use_bias=False), (6, 6, 4), 16 * (4 * 9 + 4 * 8), 32 * (4 * 9 + 4 * 8)),
        (lambda: layers.BatchNormalization(), (6, 6, 4), 0, 288),
        (lambda: layers.MaxPooling2D(2), (6, 6, 4), 0, 3 * 3 * 4 * 4),
        (lambda: layers.GlobalAveragePooling2D(), (6, 6, 4), 0, 144),
        (lambda: layers.ReLU(), (6,), 0, 6),
        (lambda: layers.Flatten(), (6, 6), 0, 0),
    ],
)
def test_a_layers_operations(layer, shape, macs, flops):
    assert one(layer(), shape) == (macs, flops)


def test_training_needs_no_gradient_of_the_first_layers_inputs():
    model = keras.Sequential(
        [keras.Input((7,)), layers.Dense(5, use_bias=False), layers.ReLU(), layers.Dense(3, use_bias=False)]
    )
    assert forward_flops(model) == 70 + 5 + 30
    assert training_flops(model) == 2 * 70 + 2 * 5 + 3 * 30


def test_layers_of_an_inner_model_are_counted():
    inner = keras.Sequential([keras.Input((7,)), layers.Dense(5)])
    assert [cost.kind for cost in layer_costs(keras.Sequential([keras.Input((7,)), inner, layers.Dense(2)]))] == [
        "Dense",
        "Dense",
    ]


def test_a_layer_that_is_not_known_is_named():
    with pytest.raises(ValueError, match="LSTM"):
        layer_costs(keras.Sequential([keras.Input((4, 3)), layers.LSTM(2)]))
