"""Labels that are mixed as features are: against literal forms, and nothing after training."""

import keras
import numpy as np
import pytest
from backend_functions import gradients, to_numpy
from literal import (
    attend,
    attention,
    relationship_position_encoding,
    sigmoid,
)

from applications.paper.regimes.batch_former_control import BatchFormerControl
from applications.paper.regimes.columns import COLUMNS
from applications.paper.regimes.feature_mixup import FeatureMixup, mixup_shares
from applications.paper.regimes.flowing_labels import FlowingLabels
from applications.paper.regimes.mixed_targets import MixedTargetsLoss
from keras_rbi import backbones

pytestmark = pytest.mark.usefixtures("untraced")

CLASSES, BATCH, WIDTH = 3, 5, 8


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (BATCH, 16, 16, 3)).astype("uint8")


def small(make, **given):
    model = make(backbones.SmallCNN((16, 16, 3)), num_classes=CLASSES, **given)
    model.compile("sgd", "categorical_crossentropy")
    return model


def cross_entropy(targets, predictions):
    return -np.mean(np.sum(targets * np.log(predictions), axis=1))


def test_labels_flow_as_the_features_that_rra_makes(images):
    model = small(FlowingLabels, embedding_dim=WIDTH, relation_dropout=0.0)
    labels = np.eye(CLASSES, dtype="float32")[[0, 1, 2, 2, 0]]
    outputs = model(images, training=True)
    predictions, shares = np.split(to_numpy(outputs), [CLASSES], axis=1)

    # Eqs. 1 to 12 as they are printed.
    features = to_numpy(model.embed(images.astype("float32"), training=True)).astype("float64")
    weights = {
        f"{name}_kernel": to_numpy(getattr(model.rra, f"{name}_dense").kernel)
        for name in ("query", "key", "value", "residual", "gate")
    }
    relations = relationship_position_encoding(images, 255.0, 1.0, True)
    scores = attention(features, relations, weights)
    found = attend(scores, features, relations, weights)
    residual = features @ weights["residual_kernel"]
    both = np.concatenate([found, residual, found - residual], axis=1)
    beta = sigmoid(both @ weights["gate_kernel"])
    expected = np.zeros((BATCH, BATCH))
    for target in range(BATCH):
        for source in range(BATCH):
            expected[target, source] = (1 - beta[target, 0]) * scores[source, target]
        expected[target, target] += beta[target, 0]
    np.testing.assert_allclose(shares, expected, atol=1e-4)

    targets = np.zeros((BATCH, CLASSES))
    for target in range(BATCH):
        for source in range(BATCH):
            targets[target] += expected[target, source] * labels[source]
    loss = model.compute_loss(images, keras.ops.convert_to_tensor(labels), outputs)
    assert float(to_numpy(loss)) == pytest.approx(cross_entropy(targets, predictions), rel=1e-4)


def test_labels_are_not_learnt_to_be_easy():
    """The loss has a gradient with respect to predictions, none with respect to shares."""

    class Loss(MixedTargetsLoss, keras.Model):
        pass

    model = Loss()
    model.compile("sgd", "categorical_crossentropy")
    labels = np.eye(2, dtype="float32")
    outputs = np.array([[0.5, 0.5, 0.9, 0.1], [0.3, 0.7, 0.4, 0.6]], "float32")
    (gradient,) = gradients(
        lambda y: model.compute_loss(None, keras.ops.convert_to_tensor(labels), y), outputs
    )
    assert np.all(gradient[:, 2:] == 0.0)
    assert np.all(gradient[:, :2] != 0.0)


def test_mixtures_of_features_have_the_labels_of_both():
    partners = np.array([2, 0, 1, 3])
    shares = to_numpy(mixup_shares(0.7, keras.ops.convert_to_tensor(partners)))
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(4, 6)), np.eye(2)[[0, 1, 1, 0]]
    for rows in (features, labels):
        for number, partner in enumerate(partners):
            expected = 0.7 * rows[number] + 0.3 * rows[partner]
            np.testing.assert_allclose(shares[number] @ rows, expected, atol=1e-6)


def test_a_batch_of_feature_mixup_has_one_share(images):
    model = small(FeatureMixup, seed=3)
    features = to_numpy(model.embed(images.astype("float32"), training=True))
    related = to_numpy(model.relate(features, None, training=True))
    mixed, shares = np.split(related, [features.shape[1]], axis=1)
    np.testing.assert_allclose(mixed, shares @ features, atol=1e-5)
    np.testing.assert_allclose(shares.sum(1), 1.0, atol=1e-6)
    kept = np.diagonal(shares)
    others = kept[kept < 0.999]
    assert len(others) >= 2
    np.testing.assert_allclose(others, others[0], atol=1e-6)
    again = to_numpy(model.relate(features, None, training=True))
    assert not np.allclose(related, again)


def test_batch_formers_control_changes_images_each_by_itself(images):
    model = small(BatchFormerControl)
    layer = model.batch_former
    rows = np.random.default_rng(1).normal(size=(BATCH, 128)).astype("float32")
    layer.attention._dropout_layer.rate = layer.attention._dropout = 0.0
    whole = to_numpy(layer.attend(keras.ops.convert_to_tensor(rows)))
    # Weights of 1 on the image itself: its value, projected.
    value, output = layer.attention._value_dense, layer.attention._output_dense
    expected = to_numpy(output(value(rows[:, None])))[:, 0]
    np.testing.assert_allclose(whole, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["mixup", "flowing", "batchformer-control"])
def test_nothing_is_mixed_after_training(name, images):
    model = small(COLUMNS[name].make)
    labels = np.eye(CLASSES, dtype="float32")[[0, 1, 2, 2, 0]]
    if keras.backend.backend() != "jax":
        # It takes JAX a quarter of a minute each to compile; test_regime_cells trains there.
        assert np.isfinite(model.train_on_batch(images, labels))
    together = model.predict(images, verbose=0)
    assert together.shape == (BATCH, CLASSES)
    for number in range(2):
        alone = model.predict(images[number : number + 1], verbose=0)[0]
        np.testing.assert_allclose(together[number], alone, atol=1e-5)


@pytest.mark.parametrize("name", [name for name, one in COLUMNS.items() if one.control])
def test_a_control_is_the_same_head(name):
    shapes = [
        [variable.shape for variable in small(COLUMNS[one].make).trainable_variables]
        for one in (name, COLUMNS[name].control)
    ]
    assert shapes[0] == shapes[1]
