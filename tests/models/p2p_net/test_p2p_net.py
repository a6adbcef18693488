"""P2P-Net as a model: with and without relations, trained, saved, and told what is wrong."""

import keras
import numpy as np
import pytest
from backend_functions import assert_close, to_numpy
from small_stages import CLASSES, SIDE, convolutions, images, outputs_of, predicted, scaled

from keras_rbi.explanations import grad_cam
from keras_rbi.explanations.model_parts import ModelParts
from keras_rbi.models import P2PNet
from keras_rbi.models.p2p_net.crop_and_resize import crop_and_resize

UNITS = 6


def made(backbone=None, **arguments):
    keras.utils.set_random_seed(1)
    settings = {"units": UNITS, "preprocessing": "tf", "num_parts": 3, **arguments}
    return P2PNet(backbone or convolutions(), CLASSES, **settings)


def test_answers_are_those_of_its_training_form():
    model = scaled(made(relations="batch"))
    outputs, _ = outputs_of(model, images())
    assert_close(predicted(model, images()), to_numpy(outputs["probabilities"]))
    mean = np.mean([to_numpy(each) for each in outputs["logits"]], axis=0)
    expected = np.exp(mean) / np.exp(mean).sum(1, keepdims=True)
    assert_close(outputs["probabilities"], expected)
    assert to_numpy(outputs["boxes"]).shape == (6, 3, 4)


def test_relations_change_the_last_stage_alone():
    model = scaled(made(relations="batch"))
    related, _ = outputs_of(model, images())
    model.relations = "self"
    alone, _ = outputs_of(model, images())
    for name in ("embeddings", "aligned", "part_logits", "order", "part_scores", "boxes"):
        for one, other in zip(
            keras.tree.flatten(related[name]), keras.tree.flatten(alone[name]), strict=True
        ):
            np.testing.assert_array_equal(to_numpy(one), to_numpy(other))
    moved = [
        np.abs(to_numpy(one) - to_numpy(other)).max()
        for one, other in zip(related["logits"], alone["logits"], strict=True)
    ]
    assert moved[0] == moved[1] == 0.0
    assert min(moved[2:]) > 1e-3


def test_trains_and_is_the_same_when_loaded(tmp_path):
    model = made(dropout=0.0)
    batch, labels = images(), np.arange(6) % CLASSES
    model.compile(keras.optimizers.Adam(1e-2), metrics=["accuracy"])
    before = {variable.path: to_numpy(variable) for variable in model.trainable_variables}
    history = model.fit(batch, labels, batch_size=3, epochs=4, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][-1] < history["loss"][0]
    moved = {
        path for path, value in before.items() if (to_numpy(_named(model, path)) != value).any()
    }
    # Sizes of boxes that no part had learn nothing.
    assert {path for path in before if not path.startswith("proposer")} < moved
    assert float(to_numpy(model.aligner.count)) == 24.0
    found = model.evaluate(batch, labels, verbose=0, return_dict=True)
    predictions = predicted(model, batch)
    expected = -np.log(predictions[np.arange(6), labels]).mean()
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(predicted(loaded, batch), predictions)
    assert_close(loaded.aligner.centers, to_numpy(model.aligner.centers), 0.0)
    assert loaded.get_config().keys() == model.get_config().keys()
    again, _ = outputs_of(loaded, batch)
    for ours, theirs in zip(
        keras.tree.flatten(again), keras.tree.flatten(outputs_of(model, batch)[0]), strict=True
    ):
        assert_close(ours, to_numpy(theirs), 1e-6)
    # Its graph has been traced above.
    loaded.run_eagerly = keras.backend.backend() == "tensorflow"
    loaded.train_on_batch(batch[:3], labels[:3])


def _named(model, path):
    return next(variable for variable in model.variables if variable.path == path)


