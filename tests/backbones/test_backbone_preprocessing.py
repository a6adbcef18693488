import keras
import numpy as np
import pytest
from backend_functions import assert_close, to_numpy
from keras.applications.imagenet_utils import preprocess_input
from keras.src.testing import TestCase

from keras_rbi.backbones import BackbonePreprocessing


def random_images(dtype, channels_first=False):
    shape = (2, 3, 4, 5) if channels_first else (2, 4, 5, 3)
    images = np.random.default_rng(0).uniform(0, 255, size=shape)
    return np.rint(images).astype(dtype) if "int" in dtype else images.astype(dtype)


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_equals_that_of_keras_applications(mode, data_format, dtype):
    images = random_images(dtype, data_format == "channels_first")
    expected = preprocess_input(images.astype("float64"), data_format=data_format, mode=mode)
    assert_close(BackbonePreprocessing(mode, data_format)(images), expected)


def test_lite_is_that_of_efficientnet_lite():
    images = random_images("uint8")
    assert_close(BackbonePreprocessing("lite")(images), (images.astype("float64") - 127) / 128)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_own_numbers_scale_first_and_then_shift_each_channel(data_format):
    images = random_images("uint8", data_format == "channels_first")
    layer = BackbonePreprocessing(
        data_format=data_format, scale=0.5, offset=[1.0, 2.0, 3.0], name="own"
    )
    offset = np.array([1.0, 2.0, 3.0])
    offset = offset[:, None, None] if data_format == "channels_first" else offset
    assert_close(layer(images), images * 0.5 + offset)
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert_close(again(images), images * 0.5 + offset)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"mode": "tf", "scale": 1.0}, {"scale": 1.0}, {"mode": "tf", "offset": 1.0}],
)
def test_a_mode_and_own_numbers_exclude_each_other(arguments):
    with pytest.raises(ValueError, match="either `mode`, or `scale` and `offset`"):
        BackbonePreprocessing(**arguments)


def test_own_numbers_are_one_or_three():
    with pytest.raises(ValueError, match=r"one for each.*offset=\[1.0, 2.0\]"):
        BackbonePreprocessing(scale=1.0, offset=[1.0, 2.0])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_data_format_is_that_of_keras_by_default(data_format):
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(data_format)
    try:
        assert BackbonePreprocessing("tf").data_format == data_format
    finally:
        keras.config.set_image_data_format(before)


def test_sets_of_images_are_prepared_like_the_images():
    sets = random_images("uint8")[None]
    layer = BackbonePreprocessing("caffe")
    np.testing.assert_array_equal(to_numpy(layer(sets))[0], to_numpy(layer(sets[0])))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_pixels_are_prepared_in_float32_and_given_in_half_precision(policy):
    images = random_images("float32")
    outputs = BackbonePreprocessing("torch", dtype=policy)(images)
    half = policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(outputs.dtype) == half
    exact = keras.ops.cast(BackbonePreprocessing("torch")(images), half)
    np.testing.assert_array_equal(
        to_numpy(keras.ops.cast(outputs, "float32")), to_numpy(keras.ops.cast(exact, "float32"))
    )


def test_an_unknown_mode_is_refused_with_the_choices():
    with pytest.raises(ValueError, match=r"'tf', 'torch', 'caffe'.*Received: mode='pytorch'"):
        BackbonePreprocessing("pytorch")


def test_an_unknown_data_format_is_refused():
    with pytest.raises(ValueError, match=r"data_format.*'channels_middle'"):
        BackbonePreprocessing("tf", data_format="channels_middle")


@pytest.mark.parametrize(
    ("data_format", "shape"), [("channels_last", (2, 3, 4, 1)), ("channels_first", (2, 4, 5, 3))]
)
def test_other_channels_are_refused_with_the_shape(data_format, shape):
    received = rf"\({', '.join(map(str, shape))}\)"
    with pytest.raises(ValueError, match=f"RGB.*{received} with data_format='{data_format}'"):
        BackbonePreprocessing("tf", data_format)(np.zeros(shape, "uint8"))


def test_config_round_trip():
    layer = BackbonePreprocessing("caffe", "channels_first", name="preprocessing")
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(again, BackbonePreprocessing)
    assert again.get_config() == layer.get_config()
    assert (again.mode, again.data_format) == ("caffe", "channels_first")


def test_a_saved_layer_keeps_its_data_format_where_that_of_keras_is_another():
    config = BackbonePreprocessing("tf").get_config()
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        assert BackbonePreprocessing.from_config(config).data_format == before
    finally:
        keras.config.set_image_data_format(before)


class KerasLayerTest(TestCase):
    def test_satisfies_keras(self):
        self.run_layer_test(
            BackbonePreprocessing,
            init_kwargs={"mode": "caffe", "data_format": "channels_last"},
            input_shape=(2, 4, 5, 3),
            input_dtype="uint8",
            expected_output_shape=(2, 4, 5, 3),
            expected_output_dtype="float32",
            expected_num_trainable_weights=0,
        )
