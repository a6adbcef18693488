"""Look-alikes by features that are plain to see through: the mean colours of images."""

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation import look_alikes

pytestmark = pytest.mark.usefixtures("untraced")
SIDE = 8


class Colours(ImageData):
    """Plain images of random colours, of three classes."""

    def __init__(self, count=60):
        rng = np.random.default_rng(0)
        self.colours = rng.integers(0, 256, (count, 3)).astype("uint8")
        self.labels = rng.integers(0, 3, count)
        self.class_names = ["a", "b", "c"]
        self.image_size = SIDE
        self.asked = set()

    def image(self, index):
        self.asked.add(index)
        return np.broadcast_to(self.colours[index], (SIDE, SIDE, 3))


@pytest.fixture(scope="module")
def model():
    """Its features are the mean colours."""
    pixels = keras.Input((SIDE, SIDE, 3))
    backbone = keras.Model(pixels, keras.layers.AveragePooling2D(2)(pixels), name="backbone")
    return keras_rbi.RBIModel(backbone, num_classes=3, preprocessing=None)


def test_they_are_the_nearest_of_their_class(model):
    data = Colours()
    colours = np.random.default_rng(1).integers(0, 256, (4, 3)).astype("uint8")
    images = np.broadcast_to(colours[:, None, None], (4, SIDE, SIDE, 3))
    classes = [[0, 1], [1, 2], [2, 0], [0]]
    found = look_alikes(model, images, classes, data, count=4)
    used = data.colours.astype("float64")
    scaled = [(each - used.mean(0)) / used.std(0) for each in (colours.astype("float64"), used)]
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in scaled]
    for row, labels, numbers in zip(unit[0] @ unit[1].T, classes, found, strict=True):
        for label, nearest in zip(labels, numbers, strict=True):
            members = [n for n in np.argsort(-row) if data.labels[n] == label]
            assert nearest == members[:4]


def test_of_many_images_some_are_looked_at(model):
    data = Colours(300)
    images = np.zeros((1, SIDE, SIDE, 3), "uint8")
    ((nearest, none),) = look_alikes(model, images, [[1, 0]], data, count=500, most=50)
    assert len(nearest) == len(none) == 25
    assert data.asked == {*nearest, *none}
    assert set(data.labels[nearest]) == {1}
    data.labels[:] = 2
    assert look_alikes(model, images, [[1, 0]], data) == [[[], []]]
