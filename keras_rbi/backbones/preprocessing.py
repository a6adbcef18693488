"""How a backbone must be fed, told from the backbone."""

import warnings

import keras

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
