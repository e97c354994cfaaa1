"""Transfer between classes: which images, which weights move, and by how much."""

from typing import Any

import numpy as np
import pytest

from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe.settings import Scale

start.start()
import keras  # noqa: E402

from keras_reprise import transfer  # noqa: E402

DRAW = np.random.default_rng(0)
IMAGES = DRAW.integers(0, 255, (120, 8, 8, 3)).astype("uint8")
DATA = Dataset(
    "noise", IMAGES[:80], np.arange(80, dtype="int32") % 10, IMAGES[80:], np.arange(40, dtype="int32") % 10, 10
)


def replicate():
    return Replicate(Seeds(1), Scale("quick"))


def test_images_of_some_classes_are_numbered_in_their_order():
    found = transfer.of_classes(DATA, (7, 2))
    np.testing.assert_array_equal(found.stored_train, DATA.stored_train[np.isin(DATA.y_train, (7, 2))])
    assert (found.classes, set(found.y_test)) == (2, {0, 1})
    assert found.y_train[0] == 1  # the first is of class 2
    few = transfer.few_of(DATA, (7, 2), 0.5, np.random.default_rng(1))
    assert sorted(few.y_train) == [0] * 4 + [1] * 4
    for image, label in zip(few.stored_train, few.y_train, strict=True):
        place = np.flatnonzero((DATA.stored_train == image).all(axis=(1, 2, 3)))
        assert DATA.y_train[place[0]] == (7, 2)[label]


def test_a_share_of_the_rate_moves_hidden_weights_by_that_share():
    x, y = DATA.standardised().x_train[:20], DATA.y_train[:20] % 3
    moves = {}
    for share in (1.0, 0.1, 0.0):
        model = transfer.convnet(Seeds(1), (8, 8, 3), 3, share=share)
        before = [np.array(weight) for weight in model.get_weights()]
        model.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, y, batch_size=20, epochs=1, shuffle=False, verbose=0)
        moves[share] = [after - old for after, old in zip(model.get_weights(), before, strict=True)]
    for whole, tenth, none in zip(*moves.values(), strict=True):
        hidden = whole.shape not in ((64, 3), (3,))
        np.testing.assert_allclose(tenth, whole * (0.1 if hidden else 1), atol=2e-7)
        np.testing.assert_allclose(none, whole * (0 if hidden else 1), atol=2e-7)


def test_layers_that_are_fixed_keep_the_source_s_weights():
    data = transfer.of_classes(DATA.standardised(), (5, 6, 7))
    source = transfer.convnet(Seeds(2), (8, 8, 3), 3)
    settings: dict[str, Any] = {"rates": (0.01,), "epochs": 1}
    all_fixed, none = (transfer.trained_errors(replicate(), data, source, fixed=n, **settings) for n in (4, 0))
    assert all_fixed["moved"] == 0 < none["moved"]
    assert len(none["errors"]) == 1
    assert none["error"] == none["errors"][-1]


def test_a_rate_that_is_searched_for_gives_what_training_at_it_gives():
    data = transfer.of_classes(DATA.standardised(), (5, 6, 7))
    found = transfer.searched_errors(replicate(), data, None, rates=(0.003, 0.01), epochs=1)
    rates = (found["rate"],)
    again = transfer.trained_errors(replicate(), data, None, rates=rates, epochs=1)
    assert {name: value for name, value in again.items() if name != "errors"} == {
        name: value for name, value in found.items() if name != "errors"
    }
    others = transfer.trained_errors(replicate(), data, None, rates=(0.003, 0.01), epochs=1)
    assert found["choice"] <= others["choice"]


@pytest.mark.parametrize("hidden", [0, 1, 4])
def test_features_are_what_the_model_makes_of_the_images(hidden):
    model, x = transfer.convnet(Seeds(1), (8, 8, 3), 3), DATA.standardised().x_train[:7]
    found = transfer.features(model, x, hidden)
    assert found.shape == (7, {0: 192, 1: 4 * 4 * 16, 4: 64}[hidden])
    if hidden == 4:
        logits = found @ np.array(model.get_layer("logits").kernel)
        np.testing.assert_allclose(logits, keras.ops.convert_to_numpy(model(x)), rtol=1e-4, atol=1e-4)


def test_a_linear_classifier_tells_apart_what_its_pixels_tell():
    labels = np.arange(60, dtype="int32") % 3
    images = np.where(labels[:, None, None, None] == np.arange(3), 200, 10).astype("uint8") * np.ones(
        (60, 8, 8, 3), "uint8"
    )
    data = Dataset("colours", images[:30], labels[:30], images[30:], labels[30:], 3).standardised()
    found = transfer.linear_errors(transfer.convnet(Seeds(1), (8, 8, 3), 3), data, 0)
    assert found == {"choice": 0.0, "error": 0.0, "train_error": 0.0}
