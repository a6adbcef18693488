"""RBIModel over whatever a Keras user has."""

import importlib.util
import warnings

import keras
import numpy as np
import pytest
from keras import layers

import keras_rbi
from keras_rbi.backbones import BackbonePreprocessing

SIDE = 32


def images_of(count=6, channels_first=False):
    shape = (count, 3, SIDE, SIDE) if channels_first else (count, SIDE, SIDE, 3)
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


def check(model, images, tmp_path):
    """Trains a step, saves, loads, and compares."""
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(images, np.arange(len(images)) % 3)
    expected = model.predict(images, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, atol=1e-6)
    return loaded


@pytest.mark.usefixtures("untraced_test")
@pytest.mark.parametrize(
    "arguments", [{"include_top": True, "classes": 7}, {"include_top": False, "pooling": "max"}]
)
def test_an_application_with_its_top_or_pooling(arguments, tmp_path):
    backbone = keras.applications.MobileNetV3Small(
        weights=None, input_shape=(SIDE, SIDE, 3), **arguments
    )
    model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=4)
    assert model.get_layer("embedding").kernel.shape[0] == 576
    loaded = check(model, images_of(), tmp_path)
    assert loaded.count_params() == model.count_params()


def test_a_pyramid(tmp_path):
    inputs = keras.Input((SIDE, SIDE, 3))
    coarse = layers.Conv2D(4, 3, strides=8, name="p3")(layers.Rescaling(1 / 255)(inputs))
    top = layers.Conv2D(6, 3, strides=2, name="p4")(coarse)
    backbone = keras.Model(inputs, {"P3": coarse, "P4": top}, name="pyramid")
    model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=4)
    assert model.get_layer("embedding").kernel.shape[0] == 6
    check(model, images_of(), tmp_path)


def test_channels_first(tmp_path):
    inputs = keras.Input((3, SIDE, SIDE))
    outputs = layers.Conv2D(4, 3, data_format="channels_first")(inputs)
    backbone = keras.Model(inputs, outputs, name="densenet999")
    model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=4)
    assert model.get_layer("preprocessing").data_format == "channels_first"
    assert model.get_layer("embedding").kernel.shape[0] == 4
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow has no convolution with channels first on a processor")
    check(model, images_of(channels_first=True), tmp_path)


def test_several_images_at_once_are_refused():
    inputs = [keras.Input((SIDE, SIDE, 3)), keras.Input((SIDE, SIDE, 3))]
    backbone = keras.Model(inputs, layers.Add()(inputs))
    with pytest.raises(ValueError, match=r"one image input.*2 inputs"):
        keras_rbi.RBIModel(backbone, num_classes=3, preprocessing=None)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow" or not importlib.util.find_spec("keras_cv"),
    reason="keras_cv runs on TensorFlow, with the extra cv",
)
@pytest.mark.parametrize("include_rescaling", [True, False])
def test_keras_cv(include_rescaling, tmp_path):
    import keras_cv

    backbone = keras_cv.models.DenseNetBackbone(
        stackwise_num_repeats=[1, 1, 1, 1],
        include_rescaling=include_rescaling,
        input_shape=(SIDE, SIDE, 3),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=4)
    own = [layer for layer in model.layers if isinstance(layer, BackbonePreprocessing)]
    assert [layer.scale for layer in own] == ([] if include_rescaling else [1 / 255])
    check(model, images_of(), tmp_path)
