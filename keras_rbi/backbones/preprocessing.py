"""The preprocessing that a backbone was trained with, found from the backbone."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_rbi.backbones import applications, hub
from keras_rbi.backbones.backbone_preprocessing import BackbonePreprocessing


def preprocessing_for(
    backbone: keras.Model, data_format: str | None = None
) -> BackbonePreprocessing | None:
    """The layer that prepares RGB images of 0..255 for a backbone.

    Args:
        backbone: A model. Those of `keras.applications`, of `keras_hub`, of `keras_cv` and of
            this package are known; others that start with a `Rescaling` or `Normalization`
            layer prepare images themselves.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to `None`,
            `keras.config.image_data_format()`.

    Returns:
        The layer, or `None` where images are to be fed as they are. Warns once where nothing is
        known about the backbone.
    """
    if backbone.name.startswith("efficientnetlite"):
        return BackbonePreprocessing("lite", data_format, name="preprocessing")
    if applications.is_application(backbone):
        return applications.preparation(backbone, data_format)
    if hub.is_hub_backbone(backbone):
        layer = hub.preparation(backbone)
        if layer is not None:
            return layer
    if applications.prepares_images_itself(backbone):
        _warn_of_fractions(backbone)
        return None
    if type(backbone).__module__.startswith("keras_cv."):
        # What its backbones do themselves with include_rescaling=True.
        return BackbonePreprocessing(
            data_format=data_format, scale=1 / 255, offset=0.0, name="preprocessing"
        )
    warnings.warn(
        f"Nothing is known about the images that the backbone {backbone.name!r} was trained on: it "
        "is fed raw images of 0..255. Pass `preprocessing=` to RBIModel: 'tf', 'torch' or 'caffe' "
        "as in keras.applications, a layer of your own, or None to feed raw images without this "
        "warning.",
        stacklevel=2,
    )
    return None


def _warn_of_fractions(backbone: keras.Model) -> None:
    """Warns of a model whose rescaling makes its images larger, which those of 0..255 need not."""
    first = next(layer for layer in backbone.layers if applications.prepares_images(layer))
    scale = float(np.max(getattr(first, "scale", 0.0)))
    if isinstance(first, keras.layers.Rescaling) and scale > 1.0:
        warnings.warn(
            f"The backbone {backbone.name!r} multiplies its images by {scale:g} at first, as one "
            "does that takes images of 0..1, and gets raw images of 0..255. Pass "
            "preprocessing=keras.layers.Rescaling(1 / 255), or None to feed raw images without "
            "this warning.",
            stacklevel=3,
        )


def preprocessing_layer(
    preprocessing: Any, backbone: keras.Model, data_format: str
) -> keras.layers.Layer | None:
    """The layer that the argument `preprocessing` of a model stands for, if any.

    Args:
        preprocessing: `"auto"`, a mode of `BackbonePreprocessing`, a layer, or `None`.
        backbone: The backbone.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        A layer from images of 0..255 to what the backbone takes; `None` to take images as they are.
    """
    if preprocessing is None or isinstance(preprocessing, keras.layers.Layer):
        return preprocessing
    if preprocessing == "auto":
        return preprocessing_for(backbone, data_format)
    return BackbonePreprocessing(preprocessing, data_format, name="preprocessing")
