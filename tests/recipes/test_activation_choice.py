"""A number of the ranking of activation functions, found again with `model.fit`."""

from pathlib import Path

import numpy as np
import pytest

from keras_reprise.base import checkout
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe import loading
from keras_reprise.recipe.settings import Scale

start.start()
import keras  # noqa: E402

from keras_reprise.models import activated  # noqa: E402


@pytest.mark.slow
@pytest.mark.parametrize(("name", "widths"), [("prelu", (16, 32, 64)), ("maxout", (11, 23, 45))])
def test_an_activation_is_ranked_by_what_fit_gives_at_the_rate_that_was_chosen(name, widths):
    recipe = loading.load(Path(checkout.recipes_folder() / "activations" / "activation-ranking.py")).recipe
    replicate = Replicate(Seeds(1), Scale("quick", n_train=300, n_test=200, epochs=2, draws=1), "digits")
    found = recipe.measure(next(arm for arm in recipe.arms if arm.name == name), replicate)
    data = replicate.dataset().standardised()
    other = Seeds(replicate.seeds.integer("weights", "draw 1"))
    *convolutions, dense = widths
    model = activated(other, data.image_shape, 10, name, convolutions=convolutions, dense=(dense,))
    sgd = keras.optimizers.SGD(found.metrics["rate"], momentum=0.9)
    model.compile(sgd, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for epoch in (1, 2):
        order = replicate.seeds.permutation(300, epoch)
        model.fit(data.x_train[order], data.y_train[order], batch_size=50, shuffle=False, verbose=0)
    right = model.predict(data.x_test[100:], verbose=0).argmax(axis=1) == data.y_test[100:]
    assert found.metrics["accuracy"] == pytest.approx(100 * right.mean(), abs=1.01)  # one image in a hundred
    if name == "prelu":
        slopes = [layer.get_weights()[0].ravel() for layer in model.layers if isinstance(layer, keras.layers.PReLU)]
        assert found.metrics["moved"] == pytest.approx(np.abs(np.concatenate(slopes) - 0.25).mean(), rel=1e-3)


def test_maxout_has_as_many_weights_as_the_relu():
    relu, maxout = (
        activated(Seeds(1), (32, 32, 3), 10, name, convolutions=convolutions, dense=(dense,)).count_params()
        for name, (*convolutions, dense) in (("relu", (16, 32, 64)), ("maxout", (11, 23, 45)))
    )
    assert maxout == pytest.approx(relu, rel=0.02)
