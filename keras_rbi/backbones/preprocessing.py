"""What images a backbone was trained on, told from the backbone."""

import re
import warnings
from typing import Any

import keras

from keras_rbi.layers.backbone_preprocessing import BackbonePreprocessing

# Names that keras.applications gives its models, and how their preprocess_input works. None:
# the model prepares the images itself.
MODE_BY_NAME: tuple[tuple[str, str | None], ...] = (
    (r"resnet\d+v2|inception_v3|inception_resnet_v2|xception|nasnet", "tf"),
    (r"mobilenet_\d|mobilenetv2_\d", "tf"),
    (r"densenet\d+", "torch"),
    (r"resnet\d+|vgg\d+", "caffe"),
    (r"efficientnet|convnext|mobilenetv3", None),
)


def preprocessing_for(backbone: keras.Model) -> BackbonePreprocessing | None:
    """The layer that prepares RGB images of 0..255 for a backbone.

    Args:
        backbone: A model. Those of `keras.applications` are known by their names; others that
            start with a `Rescaling` or `Normalization` layer prepare images themselves.

    Returns:
        The layer, or `None` where images are to be fed as they are. Warns once where nothing is
        known about the backbone.
    """
    for pattern, mode in MODE_BY_NAME:
        if re.match(pattern, backbone.name.lower()):
            return None if mode is None else BackbonePreprocessing(mode, name="preprocessing")
    if not _prepares_images_itself(backbone):
        warnings.warn(
            f"Nothing is known about the images that the backbone {backbone.name!r} was trained "
            "on: it is fed raw images of 0..255. Pass `preprocessing=` to RBIModel: 'tf', "
            "'torch' or 'caffe' as in keras.applications, a layer of your own, or None to feed "
            "raw images without this warning.",
            stacklevel=2,
        )
    return None


def _prepares_images_itself(backbone: Any) -> bool:
    preparations = (keras.layers.Rescaling, keras.layers.Normalization, BackbonePreprocessing)
    return any(isinstance(layer, preparations) for layer in backbone.layers[:4])