def test_parts_go_through_the_same_layers_and_their_statistics():
    model = made(convolutions(normalized=True), relations=None, num_parts=2)
    batch = images()
    outputs, values = outputs_of(model, batch, training=True)
    after = dict(zip([v.path for v in model.variables], values, strict=True))
    path = next(path for path in after if path.endswith("moving_mean") and "batch_norm" in path)
    first = keras.Model(model.backbone.input, model.backbone.layers[1].output)
    prepared = batch.astype("float32") / 127.5 - 1.0
    of_images = to_numpy(first(prepared)).mean((0, 1, 2))
    assert model.part_sides == (SIDE // 2, SIDE // 2)
    parts = crop_and_resize(
        keras.ops.convert_to_tensor(prepared), outputs["boxes"], model.part_sides
    )
    at_half = _at_half(first)
    of_parts = np.mean([to_numpy(at_half(parts[:, part])) for part in (0, 1)], axis=(0, 1, 2, 3))
    # Half of the statistics are of what came last, the parts, and a quarter of the images.
    assert_close(after[path], 0.25 * of_images + 0.5 * of_parts)


def _at_half(network):
    inputs = keras.Input((SIDE // 2, SIDE // 2, 3))
    return keras.models.clone_model(network, inputs, clone_function=lambda layer: layer)


def test_channels_first_maps_give_the_same():
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow has no channels-first convolutions on processors")
    first, last = made(convolutions(data_format="channels_first")), made()
    for variable, other in zip(first.variables, last.variables, strict=True):
        variable.assign(to_numpy(other))
    batch = images()
    expected, _ = outputs_of(last, batch)
    found, _ = outputs_of(first, batch.transpose(0, 3, 1, 2))
    for ours, theirs in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        assert_close(ours, to_numpy(theirs), 1e-5)


@pytest.mark.usefixtures("untraced_test")
def test_half_precision_keeps_logits_whole():
    model = made(dtype="mixed_float16")
    outputs, _ = outputs_of(model, images(), training=True)
    names = ("logits", "part_logits", "part_scores", "probabilities")
    dtypes = {
        keras.backend.standardize_dtype(tensor.dtype)
        for name in names
        for tensor in keras.tree.flatten(outputs[name])
    }
    assert dtypes == {"float32"}
    model.compile(keras.optimizers.SGD(1e-3))
    assert np.isfinite(model.train_on_batch(images(), np.arange(6) % CLASSES))


def test_has_maps_of_what_it_sees():
    model, batch = scaled(made()), images(3)
    parts = ModelParts(model)
    prepared, places = parts.to_map(batch)
    features = parts.to_features(prepared, keras.ops.convert_to_tensor(places))
    outputs, _ = outputs_of(model, batch)
    expected = np.sum([to_numpy(each) for each in outputs["logits"]], axis=0)
    assert_close(parts.scores(features, parts.relations(batch), "combined"), expected)
    found = grad_cam(model, batch, 1, relations="batch")
    assert found.shape == (3, SIDE, SIDE)
    assert found.max() == 1.0
    assert np.abs(found - grad_cam(model, batch, 1, of="backbone")).max() > 1e-3
    assert model.relations == "self"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_parts": 1}, "2 to 6 parts"),
        ({"matching": "best"}, "matching"),
        ({"part_size": (3, 4, 5)}, "part_size"),
        ({"part_size": 0}, "part_size"),
    ],
)
def test_says_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        made(**arguments)


def test_a_backbone_must_have_stages_and_take_parts():
    inputs = keras.Input((SIDE, SIDE, 3))
    maps = keras.layers.Conv2D(8, 8, 8)(inputs)
    with pytest.raises(ValueError, match="3 stages or more"):
        P2PNet(keras.Model(inputs, maps), CLASSES)
    fixed = keras.layers.Reshape((SIDE, SIDE, 3))(inputs)
    for filters, stride in ((4, 4), (6, 2), (8, 2)):
        fixed = keras.layers.Conv2D(filters, stride, stride)(fixed)
    with pytest.raises(ValueError, match=r"Pass part_size=\[32, 32\]"):
        made(keras.Model(inputs, fixed), part_size=SIDE // 2)
    assert made(keras.Model(inputs, fixed)).part_sides == (SIDE, SIDE)


def test_parts_of_a_swin_have_the_size_of_its_images():
    hub = pytest.importorskip("keras_hub", reason="keras_hub is the extra `hub`")
    swin = hub.models.SwinTransformerBackbone(
        embed_dim=4,
        depths=(1, 1, 1),
        num_heads=(1, 1, 1),
        window_size=7,
        patch_size=2,
        image_shape=(56, 56, 3),
    )
    model = P2PNet(swin, CLASSES, units=UNITS, num_parts=2)
    assert model.part_sides == (56, 56)
    batch = np.random.default_rng(0).integers(0, 256, (2, 56, 56, 3)).astype("uint8")
    outputs, _ = outputs_of(model, batch)
    assert_close(predicted(model, batch), to_numpy(outputs["probabilities"]))
    with pytest.raises(ValueError, match="tokens are for images of one size"):
        P2PNet(swin, CLASSES, part_size=28)
