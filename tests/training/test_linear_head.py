"""Logistic regression on features as the head of a model, beside that of scikit-learn."""

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.training import linear_head as module
from keras_rbi.training.linear_head import linear_head


def features_of(count, seed):
    """Three classes in two of eight features; the others are noise of a hundredth the size."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    rows = rng.normal(0, 0.01, (count, 8))
    rows[:, :2] += np.array([[0, 0], [2, 0], [0, 2]])[labels] + rng.normal(0, 1, (count, 2))
    return rows.astype("float32") + 5.0, labels


def accuracy(head, known):
    kernel, bias = head
    return np.mean((known[0] @ kernel + bias).argmax(1) == known[1])


@pytest.mark.parametrize("few", [10_000, 0])
def test_it_is_no_worse_than_the_best_of_scikit_learn(few, monkeypatch):
    linear_model = pytest.importorskip("sklearn.linear_model")
    monkeypatch.setattr(module, "FEW", few)
    training, validation, test = features_of(90, 0), features_of(90, 1), features_of(3000, 2)
    found = accuracy(linear_head(training, validation, 3), test)
    theirs = [
        linear_model.LogisticRegression(C=c, max_iter=1000).fit(*training).score(*test)
        for c in (0.01, 0.1, 1.0, 10.0)
    ]
    assert found > max(theirs) - 0.015


def test_a_class_with_one_image_and_a_constant_feature_are_borne():
    rows, labels = features_of(31, 3)
    rows[:, 7] = 2.0
    labels[labels == 2] = 1
    labels[0] = 2
    kernel, bias = linear_head((rows, labels), (rows, labels), 4)
    assert np.isfinite(kernel).all()
    assert np.isfinite(bias).all()
    assert not (rows @ kernel + bias).argmax(1).max() > 2


@pytest.mark.parametrize(
    ("linear", "arguments"),
    [
        (True, {}),
        (False, {"embedding_dim": 4}),
        (False, {"variant": "0.1"}),
        (False, {"share_classifier": True}),
        (False, {"classifier_activation": None}),
    ],
)
def test_which_models_are_linear_at_first(linear, arguments):
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    model = keras_rbi.RBIModel(backbone, num_classes=3, **arguments)
    assert model.is_linear_at_first is linear
    if linear:
        kernel = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        model.classifier.set_weights([kernel, np.zeros(3, "float32")])
        images = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 3)).astype("uint8")
        pooled = keras.ops.convert_to_numpy(model.backbone(images.astype("float32"))).mean((1, 2))
        expected = np.exp(pooled @ kernel)
        expected /= expected.sum(1, keepdims=True)
        np.testing.assert_allclose(model.predict(images, verbose=0), expected, rtol=1e-4)
