"""One classifier for two streams: BatchFormer's recipe, and RBI with a shared classifier."""

import doctest

import keras
import numpy as np
import pytest
from keras import ops

import keras_rbi
from keras_rbi.models.baselines import batch_former_model

CLASSES = 5
MODELS = ("batch_former", "rbi")


def make_model(kind):
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    if kind == "batch_former":
        return keras_rbi.models.BatchFormerModel(backbone, CLASSES)
    model = keras_rbi.RBIModel(
        backbone, num_classes=CLASSES, embedding_dim=8, share_classifier=True, relation_dropout=0.0
    )
    model.integration.scale.assign(np.full(8, 8.0))
    return model


@pytest.fixture(params=MODELS)
def model(request):
    return make_model(request.param)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3)).astype("uint8")


@pytest.fixture
def labels():
    return np.arange(20) % CLASSES


def crossentropy(probabilities, labels):
    return -np.log(probabilities[np.arange(len(labels)), labels])


def test_the_loss_in_training_is_that_of_both_streams(model, images, labels):
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    predictions = np.random.default_rng(1).dirichlet(np.ones(CLASSES), 40).astype("float32")
    weights = np.linspace(0.1, 1, 20).astype("float32")
    arguments = [ops.convert_to_tensor(value) for value in (images, labels, predictions, weights)]
    loss = float(model.compute_loss(*arguments))
    each = (crossentropy(predictions[:20], labels), crossentropy(predictions[20:], labels))
    assert loss == pytest.approx(np.mean([part * weights for part in each]), rel=1e-5)
    arguments[2] = arguments[2][:20]
    loss = float(model.compute_loss(*arguments, training=False))
    assert loss == pytest.approx(np.mean(each[0] * weights), rel=1e-5)


def test_in_training_both_streams_are_classified_by_the_same_weights(model, images):
    predictions = ops.convert_to_numpy(model(images, training=True))
    assert predictions.shape == (40, CLASSES)
    layer = model.get_layer("two_streams")
    first, second = layer.input
    streams = keras.Model(model.input, [first, second])(images, training=True)
    rows = np.concatenate([ops.convert_to_numpy(stream) for stream in streams])
    kernel, bias = model.get_layer("classifier").get_weights()
    logits = rows @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    # The mixed stream of BatchFormer has dropout, which is drawn anew.
    known = slice(20) if isinstance(model, keras_rbi.models.BatchFormerModel) else slice(40)
    np.testing.assert_allclose(predictions[known], expected[known], atol=1e-5)
    assert np.abs(predictions[:20] - predictions[20:]).max() > 1e-4


@pytest.mark.parametrize(("kind", "one_hot"), [("batch_former", False), ("rbi", True)])
def test_it_learns_from_whole_and_from_short_batches(kind, images, labels, one_hot):
    model = make_model(kind)
    y = np.eye(CLASSES, dtype="float32")[labels] if one_hot else labels
    loss = "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
    model.compile(keras_rbi.optimizers.RectifiedAdam(1e-2), loss, metrics=["accuracy"])
    before = {v.path: ops.convert_to_numpy(v).copy() for v in model.trainable_variables}
    # Batches of 8, 8 and 4.
    history = model.fit(images, y, batch_size=8, epochs=1, validation_data=(images, y), verbose=0)
    assert np.isfinite(history.history["loss"][0])
    assert 0.0 <= history.history["accuracy"][0] <= 1.0
    changed = [np.any(ops.convert_to_numpy(v) != before[v.path]) for v in model.trainable_variables]
    assert np.mean(changed) > 0.9
    predictions = model.predict(images, verbose=0)
    found = np.mean(predictions.argmax(-1) == labels)
    assert model.evaluate(images, y, verbose=0)[1] == pytest.approx(found)


def test_it_comes_back_from_its_file(model, images, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-6
    )
    assert again(images, training=True).shape[0] == 40


def test_batch_former_answers_each_image_by_itself(images):
    model = make_model("batch_former")
    np.testing.assert_allclose(
        model.predict(images[:1], verbose=0), model.predict(images, verbose=0)[:1], atol=1e-6
    )


def test_a_shared_classifier_needs_one_width():
    with pytest.raises(ValueError, match="must be as wide"):
        keras_rbi.RBIModel(
            keras_rbi.backbones.SmallCNN((16, 16, 3)),
            num_classes=CLASSES,
            embedding_dim=8,
            rra=keras_rbi.layers.RRA(4),
            share_classifier=True,
        )


def test_the_example_gives_what_it_shows():
    names = {"np": np, "keras": keras, "keras_rbi": keras_rbi}
    results = doctest.testmod(batch_former_model, extraglobs=names)
    assert results.attempted
    assert not results.failed
