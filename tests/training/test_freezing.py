import keras
import numpy as np
import pytest
from backend_functions import to_numpy

import keras_rbi
from keras_rbi import backbones
from keras_rbi.training.freezing import backbone_of, freeze, freeze_batch_norms, stem_layers

pytestmark = pytest.mark.usefixtures("untraced")

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)
LABELS = np.arange(6) % 3


def small_model():
    return keras_rbi.RBIModel(
        keras_rbi.backbones.SmallCNN((32, 32, 3)), num_classes=3, embedding_dim=8
    )


def changed_layers(model, part):
    """Names of the backbone's layers with weights, or statistics, that training has changed."""
    freeze(model, part)
    layers = [layer for layer in backbone_of(model).layers if layer.weights]
    before = [[to_numpy(weight).copy() for weight in layer.weights] for layer in layers]
    model.compile(keras_rbi.optimizers.RectifiedAdam(0.1), "sparse_categorical_crossentropy")
    model.fit(IMAGES, LABELS, batch_size=3, epochs=1, verbose=0)
    return {
        layer.name
        for layer, values in zip(layers, before, strict=True)
        if any(
            not np.array_equal(to_numpy(weight), value)
            for weight, value in zip(layer.weights, values, strict=True)
        )
    }


@pytest.mark.parametrize(
    ("part", "changed"),
    [("backbone", set()), ("stem", {"block3_bn", "block4_conv", "block4_bn"})],
)
def test_what_is_frozen_stays_to_the_bit_with_its_statistics(part, changed):
    model = small_model()
    head = to_numpy(model.get_layer("embedding").kernel).copy()
    assert changed_layers(model, part) == changed
    assert not np.array_equal(to_numpy(model.get_layer("embedding").kernel), head)


def test_frozen_batch_norms_stay_to_the_bit_and_the_rest_learns():
    model = small_model()
    freeze_batch_norms(model)
    convolutions = {f"block{number}_conv" for number in range(1, 5)}
    assert changed_layers(model, None) == convolutions


@pytest.mark.parametrize(
    ("name", "size", "last", "first_trained"),
    [
        ("VGG16", 64, "block3_conv3", "block3_pool"),
        # Maps of 71 of 299 pixels, since borders are cut off.
        ("InceptionV3", 299, "activation_4", "max_pooling2d_1"),
        # Gates of squeeze-and-excitation, maps of 1x1, in the first stage.
        ("MobileNetV3Small", 64, "expanded_conv_1_depthwise_pad", "expanded_conv_1_depthwise"),
    ],
)
def test_the_stem_ends_at_a_quarter_of_the_side(name, size, last, first_trained):
    keras.utils.clear_session()
    backbone = backbones.get(name, image_size=size)
    stem = stem_layers(backbone)
    assert [layer.name for layer in backbone.layers[: len(stem) + 1]][-2:] == [last, first_trained]
    assert stem == backbone.layers[: len(stem)]


def tokens(nested):
    images = keras.Input((32, 32, 3))
    patches = keras.layers.Conv2D(8, 16, strides=16, name="patches")(images)
    rows = keras.layers.Reshape((4, 8), name="rows")(patches)
    model = keras.Model(images, keras.layers.Dense(8, name="mlp")(rows), name="tokens")
    if not nested:
        return model
    outer = keras.Input((32, 32, 3))
    return keras.Model(outer, model(keras.layers.Rescaling(1 / 255, name="scale")(outer)))


@pytest.mark.parametrize("nested", [False, True])
def test_the_stem_of_a_model_of_tokens_is_its_patch_embedding(nested):
    names = [layer.name for layer in stem_layers(tokens(nested))]
    assert names[-1] == "patches"
    assert not {"rows", "mlp", "tokens"} & set(names)


def test_the_backbone_is_found_in_any_classifier_around_one_model():
    images = keras.Input((32, 32, 3))
    backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    features = keras.layers.GlobalAveragePooling2D()(backbone(images))
    assert backbone_of(keras.Model(images, features)) is backbone
    with pytest.raises(ValueError, match="cannot be told"):
        backbone_of(backbone)


def test_a_stem_that_cannot_be_told_is_named():
    images = keras.Input((32, 32, 3))
    large = keras.Model(images, keras.layers.Conv2D(4, 3)(images))
    with pytest.raises(ValueError, match="smaller than a quarter"):
        stem_layers(large)

    class Subclassed(keras.Model):
        def call(self, images):
            return images

    with pytest.raises(ValueError, match="only a functional model"):
        stem_layers(Subclassed())
