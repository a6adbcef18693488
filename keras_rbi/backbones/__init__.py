"""Backbones: by name, and the features and preprocessing of any of them."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package

if TYPE_CHECKING:
    from keras_rbi.backbones.backbone_info import BackboneInfo
    from keras_rbi.backbones.backbone_preprocessing import BackbonePreprocessing
    from keras_rbi.backbones.catalogue import available
    from keras_rbi.backbones.efficientnet_lite import (
        EfficientNetLite0,
        EfficientNetLite1,
        EfficientNetLite2,
    )
    from keras_rbi.backbones.feature_extractor import FeatureExtractor
    from keras_rbi.backbones.get import find, get
    from keras_rbi.backbones.small_cnn import SmallCNN

__all__ = [
    "BackboneInfo",
    "BackbonePreprocessing",
    "EfficientNetLite0",
    "EfficientNetLite1",
    "EfficientNetLite2",
    "FeatureExtractor",
    "SmallCNN",
    "available",
    "find",
    "get",
]

_MOVED = {"Tap": "keras_rbi.backbones:FeatureExtractor"}

lazy_package(__name__, _MOVED)
