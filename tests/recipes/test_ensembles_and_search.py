"""What recipes on ensembles and searches measure, recomputed another way."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score

from keras_reprise.base import checkout
from keras_reprise.base.seeds import Seeds
from keras_reprise.engine.backends import start
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe import loading
from keras_reprise.recipe.settings import Scale

start.start()
import keras  # noqa: E402

from keras_reprise.models import small_convnet  # noqa: E402


def loaded(family, slug):
    return loading.load(checkout.recipes_folder() / family / f"{slug}.py").recipe


def within(recipe, name):
    """A function of a recipe's file."""
    return recipe.measure.__globals__[name]


def test_an_ensemble_is_that_of_networks_trained_by_keras_batch_by_batch():
    recipe = loaded("ensembles", "ensemble-average")
    replicate = Replicate(Seeds(1), Scale("quick", n_train=300, n_test=100, epochs=2, members=3), "digits")
    found = recipe.measure(recipe.arms[0], replicate)
    data, members = replicate.dataset().standardised(), []
    for number in range(3):
        seeds = Seeds(Seeds(1).integer("weights", f"member {number}"))
        model = small_convnet(seeds, data.image_shape, data.classes)
        sgd = keras.optimizers.SGD()
        model.compile(sgd, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        for epoch in (1, 2):
            order = seeds.permutation(300, epoch)
            for part in range(6):
                sgd.learning_rate = 0.05 * (1 + np.cos(np.pi * (epoch - 1 + part / 6) / 2))
                chosen = order[50 * part : 50 * (part + 1)]
                model.train_on_batch(data.x_train[chosen], data.y_train[chosen])
        logits = model.predict(data.x_test, verbose=0).astype(float)
        likelihoods = np.exp(logits - logits.max(axis=1, keepdims=True))
        members.append(likelihoods / likelihoods.sum(axis=1, keepdims=True))
    pairs = [(members[a] + members[b]) / 2 for a, b in ((0, 1), (0, 2), (1, 2))]
    for size, averages in enumerate((members, pairs, [sum(members) / 3]), start=1):
        rows = np.arange(100), data.y_test
        losses = [-np.log(average[rows]).mean() for average in averages]
        accuracies = [100 * (average.argmax(axis=1) == data.y_test).mean() for average in averages]
        assert found.curves["loss"][size - 1] == pytest.approx(np.mean(losses), rel=1e-4)
        assert found.curves["accuracy"][size - 1] == pytest.approx(np.mean(accuracies), abs=1)


def test_folds_and_split_of_linear_models_are_those_of_the_normal_equations():
    recipe = loaded("search", "cross-validation-elsewhere")
    found = recipe.measure(recipe.arm("linear"), Replicate(Seeds(1), Scale("quick", draws=1, epochs=1)))
    random, (images, digits) = Seeds(1).generator("data", 0), load_digits(return_X_y=True)
    order = random.permutation(1797)
    alphas = 10 ** (8 * random.random((20, 2))[:, 0] - 4)
    x, y = images[order] / 16, digits[order]

    def error(fit, held, alpha):
        mean, targets = x[fit].mean(axis=0), 2.0 * (y[fit][:, None] == np.arange(10)) - 1
        centred = x[fit] - mean
        weights = np.linalg.solve(
            centred.T @ centred + alpha * np.eye(64), centred.T @ (targets - targets.mean(axis=0))
        )
        return 100 * ((((x[held] - mean) @ weights + targets.mean(axis=0)).argmax(axis=1)) != y[held]).mean()

    mine = np.arange(200)
    parts = [(mine[mine % 5 != fold], mine[mine % 5 == fold]) for fold in range(5)]
    true = np.array([error(mine, np.arange(200, 1797), alpha) for alpha in alphas])
    folds = np.array([[error(*part, alpha) for alpha in alphas] for part in parts])
    for name, estimate in (("split", folds[0]), ("folds", folds.mean(axis=0))):
        assert found.metrics[f"off_{name}"] == pytest.approx(abs(estimate - true).mean(), abs=0.05)
        assert found.metrics[f"lost_{name}"] == pytest.approx(true[estimate.argmin()] - true.min(), abs=0.2)


def test_f1_at_a_threshold_is_scikit_learns():
    f1 = within(loaded("search", "decision-threshold"), "f1")
    draw = np.random.default_rng(1)
    truth, scores = draw.random(500) < 0.1, draw.random(500)
    expected = [f1_score(truth, scores >= at) for at in (0.0, 0.3, 0.9)]
    np.testing.assert_allclose(f1(scores, truth, [0.0, 0.3, 0.9]), expected)


@pytest.mark.parametrize(("share", "of_all"), [(0.5, 200), (0.1, 1000), (0.02, 900)])
def test_a_sample_has_the_share_of_the_wanted_class_that_was_asked_for(share, of_all):
    sample = within(loaded("search", "decision-threshold"), "sample")
    labels = np.repeat(np.arange(10), 100)
    places = sample(labels, 3, share, np.random.default_rng(1))
    assert len(set(places)) == len(places) == of_all
    assert (labels[places] == 3).mean() == pytest.approx(share, abs=0.001)


def test_what_a_search_loses_is_what_order_statistics_say():
    recipe = loaded("search", "hpo-ranges-are-easier")
    scale = Scale("quick", n_train=300, n_test=200, epochs=1, a_decade=8)
    found = recipe.measure(recipe.arms[0], Replicate(Seeds(1), scale, "digits"))
    validation, test = (np.array([trial[name] for trial in found.trials]) for name in ("validation", "test"))
    best = int(np.convolve(validation, np.ones(3) / 3, "same").argmax())
    middles = [min(max(best + steps, 0), 104) for steps in (-16, 16)]  # two decades to both sides
    # Of twenty draws with replacement the one that wins has the highest accuracy, and of equals it is any of them.
    for name, reach in (("a_range", 16), ("a_miss", 8)):
        expected = []
        for middle in middles:
            places = np.arange(max(0, middle - reach), min(104, middle + reach) + 1)
            values, ranks, sizes = np.unique(validation[places], return_inverse=True, return_counts=True)
            chances = np.diff(np.concatenate([[0], (np.cumsum(sizes) / len(places)) ** 20]))
            expected.append(chances @ [test[places][ranks == rank].mean() for rank in range(len(values))])
        assert found.curves[name][1] == pytest.approx(test[best] - np.mean(expected), abs=0.5)
    assert found.curves["one_rate"][1] == pytest.approx(test[best] - test[middles].mean())


def test_classes_of_equal_frequency_are_as_many_images_as_those_of_unequal_frequency():
    counts = within(loaded("search", "metric-decides"), "counts")
    unequal, equal = counts(650, 10, False), counts(650, 10, True)
    assert unequal[0] / unequal[-1] == 50
    np.testing.assert_allclose(unequal[1:] / unequal[:-1], 50 ** (-1 / 9), rtol=0.04)
    assert abs(equal.sum() - unequal.sum()) <= 5
    assert len(set(equal)) == 1
