"""Rows of padding in a batch, and the same images without them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_rbi
from keras_rbi.datasets import ImageData, ImageSequence

SIDE, OWN, FILLED = 8, 5, 8


def some_images(count=FILLED, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3)).astype("uint8")


def small_model(**arguments):
    images = keras.Input((SIDE, SIDE, 3))
    maps = layers.Conv2D(6, 3, activation="tanh")(images)
    model = keras_rbi.RBIModel(
        keras.Model(images, maps), num_classes=3, embedding_dim=8, preprocessing="tf", **arguments
    )
    # The same on all backends, with queries so small that attention mixes the images.
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        scale = 0.1 if "query" in weight.path else 0.5
        # In a branch that counts.
        scale *= 8 if "integration" in weight.path else 1
        weight.assign(rng.normal(size=weight.shape) * scale)
    return model


def masked(filling, own=OWN):
    rows = np.concatenate([some_images()[:own], filling])
    return {"images": rows, "mask": np.arange(len(rows)) < own}


FILLINGS = {
    "other images": some_images(FILLED - OWN, seed=3),
    "copies": np.repeat(some_images()[:1], FILLED - OWN, axis=0),
    "black": np.zeros((FILLED - OWN, SIDE, SIDE, 3), "uint8"),
}


@pytest.mark.parametrize("group_size", [None, 4])
@pytest.mark.parametrize("relations", ["batch", "self", "references"])
def test_padding_changes_no_answer(relations, group_size):
    model = small_model(group_size=group_size)
    model.set_references(some_images(3, seed=5))
    model.relations = relations
    alone = model.predict_on_batch(some_images()[:OWN])
    for filling in FILLINGS.values():
        batch = masked(filling)
        told = model.predict_on_batch(batch)
        np.testing.assert_allclose(told[:OWN], alone, atol=1e-6)
        called = model(batch["images"], mask=batch["mask"])
        np.testing.assert_allclose(ops.convert_to_numpy(called)[:OWN], alone, atol=1e-6)


def test_padding_changes_answers_where_nobody_tells():
    model = small_model(relations="batch")
    alone = model.predict_on_batch(some_images()[:OWN])
    filled = model.predict_on_batch(masked(FILLINGS["other images"])["images"])
    assert np.abs(filled[:OWN] - alone).max() > 1e-3


@pytest.mark.parametrize("share_classifier", [False, True])
def test_a_training_step_is_that_without_padding(share_classifier):
    def trained(x, y, weights=None):
        model = small_model(share_classifier=share_classifier, relation_dropout=0.0)
        model.compile(
            keras.optimizers.SGD(0.5),
            keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
        )
        model.train_on_batch(x, y, weights)
        return model.get_weights()

    labels = np.arange(FILLED) % 3
    batch = masked(FILLINGS["other images"])
    padded = trained(batch, labels, batch["mask"].astype("float32"))
    before = small_model(share_classifier=share_classifier).get_weights()
    plain = trained(batch["images"][:OWN], labels[:OWN])
    assert np.abs(before[0] - plain[0]).max() > 1e-3
    for found, expected in zip(padded, plain, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


class Few(ImageData):
    class_names = ("a", "b", "c")
    image_size = SIDE

    def __init__(self):
        self.labels = np.arange(11) % 3

    def image(self, index):
        return some_images(11)[index]


def batches(last_batch):
    return ImageSequence(Few(), FILLED, shuffle="once", last_batch=last_batch)


def test_a_sequence_tells_its_padding_to_fit_evaluate_and_predict():
    model = small_model(relations="batch", relation_dropout=0.0)
    model.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
        weighted_metrics=["accuracy"],
    )
    kept = model.predict(batches("keep"), verbose=0)
    np.testing.assert_allclose(model.predict(batches("mask"), verbose=0)[:11], kept, atol=1e-6)
    told = model.evaluate(batches("mask"), verbose=0, return_dict=True)
    labels = batches("keep").labels
    assert told["accuracy"] == pytest.approx(np.mean(kept.argmax(1) == labels), abs=1e-6)
    history = model.fit(batches("mask"), shuffle=False, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_a_new_model_learns_its_classes_from_such_a_sequence():
    images = keras.Input((SIDE, SIDE, 3))
    backbone = keras.Model(images, layers.Conv2D(6, 3)(images))
    model = keras_rbi.RBIModel(backbone, embedding_dim=8, preprocessing="tf")
    model.fit(batches("mask"), shuffle=False, verbose=0)
    assert model.class_names == ["a", "b", "c"]
    model.set_references(batches("mask"))
    found = keras_rbi.evaluation.accuracy_by_relations(model, batches("mask"), batch_sizes=(3,))
    expected = keras_rbi.evaluation.accuracy_by_relations(model, batches("keep"), batch_sizes=(3,))
    assert found == expected


def test_the_names_of_both_are_told():
    with pytest.raises(ValueError, match=r"'images'.*'mask'.*Received: one of \['image', 'mask'\]"):
        small_model()({"image": some_images(), "mask": np.ones(FILLED, bool)})


@pytest.mark.filterwarnings("error:.*mask attached:UserWarning")
@pytest.mark.parametrize("share_classifier", [False, True])
def test_the_mask_goes_no_further(share_classifier):
    model = small_model(share_classifier=share_classifier)
    batch = masked(FILLINGS["black"])
    for training in (False, True):
        predictions = model(batch, training=training)
        assert getattr(predictions, "_keras_mask", None) is None
