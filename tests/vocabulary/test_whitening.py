"""Principal components against scikit-learn's, and what whitening promises."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from keras_reprise.whitening import PrincipalComponents


@pytest.fixture
def x():
    draw = np.random.default_rng(1)
    return draw.standard_normal((200, 12)) @ draw.standard_normal((12, 12)) + 5


def test_the_components_are_scikit_learns(x):
    ours, theirs = PrincipalComponents.of(x, 4), PCA(4).fit(x)
    np.testing.assert_allclose(ours.variances, theirs.explained_variance_ * 199 / 200)
    np.testing.assert_allclose(np.abs(ours.axes.T), np.abs(theirs.components_), atol=1e-9)
    np.testing.assert_allclose(np.abs(ours.decorrelated(x)), np.abs(theirs.transform(x)), atol=1e-9)


def test_whitened_examples_have_the_identity_for_their_covariance(x):
    found = PrincipalComponents.of(x, 4).whitened(x)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found.T @ found / len(x), np.eye(4), atol=1e-12)


def test_turned_back_to_features_they_are_whitened_along_the_same_axes(x):
    components = PrincipalComponents.of(x, 4)
    back = components.whitened_features(x)
    assert back.shape == x.shape
    np.testing.assert_allclose(back @ components.axes, components.whitened(x), atol=1e-12)


def test_along_which_nothing_varies_is_no_component(x):
    twice = np.hstack([x[:, :3], x[:, :3]])
    components = PrincipalComponents.of(twice, 6)
    assert components.axes.shape == (6, 3)
    np.testing.assert_allclose(components.whitened(twice).var(axis=0), 1)
