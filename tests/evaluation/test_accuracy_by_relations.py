import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.datasets import typefaces
from keras_rbi.evaluation import accuracy_by_relations

pytestmark = pytest.mark.usefixtures("untraced")


@pytest.fixture(scope="module")
def test_images():
    return typefaces.load("test", per_class=3, image_size=16, batch_size=16)


def test_every_row_is_what_evaluate_gives(test_images):
    """The backbone runs once, and yet each figure is that of a plain evaluation."""
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    names = test_images.class_names
    model = keras_rbi.RBIModel(backbone, class_names=names, embedding_dim=8, variant="0.1")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(test_images, epochs=3, verbose=0)
    model.set_references(test_images, per_class=1)
    rows = accuracy_by_relations(model, test_images, batch_sizes=(1, 7, 64))
    assert model.relations == "self"
    assert (rows[-1].relations, rows[-1].batch_size) == ("references", None)
    for row in rows:
        model.relations = row.relations
        batches = test_images.with_batch_size(row.batch_size or 16)
        assert row.accuracy == pytest.approx(model.evaluate(batches, verbose=0)[1], abs=1e-6)
    alone = {row.accuracy for row in rows[:2]}
    assert len(alone) == 1


def test_a_model_without_relations_has_one_row(test_images):
    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Dense(22)(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    (row,) = accuracy_by_relations(model, test_images)
    predictions = np.argmax(model.predict(test_images, verbose=0), axis=-1)
    assert (row.relations, row.batch_size) == ("none", None)
    assert row.accuracy == pytest.approx(np.mean(predictions == test_images.labels))
