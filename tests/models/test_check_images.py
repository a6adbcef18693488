"""Images of another shape than a model takes are refused in a line, on every way into it."""

import keras
import numpy as np
import pytest

import keras_rbi

LABELS = np.array([0, 1])


def images(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


@pytest.fixture(scope="module")
def model():
    return keras_rbi.RBIModel(keras_rbi.backbones.SmallCNN((8, 8, 3), widths=(4,)), num_classes=2)


@pytest.mark.parametrize(
    "shape", [(2, 9, 9, 3), (2, 8, 8, 1), (2, 8, 8, 4), (2, 8, 8), (8, 8, 3), (2, 3, 8, 8)], ids=str
)
def test_images_of_another_shape_are_refused(model, shape):
    given = images(*shape)
    said = r"takes a batch of images of shape \(8, 8, 3\)\. Received: shape"
    # Of most, Keras itself tells.
    with pytest.raises(ValueError, match=f"{said}|expected shape=.*, found shape="):
        model(given)
    for ask in (model.predict, lambda x: model.evaluate(x, LABELS)):
        with pytest.raises(ValueError, match=said):
            ask(given)
    with pytest.raises(ValueError, match=said):
        model.fit(given, LABELS)
    with pytest.raises(ValueError, match=said):
        model.predict({"images": given, "mask": np.ones(len(given), bool)})
    with pytest.raises(ValueError, match=said):
        model.add_classes(given, [0] * len(given))


def test_no_image_is_refused(model):
    with pytest.raises(ValueError, match="There is no image"):
        model.predict(images(0, 8, 8, 3))


def test_a_model_of_open_sizes_takes_any():
    backbone = keras_rbi.backbones.SmallCNN((None, None, 3), widths=(4,))
    model = keras_rbi.RBIModel(backbone, num_classes=2)
    for side in (8, 9):
        assert model(images(2, side, side, 3)).shape == (2, 2)


def test_predicted_images_of_0_to_1_get_a_warning(model, monkeypatch):
    monkeypatch.setattr(keras.Model, "predict", lambda *args, **kwargs: None)
    with pytest.warns(UserWarning, match=r"pixels of 0\.\.255"):
        model.predict(images(2, 8, 8, 3) / 255.0)


@pytest.mark.parametrize("name", ["rpe", "rra"])
def test_relation_layers_are_layers(name):
    backbone = keras_rbi.backbones.SmallCNN((8, 8, 3), widths=(4,))
    for value in (name, 32, getattr(keras_rbi, name.upper())):
        with pytest.raises(ValueError, match=f"`{name}` must be a layer"):
            keras_rbi.RBIModel(backbone, num_classes=2, **{name: value})
