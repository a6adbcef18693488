"""Folds, logistic regression and out-of-sample probabilities."""

import numpy as np
import pytest

from keras_rbi.evaluation import out_of_sample, out_of_sample_probabilities
from keras_rbi.evaluation.logistic_regression import LogisticRegression
from keras_rbi.evaluation.stratified_folds import stratified_folds

pytestmark = pytest.mark.usefixtures("untraced")


def clusters(images=60, classes=3, width=5, seed=0):
    """Features around a place for each class, and labels."""
    generator = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    places = 2.0 * generator.normal(size=(classes, width))
    return (places[labels] + generator.normal(size=(images, width))).astype("float32"), labels


def test_every_fold_has_its_share_of_every_class():
    labels = np.repeat([0, 1, 2], [50, 23, 4])
    folds = stratified_folds(labels, 5, seed=3)
    for label, count in enumerate([50, 23, 4]):
        dealt = np.bincount(folds[labels == label], minlength=5)
        assert dealt.sum() == count
        assert dealt.max() - dealt.min() <= 1
    assert np.ptp(np.bincount(folds)) <= 1
    np.testing.assert_array_equal(folds, stratified_folds(labels, 5, seed=3))
    assert (folds != stratified_folds(labels, 5, seed=4)).any()


def test_no_fold_cuts_a_group():
    generator = np.random.default_rng(0)
    groups = [f"nest {number}" for number in generator.integers(0, 30, 200)]
    labels = generator.integers(0, 4, 200)
    folds = stratified_folds(labels, 4, groups=groups)
    of_group = {}
    for group, fold in zip(groups, folds.tolist(), strict=True):
        assert of_group.setdefault(group, fold) == fold
    # As even as 200 images in lumps of seven can be.
    assert np.ptp(np.bincount(folds)) <= 10


@pytest.mark.parametrize(("folds", "groups"), [(1, None), (5, None), (3, ["a", "a", "b", "b"])])
def test_numbers_of_folds_that_cannot_be_are_refused(folds, groups):
    with pytest.raises(ValueError, match=f"`folds` must be from 2 to .*folds={folds}"):
        stratified_folds(np.array([0, 0, 1, 1]), folds, groups=groups)


def test_logistic_regression_is_where_its_gradient_is_nothing():
    features, labels = clusters()
    features = features.astype("float64")
    found = LogisticRegression(0.1).fit(features, labels, 4)
    error = found.probabilities(features) - np.eye(4)[labels]
    slope = features.T @ error / len(labels) + 0.1 * found.weights
    np.testing.assert_allclose(slope, 0.0, atol=1e-4)
    # The fourth class has no image, and no probability, however free its bias is.
    assert found.probabilities(features)[:, 3].max() < 1e-3
    again = LogisticRegression(0.1).fit(features, labels, 4, start=found)
    np.testing.assert_allclose(again.weights, found.weights, atol=1e-3)


def test_logistic_regression_is_that_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    features, labels = clusters(images=90)
    # Its C is of the sum over images, ours of the mean.
    theirs = linear.LogisticRegression(C=1 / (0.03 * len(labels)), tol=1e-8, max_iter=1000)
    theirs.fit(features.astype("float64"), labels)
    ours = LogisticRegression(0.03).fit(features.astype("float64"), labels, 3)
    np.testing.assert_allclose(
        ours.probabilities(features), theirs.predict_proba(features), atol=1e-4
    )


@pytest.mark.parametrize("width", [5, 60])
def test_each_fold_is_judged_by_the_others_alone(monkeypatch, width):
    monkeypatch.setattr(out_of_sample, "WEIGHT_DECAYS", (0.1,))
    # With more features than images too, which are turned.
    features, labels = clusters(images=40, width=width)
    told = []
    found = out_of_sample_probabilities(
        features, labels, 3, folds=4, seed=1, progress=lambda *each: told.append(each)
    )
    folds = stratified_folds(labels, 4, seed=1)
    rows = (features - features.mean(0)) / features.std(0)
    for fold in range(4):
        others, own = folds != fold, folds == fold
        fitted = LogisticRegression(0.1).fit(rows[others], labels[others], 3)
        np.testing.assert_allclose(found[own], fitted.probabilities(rows[own]), atol=1e-3)
    assert told == [("folds", done, 4) for done in range(5)]


def test_the_weight_decay_is_that_with_the_least_loss(monkeypatch):
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    # Nothing to learn: whatever is fitted is worse than a third each.
    features = generator.normal(size=(60, 40))
    found = out_of_sample_probabilities(features, labels, 3)
    losses = {}
    for decay in out_of_sample.WEIGHT_DECAYS:
        monkeypatch.setattr(out_of_sample, "WEIGHT_DECAYS", (decay,))
        alone = out_of_sample_probabilities(features, labels, 3)
        losses[decay] = -np.log(alone[np.arange(60), labels]).mean()
    assert -np.log(found[np.arange(60), labels]).mean() == pytest.approx(
        min(losses.values()), rel=1e-3
    )
    assert min(losses, key=losses.get) == 1.0


def test_what_no_other_fold_knows_is_not_judged():
    features, labels = clusters(images=20, classes=2)
    # A class of one image, and one of two images of the same thing.
    labels = np.array([*labels, 2, 3, 3])
    features = np.concatenate([features, features[:3]])
    groups = [*map(str, range(21)), "same", "same"]
    found = out_of_sample_probabilities(features, labels, 4, folds=3, groups=groups)
    np.testing.assert_array_equal(np.isnan(found).any(1), [False] * 20 + [True] * 3)
    with pytest.raises(ValueError, match="No label can be judged"):
        out_of_sample_probabilities(features[:4], np.arange(4), 4, folds=2)
