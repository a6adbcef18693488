import keras
import numpy as np
import pytest
from backend_functions import assert_close, to_numpy
from keras import layers

from keras_rbi.backbones import FeatureExtractor, SmallCNN


def outputs_at(backbone, tensor, images):
    return keras.Model(backbone.input, tensor).predict(images, verbose=0)


def random_images(side=64):
    return np.random.default_rng(0).uniform(0, 255, (2, side, side, 3)).astype("float32")


def application(name, **arguments):
    arguments = {"weights": None, "input_shape": (64, 64, 3), **arguments}
    return getattr(keras.applications, name)(**arguments)


def heavy(*names):
    return [pytest.param(name, marks=pytest.mark.nightly) for name in names]


@pytest.mark.parametrize(
    "name", ["MobileNetV3Small", *heavy("ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "VGG16")]
)
def test_a_classifier_is_left_out_and_the_features_before_it_stay(name):
    full = application(name, include_top=True, classes=7)
    bare = application(name, include_top=False, pooling="avg")
    extractor = FeatureExtractor(full)
    assert extractor.backbone.name == full.name
    assert extractor.last_map().shape == FeatureExtractor(bare).last_map().shape
    bare.set_weights(extractor.backbone.get_weights())
    images = random_images()
    rows = outputs_at(extractor.backbone, extractor.pool(extractor.backbone.output), images)
    assert_close(rows, bare.predict(images, verbose=0))


def test_layer_normalization_after_the_pooling_stays():
    extractor = FeatureExtractor(
        application("ConvNeXtTiny", include_top=True, input_shape=(32, 32, 3))
    )
    assert extractor.backbone.output_shape == (None, 768)
    assert isinstance(extractor.backbone.layers[-1], layers.LayerNormalization)
    assert extractor.last_map().shape == (None, 1, 1, 768)


@pytest.mark.parametrize("name", ["MobileNetV3Small", *heavy("ConvNeXtTiny", "DenseNet121")])
@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_a_pooled_application_keeps_its_pooling_and_shows_its_last_map(name, pooling):
    pooled = application(name, include_top=False, pooling=pooling)
    extractor = FeatureExtractor(pooled)
    assert extractor.backbone is pooled
    assert extractor.last_map().shape[1:3] == (2, 2)
    assert extractor.pool(extractor.backbone.output) is extractor.backbone.output


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("DenseNet201", r"keras_rbi.backbones.get\('DenseNet201'\)"),
        (layers.Dense(3), "one image input"),
        (keras.Sequential([layers.Dense(3)]), "one image input of known shape"),
    ],
)
def test_what_is_no_model_is_told(backbone, message):
    with pytest.raises(ValueError, match=message):
        FeatureExtractor(backbone).image_sides  # noqa: B018


def test_a_sequential_model_is_tapped_as_the_functional_one_of_its_layers():
    convolution = layers.Conv2D(4, 3, strides=4)
    backbone = keras.Sequential([keras.Input((64, 64, 3)), convolution, layers.ReLU()], name="own")
    extractor = FeatureExtractor(backbone)
    assert (extractor.backbone.name, extractor.image_sides) == ("own", (64, 64))
    assert (
        [stage.shape for stage in extractor.stages()]
        == [extractor.last_map().shape]
        == [(None, 16, 16, 4)]
    )
    images = random_images()
    assert_close(
        outputs_at(extractor.backbone, extractor.last_map(), images), backbone.predict(images)
    )
    assert extractor.backbone.layers[1] is convolution


def test_a_network_of_ones_own_that_ends_in_dense_is_not_cut():
    images = keras.Input((16, 16, 3))
    places = layers.Conv2D(4, 3)(images)
    rows = layers.Dense(6)(layers.GlobalAveragePooling2D()(places))
    backbone = keras.Model(images, rows, name="mine")
    extractor = FeatureExtractor(backbone)
    assert extractor.backbone is backbone
    assert extractor.last_map() is places


def test_maps_are_averaged_over_their_places():
    backbone = SmallCNN((64, 64, 3))
    extractor = FeatureExtractor(backbone)
    images = random_images()
    pooled = keras.Model(backbone.input, extractor.pool(backbone.output))(images)
    places = to_numpy(backbone(images, training=False))
    assert_close(pooled, places.mean((1, 2)))
    assert extractor.last_map() is backbone.output


