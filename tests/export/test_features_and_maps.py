"""Features and class activation maps of an export, without Keras and without gradients."""

import keras
import numpy as np
import pytest
import small_model
from small_stages import convolutions

import keras_rbi
from keras_rbi.explanations.class_activation import at_image_size
from keras_rbi.explanations.grad_cam import grad_cam
from keras_rbi.export import FORMATS
from keras_rbi.export.formats import backend_for
from keras_rbi.export.options import export_options
from keras_rbi.export.run_without_keras import runner
from keras_rbi.export.writing import write_here

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


def with_references(**kwargs):
    """A model whose images relate to seven stored ones."""
    model = small_model.model(**kwargs)
    model.set_references(small_model.images(7, seed=9), np.arange(7) % 4, per_class=2)
    model.relations = "references"
    return model


REFERENCES = {
    "the default, to references": lambda: with_references(relations="self"),
    "version 0.1, to references": lambda: with_references(variant="0.1"),
    "the other softmax, to references": lambda: with_references(
        variant="0.1", rra=keras_rbi.layers.RRA(16, softmax_axis=-1, gate="feature", use_bias=True)
    ),
}
MODELS |= REFERENCES


def skip_unless_quick(name, shown):
    """Where a process writes the file, and where graphs are traced, one model shows it."""
    backend = keras.backend.backend()
    if name != shown and (backend == "jax" or (backend == "tensorflow" and name in REFERENCES)):
        pytest.skip("one model shows it on this backend")


def exported(model, path):
    """The export's own outputs to five images, and these."""
    relations = None if model.rra is None or model.relations == "references" else "self"
    keras_rbi.export.export_model(
        model, path, "onnx", relations=relations, outputs=OUTPUTS, verbose=False
    )
    session = onnxruntime.InferenceSession(path)
    images = small_model.images(5, seed=3)
    found = session.run(list(OUTPUTS), {"images": images.astype("float32")})
    return images, dict(zip(OUTPUTS, found, strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_maps_are_those_of_gradients_and_features_decide(name, tmp_path):
    skip_unless_quick(name, "the default")
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


@pytest.mark.parametrize("name", REFERENCES)
def test_attention_is_that_of_a_batch_of_the_image_and_the_references(name, tmp_path):
    skip_unless_quick(name, "the default, to references")
    model = REFERENCES[name]()
    keras_rbi.export.export_model(
        model, tmp_path / "m.onnx", "onnx", outputs=("probabilities", "attention"), verbose=False
    )
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    images = small_model.images(3, seed=3)
    (found,) = session.run(["attention"], {"images": images.astype("float32")})
    stored = keras.ops.convert_to_numpy(model.references.images)
    assert found.shape == (3, 1 + len(stored))
    with model.use_relations("batch"):
        for image, weights in zip(images, found, strict=True):
            batch = keras.ops.convert_to_tensor(np.concatenate([image[None], stored]))
            features = model.embed(batch, training=False)
            relations = model.encode_relations(batch, training=False)
            expected = model.attention(features, relations).weights
            # Entry (i, j) is the weight of source i in target j, and the image is target 0.
            column = keras.ops.convert_to_numpy(expected)[:, 0]
            np.testing.assert_allclose(weights, column, atol=1e-4)


@pytest.mark.parametrize(
    "format",
    # Converters that take their time are tried by night.
    [
        pytest.param("openvino", marks=pytest.mark.nightly),
        pytest.param("litert", marks=pytest.mark.nightly),
        "tf_saved_model",
        "torch",
    ],
)
def test_every_other_format_gives_them_too(format, tmp_path):
    """ONNX stands above; no process is started here, and each format is of its own backends."""
    try:
        backend = backend_for(format, keras.backend.backend())
    except ValueError as error:
        pytest.skip(str(error))
    if backend != keras.backend.backend():
        pytest.skip(f"{format} is not written on {keras.backend.backend()}")
    if format == "litert":
        pytest.importorskip("ai_edge_litert")
    model = REFERENCES["version 0.1, to references"]()
    outputs = (*OUTPUTS, "attention")
    arguments = ("images", outputs, 2, "float32", None)
    path = tmp_path / f"m{FORMATS[format].suffix}"
    write_here(model, path, export_options(model, format, "references", *arguments))
    predict, _ = runner(FORMATS[format].run_file)(path)
    images = small_model.images(5, seed=3)
    found = predict("images", images.astype("float32"))
    assert set(found) == {*outputs, "probabilities_without_attention"}
    for number in range(len(small_model.NAMES)):
        own = at_image_size(np.maximum(found["maps"][:, number], 0), 16, 16)
        np.testing.assert_allclose(own, grad_cam(model, images, number), atol=1e-4)
    rows = keras.ops.convert_to_tensor(images.astype("float32"))
    features = model.embed(rows, training=False)
    relations = model.encode_relations(rows, training=False)
    for name, expected in (
        ("features", model.attend(features, relations, training=False)),
        ("attention", model.attention(features, relations).weights),
        ("probabilities", model(rows, training=False)),
        (
            "probabilities_without_attention",
            model.classify(model.without_attention(features), training=False),
        ),
    ):
        expected = keras.ops.convert_to_numpy(expected)
        np.testing.assert_allclose(found[name], expected, atol=1e-4, err_msg=name)


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
        (related, "relate to no references", {"outputs": ("probabilities", "attention")}),
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
