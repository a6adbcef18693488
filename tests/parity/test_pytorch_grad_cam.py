"""Class activation maps of a conventional model against those of pytorch-grad-cam."""

import importlib
import importlib.util
import sys
from unittest import mock

import keras
import numpy as np
import pytest
from keras import layers

from keras_rbi.explanations import grad_cam

if keras.config.backend() != "torch":
    pytest.skip("pytorch-grad-cam explains models of PyTorch", allow_module_level=True)
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
if importlib.util.find_spec("pytorch_grad_cam") is None:
    pytest.skip("pytorch-grad-cam is not installed", allow_module_level=True)

SIDE, CLASSES = 16, 3
METHODS = {"grad_cam": "GradCAM", "hires_cam": "HiResCAM", "layer_cam": "LayerCAM"}


@pytest.fixture(scope="module")
def peer():
    """The package; what it wants of torchvision is not for the maps."""
    absent = {}
    if importlib.util.find_spec("torchvision") is None:
        names = ("", ".ops", ".transforms", ".transforms.functional")
        absent = {f"torchvision{name}": mock.MagicMock() for name in names}
    with mock.patch.dict(sys.modules, absent):
        return importlib.import_module("pytorch_grad_cam")


class Lower(torch.nn.Module):
    """Images, channels first, to the maps."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        return self.model(images.permute(0, 2, 3, 1))


class Whole(torch.nn.Module):
    """Images to scores, with the maps passing through a module of their own."""

    def __init__(self, lower, upper):
        super().__init__()
        self.lower, self.upper = Lower(lower), upper

    def forward(self, images):
        return self.upper([images.permute(0, 2, 3, 1), self.lower(images)])


def conventional():
    keras.utils.set_random_seed(0)
    images = keras.Input((SIDE, SIDE, 3))
    scaled = layers.Rescaling(1 / 127.5, -1)(images)
    first = layers.Conv2D(4, 3, strides=2, padding="same", activation="tanh")(scaled)
    second = layers.Conv2D(4, 3, padding="same", activation="tanh", name="second")(first)
    both = layers.Add()([first, second])
    last = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="last")(both)
    rows = layers.GlobalAveragePooling2D()(last)
    return keras.Model(images, layers.Dense(CLASSES, "softmax", name="classifier")(rows))


def normalised(maps):
    low, high = (each(maps, axis=(1, 2), keepdims=True) for each in (np.min, np.max))
    return (maps - low) / (high - low)


@pytest.mark.parametrize("layer", ["second", "last"])
@pytest.mark.parametrize("method", METHODS)
def test_the_maps_are_those_of_the_peer(peer, method, layer):
    model = conventional()
    images = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3)).astype("float32")
    classes = [2, 0, 1, 1]
    found = grad_cam(model, images, classes, layer=layer, method=method)

    place = model.get_layer(layer).output
    lower = keras.Model(model.input, place)
    # Scores before the softmax, as ours are.
    model.get_layer("classifier").activation = None
    whole = Whole(lower, keras.Model([model.input, place], model.output))
    target = peer.utils.model_targets.ClassifierOutputTarget
    explain = getattr(peer, METHODS[method])(
        whole, [whole.lower], reshape_transform=lambda maps: maps.permute(0, 3, 1, 2)
    )
    channels_first = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    expected = explain(channels_first, [target(number) for number in classes])
    assert (normalised(expected).std((1, 2)) > 0.05).all()
    np.testing.assert_allclose(normalised(found), normalised(expected), atol=1e-4)
