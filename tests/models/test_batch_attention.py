"""Relations and attention of a batch against equations 3 to 13 written in NumPy."""

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.models import batch_attention

pytestmark = pytest.mark.usefixtures("untraced")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("uint8")


def model_with(**arguments):
    backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    return keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=8, **arguments)


def relations_of(images):
    rows = images.reshape(len(images), -1).astype("float64")
    mse = np.array([[np.mean((a - b) ** 2) for b in rows] for a in rows])
    return 20 * np.log10(255.0 / (np.sqrt(mse) + 1.0)) / (20 * np.log10(255.0))


def kernels(model):
    rra = model.rra
    layers = (rra.query_dense, rra.key_dense, rra.value_dense, rra.residual_dense, rra.gate_dense)
    return [keras.ops.convert_to_numpy(layer.kernel).astype("float64") for layer in layers]


@pytest.mark.parametrize("variant", ["0.1", "residual"])
@pytest.mark.parametrize("gate", ["image", "feature"])
def test_equals_the_equations(images, gate, variant):
    rra = keras_rbi.layers.RRA(8, gate=gate, inference_relations="self")
    model = model_with(rra=rra, variant=variant)
    found = batch_attention(model, images)
    features = model.feature_model().predict(images, verbose=0).astype("float64")
    relations = relations_of(images)
    query, key, value, residual, gates = kernels(model)
    q, k, v, r = (features @ kernel for kernel in (query, key, value, residual))
    logits = (q @ k.T + relations * q.sum(1, keepdims=True)) / np.sqrt(8)
    weights = np.exp(logits) / np.exp(logits).sum(0)
    z = weights.T @ v + (weights * relations).sum(0)[:, None]
    beta = 1 / (1 + np.exp(-np.concatenate([z, r, z - r], 1) @ gates))
    combined = ((1 - beta) * z + beta * r) / np.sqrt(1 + 1e-5)
    if variant == "residual":
        model.integration.scale.assign(8 * np.arange(8.0))
        found = batch_attention(model, images)
        combined = features + np.arange(8) * combined
    np.testing.assert_allclose(found.relations, relations, atol=1e-5)
    np.testing.assert_allclose(found.weights, weights, atol=1e-5)
    np.testing.assert_allclose(found.beta, beta.mean(1), atol=1e-5)
    np.testing.assert_allclose(found.features, features, atol=1e-6)
    np.testing.assert_allclose(found.combined, combined, atol=1e-4)
    assert model.relations == "self"


def test_takes_features_that_are_known(images):
    model = model_with()
    features = np.random.default_rng(1).normal(size=(4, 8)).astype("float32")
    found = batch_attention(model, images, features=features)
    np.testing.assert_allclose(found.features, features, atol=1e-6)


def test_of_the_other_modes(images):
    model = model_with()
    alone = batch_attention(model, images, "self")
    np.testing.assert_array_equal(alone.weights, np.ones((4, 1)))
    np.testing.assert_allclose(alone.relations, np.ones((4, 1)), atol=1e-6)
    model.set_references(images[:2])
    with_references = batch_attention(model, images, "references")
    assert with_references.weights.shape == (4, 3)
    np.testing.assert_allclose(with_references.weights.sum(1), 1.0, atol=1e-5)


def test_another_attention_is_refused(images):
    @keras.saving.register_keras_serializable(package="test_batch_attention")
    class FeaturesAlone(keras.layers.Layer):
        def call(self, features, relations):
            return features

    model = model_with(rra=FeaturesAlone(name="alone"), relations="batch", rpe=OwnRelations())
    with pytest.raises(ValueError, match="'alone' cannot be looked at"):
        batch_attention(model, images)


class OwnRelations(keras.layers.Layer):
    """Relations of 0."""

    def call(self, images):
        rows = keras.ops.mean(keras.ops.cast(images, "float32"), axis=(1, 2, 3))
        return 0.0 * keras.ops.expand_dims(rows, 0) * keras.ops.expand_dims(rows, 1)
