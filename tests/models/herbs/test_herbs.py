"""HERBS as a model: with and without relations, trained, saved, and told what is wrong."""

import keras
import numpy as np
import pytest
from backend_functions import assert_close, to_numpy
from small_stages import CLASSES, SIDE, convolutions, images, outputs_of, predicted, scaled

import keras_rbi
from keras_rbi.explanations.model_parts import ModelParts
from keras_rbi.models import HERBS

UNITS, WIDTHS = 8, (6, 8)


def made(**arguments):
    keras.utils.set_random_seed(1)
    settings = {"units": UNITS, "preprocessing": "tf", **arguments}
    return HERBS(convolutions(WIDTHS), CLASSES, **settings)


def test_relations_change_the_combined_logits_alone():
    model = scaled(made(relations="batch"))
    related = outputs_of(model, images())[0]
    model.relations = "self"
    alone = outputs_of(model, images())[0]
    for name in ("top_down", "bottom_up", "selected", "dropped", "features"):
        for one, other in zip(
            keras.tree.flatten(related[name]), keras.tree.flatten(alone[name]), strict=True
        ):
            np.testing.assert_array_equal(to_numpy(one), to_numpy(other))
    assert np.abs(to_numpy(related["combined"]) - to_numpy(alone["combined"])).max() > 1e-3


def test_trains_and_is_the_same_when_loaded(tmp_path):
    model = made(temperature=8.0, halving_epochs=1)
    batch, labels = images(), np.arange(6) % CLASSES
    model.compile(keras.optimizers.SGD(1e-2, global_clipnorm=1.0), metrics=["accuracy"])
    history = model.fit(batch, labels, batch_size=3, epochs=3, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][-1] < history["loss"][0]
    # 8, 4 and 2.
    assert float(to_numpy(model.temperature)) == 2.0
    found = model.evaluate(batch, labels, verbose=0, return_dict=True)
    predictions = predicted(model, batch)
    expected = -np.log(predictions[np.arange(6), labels]).mean()
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["accuracy"], (predictions.argmax(1) == labels).mean())

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(predicted(loaded, batch), predictions)
    assert float(to_numpy(loaded.temperature)) == 2.0
    assert loaded.get_config().keys() == model.get_config().keys()
    # Its graph has been traced above.
    loaded.run_eagerly = keras.backend.backend() == "tensorflow"
    loaded.train_on_batch(batch[:3], labels[:3])


def test_the_loss_of_a_step_is_that_of_its_outputs():
    model = made(relations=None, dropout=0.0)
    batch, labels = images(), np.array([0, 1, 2, 3, 0, 1])
    weights = np.array([1.0, 0.0, 2.0, 1.0, 0.5, 0.0], "float32")
    model.compile(
        keras.optimizers.SGD(0.0), keras.losses.CategoricalCrossentropy(label_smoothing=0.2)
    )
    outputs = outputs_of(model, batch, training=True)[0]
    targets = 0.8 * np.eye(CLASSES)[labels] + 0.05
    each = keras_rbi.models.herbs.herbs_loss.herbs_loss(
        outputs, keras.ops.convert_to_tensor(targets, "float32"), 64.0
    )
    found = model.train_on_batch(batch, np.eye(CLASSES)[labels], sample_weight=weights)
    np.testing.assert_allclose(found, (to_numpy(each) * weights).mean(), rtol=2e-5)


def test_fit_compiles_it_as_the_paper_trains(monkeypatch):
    model = made(temperature=8.0, halving_epochs=3)
    given = keras.callbacks.TerminateOnNaN()
    monkeypatch.setattr(keras.Model, "fit", lambda self, x, y, callbacks: callbacks)
    halving, kept = model.fit(images(), np.arange(6) % CLASSES, callbacks=given)
    assert (halving.initial, halving.epochs, kept) == (8.0, 3, given)
    assert isinstance(model.optimizer, keras_rbi.optimizers.RectifiedAdam)
    np.testing.assert_allclose(float(to_numpy(model.optimizer.learning_rate)), 1e-5)


def test_half_precision_keeps_logits_whole():
    model = made(dtype="mixed_float16")
    outputs = outputs_of(model, images(), training=True)[0]
    names = ("top_down", "bottom_up", "combined", "probabilities")
    dtypes = {
        keras.backend.standardize_dtype(tensor.dtype)
        for name in names
        for tensor in keras.tree.flatten(outputs[name])
    }
    assert dtypes == {"float32"}
    assert np.isfinite(predicted(model, images())).all()


def test_channels_first_stages_become_tokens_of_the_same_places():
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow has no channels-first convolutions on processors")
    backbone = convolutions(WIDTHS, "channels_first")
    model = HERBS(backbone, CLASSES, units=UNITS, preprocessing=None)
    stages = model.get_layer("stages")
    batch = images().transpose(0, 3, 1, 2).astype("float32")
    found = stages(keras.ops.convert_to_tensor(batch))
    last = to_numpy(backbone(batch))
    np.testing.assert_array_equal(to_numpy(found[-1]), last.reshape(6, 8, -1).transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_selected": [3]}, "2 stages"),
        ({"num_selected": [300, 2]}, "count=300"),
        ({"loss_weights": {"drop": 1.0}}, "suppression"),
    ],
)
def test_says_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        made(**arguments)


def test_a_backbone_of_one_size_cannot_have_it():
    inputs = keras.Input((SIDE, SIDE, 3))
    tokens = keras.layers.Reshape((-1, 8))(keras.layers.Conv2D(8, 8, 8)(inputs))
    with pytest.raises(ValueError, match="two stages"):
        HERBS(keras.Model(inputs, tokens), CLASSES)


def test_is_cut_where_explanations_need_it():
    model, batch = scaled(made(relations="batch")), images()
    expected = outputs_of(model, batch)[0]
    parts = ModelParts(model)
    prepared, places = parts.to_map(batch)
    features = parts.to_features(prepared, keras.ops.convert_to_tensor(places))
    assert_close(model.attention_features(model.unpack(features)), to_numpy(expected["features"]))
    combined = parts.scores(features, parts.relations(batch), "combined")
    assert_close(combined, to_numpy(expected["combined"]))
    model.get_layer("integration").scale.assign(np.zeros(UNITS))
    expected = outputs_of(model, batch)[0]["combined"]
    assert_close(parts.scores(features, parts.relations(batch), "backbone"), to_numpy(expected))


def test_has_maps_of_what_it_sees():
    model, batch = scaled(made()), images(3)
    combined = keras_rbi.explanations.grad_cam(model, batch, 1, relations="batch")
    assert combined.shape == (3, SIDE, SIDE)
    assert combined.max() == 1.0
    assert model.relations == "self"