def test_tokens_are_averaged_and_laid_out_as_a_map():
    images = keras.Input((16, 32, 3))
    tokens = layers.Reshape((32, 5))(layers.Conv2D(5, 4, strides=4)(images))
    backbone = keras.Model(images, tokens, name="tokens")
    extractor = FeatureExtractor(backbone)
    values = np.random.default_rng(0).normal(size=(2, 32, 5)).astype("float32")
    assert_close(extractor.pool(keras.ops.convert_to_tensor(values)), values.mean(1))
    assert_close(extractor.as_map(keras.ops.convert_to_tensor(values)), values.reshape(2, 4, 8, 5))
    assert extractor.stages() == [backbone.output]
    with pytest.raises(ValueError, match="31 tokens do not fill a grid over an image of 16x32"):
        extractor.as_map(keras.ops.convert_to_tensor(values[:, 1:]))


def test_a_pyramid_is_pooled_at_its_top():
    images = keras.Input((64, 64, 3))
    levels, features = {}, images
    for level in range(1, 5):
        features = layers.Conv2D(level, 3, strides=2, padding="same")(features)
        levels[f"P{level}"] = features
    # Sorted as text, P10 would come before P2.
    levels["P10"] = layers.Conv2D(10, 3, strides=2, padding="same")(features)
    backbone = keras.Model(images, levels, name="pyramid")
    extractor = FeatureExtractor(backbone)
    assert [stage.shape[-1] for stage in extractor.stages()] == [1, 2, 3, 4, 10]
    pooled = keras.Model(images, extractor.pool(backbone(images)))(random_images())
    places = to_numpy(backbone(random_images())["P10"])
    assert_close(pooled, places.mean((1, 2)))


STAGES = {
    "MobileNetV3Small": [(32, 72), (16, 96), (8, 288), (4, 576)],
    "DenseNet121": [(32, 128), (16, 256), (8, 512), (4, 1024)],
    "ResNet50": [(32, 256), (16, 512), (8, 1024), (4, 2048)],
    "ResNet50V2": [(32, 256), (16, 512), (8, 1024), (4, 2048)],
    "ConvNeXtTiny": [(32, 96), (16, 192), (8, 384), (4, 768)],
}


@pytest.mark.parametrize(
    "name",
    ["MobileNetV3Small", "ConvNeXtTiny", *heavy("DenseNet121", "ResNet50", "ResNet50V2")],
)
def test_stages_are_the_last_maps_of_each_side(name):
    backbone = application(name, include_top=False, input_shape=(128, 128, 3))
    found = FeatureExtractor(backbone).stages()
    assert [(stage.shape[1], stage.shape[-1]) for stage in found] == STAGES[name]
    assert found[-1] is backbone.output
    assert keras.Model(backbone.input, found[0]).output_shape[1:] == found[0].shape[1:]


def test_channels_first_is_seen():
    images = keras.Input((3, 16, 32))
    places = layers.Conv2D(4, 3, strides=4, padding="same", data_format="channels_first")(images)
    extractor = FeatureExtractor(keras.Model(images, places, name="first"))
    assert extractor.data_format == "channels_first"
    assert extractor.image_sides == (16, 32)
    values = np.random.default_rng(0).normal(size=(2, 4, 4, 8)).astype("float32")
    if keras.backend.backend() != "tensorflow":
        assert_close(extractor.pool(keras.ops.convert_to_tensor(values)), values.mean((2, 3)))


def test_several_outputs_are_refused():
    images = keras.Input((16, 16, 3))
    backbone = keras.Model(images, [images, images], name="two")
    with pytest.raises(ValueError, match="A backbone must give one map"):
        FeatureExtractor(backbone).pool(backbone.output)


def test_rows_without_a_pooling_have_no_map():
    images = keras.Input((4, 4, 3))
    backbone = keras.Model(images, layers.Dense(2)(layers.Reshape((48,))(images)), name="dense")
    with pytest.raises(ValueError, match="'dense' has no map"):
        FeatureExtractor(backbone).last_map()


class OfOnesOwn(keras.Model):
    def call(self, images):
        return images


@pytest.mark.parametrize(
    "backbone",
    [OfOnesOwn(name="own"), keras.Sequential([layers.Conv2D(2, 3)], name="own")],
    ids=["a class", "without an input"],
)
def test_a_model_without_a_graph_is_refused(backbone):
    with pytest.raises(ValueError, match=r"must be a functional model.*Received: 'own'.*keras.Inp"):
        FeatureExtractor(backbone)
