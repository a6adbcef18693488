import inspect
import warnings

import keras
import numpy as np
import pytest
from keras import ops

from keras_rbi.backbones import BackbonePreprocessing, applications
from keras_rbi.backbones.preprocessing import preprocessing_for

MODELS = applications.constructors()
# One of each module of keras.applications whose models it names in a way of its own.
SAMPLE = ["DenseNet121", "MobileNet", "MobileNetV2", "MobileNetV3Small", "ResNet50", "VGG16"]


def own_preprocessing(name):
    """The `preprocess_input` of the module of keras.applications that holds a model."""
    if name.startswith("MobileNetV3"):
        # Its module has no constructors: they are in keras.applications alone.
        return keras.applications.mobilenet_v3.preprocess_input
    for _, module in inspect.getmembers(keras.applications, inspect.ismodule):
        if hasattr(module, name) and hasattr(module, "preprocess_input"):
            return module.preprocess_input
    raise LookupError(name)


def check(backbone, name):
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 6, 3)).astype("float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = preprocessing_for(backbone)
    ours = images if layer is None else ops.convert_to_numpy(layer(images))
    np.testing.assert_allclose(ours, own_preprocessing(name)(images.copy()), atol=1e-5)


class Named:
    """Stands for a model of which nothing but the name and a first layer are looked at."""

    def __init__(self, name):
        self.name = name
        self.layers = [keras.layers.Rescaling(1 / 255)]


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_application_is_fed_as_its_own_preprocess_input_does(name):
    default = inspect.signature(MODELS[name]).parameters["name"].default
    if default is None:
        # The module makes a name up, as it does for all its models: build it to learn it.
        default = MODELS[name](include_top=False, weights=None).name
    check(Named(default), name)


@pytest.mark.parametrize("name", SAMPLE)
def test_built_applications_are_recognised(name):
    check(MODELS[name](include_top=False, weights=None, input_shape=(64, 64, 3)), name)


@pytest.mark.nightly
@pytest.mark.parametrize("name", sorted(set(MODELS) - set(SAMPLE)))
def test_all_built_applications_are_recognised(name):
    check(MODELS[name](include_top=False, weights=None, input_shape=(96, 96, 3)), name)


@pytest.mark.parametrize(
    "name",
    [
        "MobileNetV3Small",
        pytest.param("EfficientNetV2B0", marks=pytest.mark.nightly),
        pytest.param("EfficientNetV2S", marks=pytest.mark.nightly),
        pytest.param("ConvNeXtTiny", marks=pytest.mark.nightly),
    ],
)
def test_preprocessing_left_out_of_an_application_is_put_before_it(name):
    arguments = {"include_top": False, "weights": None, "input_shape": (32, 32, 3)}
    inside = MODELS[name](**arguments)
    outside = MODELS[name](**arguments, include_preprocessing=False)
    weights = [weight.numpy() for weight in inside.weights if "normalization" not in weight.path]
    weights = weights if len(weights) == len(outside.weights) else inside.get_weights()
    outside.set_weights(weights)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    prepared = preprocessing_for(outside)(images)
    expected = inside.predict(images, verbose=0)
    np.testing.assert_allclose(
        outside.predict(prepared, verbose=0), expected, atol=1e-4 * np.abs(expected).max()
    )
    assert preprocessing_for(inside) is None


def test_maps_with_channels_first_are_prepared_so():
    layer = preprocessing_for(Named("resnet50"), "channels_first")
    assert layer.data_format == "channels_first"


def test_a_model_that_prepares_images_itself_is_fed_raw():
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Conv2D(2, 3)(keras.layers.Rescaling(1 / 255)(inputs))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert preprocessing_for(keras.Model(inputs, outputs, name="own")) is None


@pytest.mark.parametrize("scale", [2.0, 255, [4.0, 3.0, 5.0]], ids=str)
def test_a_model_that_takes_fractions_gets_a_warning(scale):
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Conv2D(2, 3)(keras.layers.Rescaling(scale, offset=-1.0)(inputs))
    with pytest.warns(UserWarning, match=r"'own' multiplies its images.*of 0\.\.1"):
        assert preprocessing_for(keras.Model(inputs, outputs, name="own")) is None


def test_a_model_that_takes_off_a_mean_is_fed_raw():
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Rescaling(1.0, offset=[-104.0, -117.0, -124.0])(inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert preprocessing_for(keras.Model(inputs, outputs, name="own")) is None


def test_an_unknown_model_is_fed_raw_with_a_warning():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs), name="mystery")
    with pytest.warns(UserWarning, match="mystery"):
        assert preprocessing_for(model) is None


def test_modes_are_those_of_the_layer():
    assert isinstance(preprocessing_for(Named("resnet50")), BackbonePreprocessing)
    assert preprocessing_for(Named("resnet50")).mode == "caffe"
    assert preprocessing_for(Named("resnet50v2")).mode == "tf"
