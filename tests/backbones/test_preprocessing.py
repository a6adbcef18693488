import inspect
import warnings

import keras
import numpy as np
import pytest
from keras import ops

from keras_rbi.backbones.get import _application_models
from keras_rbi.backbones.preprocessing import preprocessing_for
from keras_rbi.layers import BackbonePreprocessing

MODELS = _application_models()
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
    """Stands for a model of which nothing but the name is looked at."""

    def __init__(self, name):
        self.name = name
        self.layers = []


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


def test_a_model_that_prepares_images_itself_is_fed_raw():
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Conv2D(2, 3)(keras.layers.Rescaling(1 / 255)(inputs))
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
