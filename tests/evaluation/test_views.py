"""Predictions from several views of an image, against the formula by hand."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_rbi
from keras_rbi.evaluation import accuracy_of_views, classify_files, predict_views
from keras_rbi.training import RunFolder, TrainingSettings, augmentation_for_views


def shares(images):
    """Red and green of an image's first column, as probabilities."""
    first = images[:, :, 0, :2].astype("float64").mean(1) + 1.0
    return first / first.sum(1, keepdims=True)


def mirror(image, rng):
    return image[:, ::-1]


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)


def test_a_prediction_is_the_geometric_mean_of_those_of_the_views(images):
    found = predict_views(shares, 3, mirror)(images)
    # The image once, and its mirror image twice.
    product = shares(images) * shares(images[:, :, ::-1]) ** 2
    expected = np.cbrt(product) / np.cbrt(product).sum(1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("augment", ["paper", "torchvision", "randaugment"])
def test_a_prediction_stands_alone_and_comes_again(images, augment):
    predict = predict_views(shares, 4, augment)
    together = predict(images)
    np.testing.assert_array_equal(predict(images), together)
    np.testing.assert_array_equal(predict(images[3:4]), together[3:4])
    assert np.abs(together - shares(images)).max() > 1e-3


def test_one_view_is_the_image(images):
    np.testing.assert_array_equal(predict_views(shares, 1)(images), shares(images))
    with pytest.raises(ValueError, match="at least 1 view"):
        predict_views(shares, 0)


def test_files_and_accuracy_go_by_the_same_views(images, tmp_path):
    keras.utils.set_random_seed(0)
    model = keras_rbi.models.BackboneClassifier(
        keras_rbi.backbones.get("SmallCNN", image_size=16), class_names=["a", "b"]
    )
    large = np.random.default_rng(1).integers(0, 256, (6, 16, 16, 3), np.uint8)
    for number, image in enumerate(large):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    each = predict_views(lambda rows: model.predict(rows, verbose=0), 3)(large)
    found = [one.probabilities for one in classify_files(model, tmp_path, views=3)]
    np.testing.assert_allclose(found, each, atol=1e-6)
    labels = each.argmax(1)
    labels[0] = 1 - labels[0]
    data = keras_rbi.datasets.ImageSequence(Arrays(large, labels), 4, shuffle=False)
    assert accuracy_of_views(model, data, 3) == pytest.approx(5 / 6)


class Arrays(keras_rbi.datasets.ImageData):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels
        self.class_names, self.image_size = ["a", "b"], 16

    def image(self, index):
        return self.images[index]


def test_views_are_drawn_as_a_run_augmented(tmp_path):
    assert augmentation_for_views(tmp_path / "model.keras") == "paper"
    for augment in ("torchvision", "none"):
        settings = TrainingSettings(augment=augment).resolved()
        RunFolder(tmp_path / augment).write_settings(settings, ["a"])
    assert augmentation_for_views(tmp_path / "torchvision") == "torchvision"
    with pytest.raises(ValueError, match=r"knows no other views of them\. Leave out --views"):
        augmentation_for_views(tmp_path / "none")
