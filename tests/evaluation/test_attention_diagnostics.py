"""Diagnostics of attention against sums over its weights written out in loops."""

import math

import numpy as np
import pytest

import keras_rbi
from keras_rbi.evaluation import attention_diagnostics
from keras_rbi.evaluation.evaluate_protocol import shuffled_order
from keras_rbi.models import batch_attention

pytestmark = pytest.mark.usefixtures("untraced")

BATCH = 6


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    labels = np.arange(21) % 3
    return rng.integers(0, 256, (21, 12, 12, 3)).astype("uint8"), labels


def model_with(**arguments):
    backbone = keras_rbi.backbones.SmallCNN((12, 12, 3), widths=(4, 8))
    arguments = {"variant": "0.1", "embedding_dim": 8, **arguments}
    model = keras_rbi.RBIModel(backbone, num_classes=3, **arguments)
    for weight in model.rra.trainable_weights:
        weight.assign(3.0 * weight)
    return model


@pytest.mark.parametrize("arguments", [{}, {"group_size": BATCH}], ids=["batch", "groups"])
def test_numbers_are_those_of_the_weights(pictures, arguments, tmp_path):
    images, labels = pictures
    model = model_with(**arguments)
    size = 18 if arguments else BATCH
    found = attention_diagnostics(model, pictures, batch_size=size, seed=2)
    order = shuffled_order(21, 2)[:18]
    entropies, itself, same, others, uniform, betas = [], [], [], [], [], []
    for begin in range(0, 18, BATCH):
        rows = order[begin : begin + BATCH]
        attention = batch_attention(model, images[rows], "batch")
        betas += attention.beta.tolist()
        for j in range(BATCH):
            column = attention.weights[:, j]
            entropies.append(-sum(weight * math.log(weight) for weight in column if weight > 0))
            mates = [i for i in range(BATCH) if i != j]
            of_class = [i for i in mates if labels[rows[i]] == labels[rows[j]]]
            itself.append(column[j])
            same.append(sum(column[i] for i in of_class))
            others.append(sum(column[i] for i in mates if i not in of_class))
            uniform.append(len(of_class) / BATCH)
    assert (found.batch_size, found.images) == (BATCH, 18)
    assert found.entropy == pytest.approx(np.mean(entropies), abs=1e-5)
    assert found.relative_entropy == pytest.approx(np.mean(entropies) / math.log(BATCH), abs=1e-5)
    assert found.on_self == pytest.approx(np.mean(itself), abs=1e-5)
    assert found.on_same_class == pytest.approx(np.mean(same), abs=1e-5)
    assert found.on_others == pytest.approx(np.mean(others), abs=1e-5)
    assert found.uniform_on_same_class == pytest.approx(np.mean(uniform))
    assert found.uniform_on_self == pytest.approx(1 / BATCH)
    assert found.beta == pytest.approx(np.mean(betas), abs=1e-5)
    in_data_order = np.array(entropies)[np.argsort(order)] / math.log(BATCH)
    np.testing.assert_allclose(found.relative_entropies, in_data_order, atol=1e-5)
    assert f"{100 * found.on_self:.1f} % of the weight on oneself" in found.summary()
    assert "relative_entropies" not in found.as_dict()
    keras_rbi.figures.attention_figure(found).savefig(tmp_path / "attention.svg")
    assert model.relations == "self"


def test_uniform_attention_has_the_largest_entropy(pictures):
    model = model_with()
    for weight in model.rra.query_dense.weights:
        weight.assign(0.0 * weight)
    found = attention_diagnostics(model, pictures, batch_size=7)
    assert found.relative_entropy == pytest.approx(1.0, abs=1e-5)
    assert found.on_others == pytest.approx(found.uniform_on_others, abs=1e-5)


def test_mistakes_are_named(pictures):
    with pytest.raises(ValueError, match="fewer than a batch of 22"):
        attention_diagnostics(model_with(), pictures, batch_size=22)
    alone = keras_rbi.models.backbone_classifier(model_with().backbone, 3)
    with pytest.raises(ValueError, match="which has none"):
        attention_diagnostics(alone, pictures)
