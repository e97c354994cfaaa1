"""Numbers of the recipes on SGD's mechanics, computed again in another way."""

import keras
import numpy as np
import pytest
from scipy.stats import binom, norm

from keras_reprise.base import checkout
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe import loading
from keras_reprise.recipe.definition import Recipe

start.start()


def recipe(slug: str) -> Recipe:
    return loading.load(checkout.recipes_folder() / "sgd" / f"{slug}.py").recipe


def replicate(of: Recipe, seed: int = 1) -> Replicate:
    return Replicate(Seeds(seed), of.scale("quick"), "digits")


def counting_fit(batch: int) -> tuple[int, np.ndarray]:
    """One epoch of `fit` in which every example's weight grows by one when it is used: iterations, and the weights."""
    numbers = np.arange(10_000)[:, None]
    model = keras.Sequential(
        [keras.Input((1,), dtype="int32"), keras.layers.Embedding(10_000, 1), keras.layers.Flatten()]
    )
    model.layers[0].set_weights([np.zeros((10_000, 1))])
    optimizer = keras.optimizers.SGD(1.0)
    model.compile(optimizer, loss=lambda labels, outputs: -keras.ops.sum(outputs))
    model.fit(numbers, np.zeros(10_000), batch_size=batch, epochs=1, verbose=0)
    return int(optimizer.iterations), model.layers[0].get_weights()[0]


@pytest.mark.parametrize("arm", ["divides", "remainder"])
def test_an_epoch_of_fit_has_as_many_iterations_and_uses_every_example_once(arm):
    asked = recipe("epoch-arithmetic")
    found = asked.measure(asked.arm(arm), replicate(asked))
    iterations, uses = counting_fit(asked.arm(arm).batch)
    assert found.metrics["iterations"] == iterations
    assert (uses == 1).all()
    assert found.curves["once"][0] == 1.0
    assert list(found.curves["most"]) == [1, 2, 3, 4, 5]


def test_an_epoch_of_draws_misses_what_numpys_own_draws_miss():
    asked = recipe("epoch-arithmetic")
    found = asked.measure(asked.arm("with-replacement"), replicate(asked))
    used = np.zeros(10_000, bool)
    for epoch, never in enumerate(found.curves["never"], start=1):
        used[Seeds(1).generator("order", epoch).integers(0, 10_000, 10_000, dtype=np.int32)] = True
        assert never == pytest.approx(1 - used.mean())


def test_the_best_guesser_looks_as_good_as_the_largest_of_so_many_binomial_numbers():
    asked = recipe("split-hygiene")
    found = [asked.measure(asked.arm("guesses"), replicate(asked, seed)).curves for seed in range(1, 21)]
    size = 297 // 4  # of the digits' test images
    rights = np.arange(size + 1)
    for place, guessers in enumerate(found[0]["trials"]):
        cumulated = binom.cdf(rights, size, 0.1) ** guessers
        largest = (rights * np.diff(cumulated, prepend=0.0)).sum() / size
        seen = np.array([curves["optimism_many"][place] for curves in found])
        assert seen.mean() == pytest.approx(100 * (largest - 0.1), abs=4 * seen.std() / 20**0.5 + 0.05)


def test_the_least_errors_of_two_clusters_are_those_of_their_densities():
    asked = recipe("bayes-error")
    axis = np.linspace(-7, 7, 1401)
    one, other = norm.pdf(axis - 1), norm.pdf(axis + 1)
    step = axis[1] - axis[0]
    hidden = np.minimum(one, other).sum() * step / 2
    both = np.minimum(np.outer(one, one), np.outer(other, other)).sum() * step**2 / 2
    flipped = np.minimum(
        0.9 * np.outer(one, one) + 0.1 * np.outer(other, other), 0.1 * np.outer(one, one) + 0.9 * np.outer(other, other)
    ).sum() * step**2 / 2  # fmt: skip
    middle = {claim.id: (claim.must.low + claim.must.high) / 2 for claim in asked.claims if claim.must.high is not None}
    assert middle["an-error-remains"] == pytest.approx(100 * both, abs=1e-3)
    assert middle["missing-input-raises-it"] == pytest.approx(100 * hidden, abs=1e-3)
    assert middle["random-outcome-raises-it"] == pytest.approx(100 * flipped, abs=1e-3)
