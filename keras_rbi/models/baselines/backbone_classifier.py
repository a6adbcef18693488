"""The backbone with a classifier alone: what RBI is compared with."""

from typing import Any

import keras

from keras_rbi.backbones.preprocessing import preprocessing_for
from keras_rbi.backbones.tap import Tap, image_input


def backbone_classifier(
    backbone: keras.Model, num_classes: int, name: str = "backbone_alone"
) -> keras.Model:
    """Builds a classifier over a backbone, fed and pooled as in `RBIModel`.

    Args:
        backbone: As for `RBIModel`.
        num_classes: Integer.
        name: Name of the model. Defaults to `"backbone_alone"`.

    Returns:
        A `keras.Model` from images of 0..255 to probabilities `(batch, num_classes)`.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> keras_rbi.models.backbone_classifier(backbone, num_classes=5).output_shape
    (None, 5)
    """
    tap = Tap(backbone)
    images = keras.Input(image_input(tap.backbone).shape[1:], name="images")
    preprocessing = preprocessing_for(tap.backbone, tap.data_format)
    prepared: Any = images if preprocessing is None else preprocessing(images)
    classifier = keras.layers.Dense(
        num_classes, activation="softmax", dtype="float32", name="classifier"
    )
    outputs = classifier(tap.features(prepared))
    return keras.Model(images, outputs, name=name)
