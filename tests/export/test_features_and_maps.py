"""Features and class activation maps of an export, without Keras and without gradients."""

import keras
import numpy as np
import pytest
import small_model
from small_stages import convolutions

import keras_rbi
from keras_rbi.explanations.class_activation import at_image_size
from keras_rbi.explanations.grad_cam import grad_cam

onnxruntime = pytest.importorskip("onnxruntime")
OUTPUTS = ("probabilities", "features", "maps")


def no_relations(**kwargs):
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(8, 16))
    return keras_rbi.models.BackboneClassifier(backbone, class_names=small_model.NAMES, **kwargs)


def tokens():
    """A backbone whose places are tokens."""
    images = keras.Input((16, 16, 3))
    patches = keras.layers.Conv2D(16, 4, strides=4, activation="gelu")(images)
    backbone = keras.Model(images, keras.layers.Reshape((16, 16))(patches))
    return keras_rbi.models.BackboneClassifier(
        backbone, class_names=small_model.NAMES, preprocessing=None
    )


MODELS = {
    "the default": lambda: small_model.model(relations="self"),
    "version 0.1": lambda: small_model.model(variant="0.1"),
    "a gate for each feature": lambda: small_model.model(
        variant="0.1", rra=keras_rbi.layers.RRA(16, gate="feature", use_bias=True)
    ),
    "without relations": no_relations,
    "tokens": tokens,
}


def exported(model, path):
    """The export's own outputs to five images, and these."""
    relations = None if model.rra is None else "self"
    keras_rbi.export.export_model(
        model, path, "onnx", relations=relations, outputs=OUTPUTS, verbose=False
    )
    session = onnxruntime.InferenceSession(path)
    images = small_model.images(5, seed=3)
    found = session.run(list(OUTPUTS), {"images": images.astype("float32")})
    return images, dict(zip(OUTPUTS, found, strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_maps_are_those_of_gradients_and_features_decide(name, tmp_path):
    if keras.backend.backend() == "jax" and name != "the default":
        pytest.skip("written in a process of another backend, which one shows")
    model = MODELS[name]()
    images, found = exported(model, tmp_path / "m.onnx")
    for number in range(len(small_model.NAMES)):
        expected = grad_cam(model, images, number)
        own = at_image_size(np.maximum(found["maps"][:, number], 0), 16, 16)
        np.testing.assert_allclose(own, expected, atol=1e-4)
    kernel, bias = (np.array(keras.ops.convert_to_numpy(w)) for w in model.classifier.weights)
    scores = found["features"].astype("float64") @ kernel + bias
    exponentials = np.exp(scores - scores.max(-1, keepdims=True))
    probabilities = exponentials / exponentials.sum(-1, keepdims=True)
    np.testing.assert_allclose(found["probabilities"], probabilities, atol=1e-5)


def test_what_cannot_be_had_is_refused_by_name(tmp_path):
    related = small_model.model(variant="0.1")
    of_ones_own = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(4)]
    )
    herbs = keras_rbi.models.HERBS(convolutions((6, 8)), 4, units=8)
    for model, message, arguments in (
        (related, "relate to others", {"relations": "batch"}),
        (related, "of inputs='images'", {"inputs": "sets"}),
        (related, "must hold 'probabilities'", {"outputs": "maps"}),
        (herbs, "more than one linear classifier", {}),
        (of_ones_own, "a model of keras_rbi", {}),
    ):
        arguments = {"outputs": OUTPUTS, **arguments}
        with pytest.raises(ValueError, match=message) as told:
            keras_rbi.export.export_model(model, tmp_path / "m.onnx", "onnx", **arguments)
        assert "\n" not in str(told.value)


def test_an_export_whose_maps_are_wrong_is_not_kept(tmp_path, monkeypatch):
    from keras_rbi.export import served_models

    monkeypatch.setattr(
        served_models, "class_maps", lambda model, maps, *_: keras.ops.transpose(maps, (0, 3, 1, 2))
    )
    model = no_relations()
    if keras.backend.backend() == "jax":
        pytest.skip("written in a process of another backend")
    with pytest.raises(keras_rbi.export.ExportError, match="not those of the gradients"):
        keras_rbi.export.export_model(
            model, tmp_path / "m.onnx", "onnx", outputs=OUTPUTS, verbose=False
        )
    assert not list(tmp_path.iterdir())
