"""Backbones: by name, and how to feed and tap any of them."""

from keras_rbi.backbones.backbone_preprocessing import BackbonePreprocessing
from keras_rbi.backbones.catalogue import BackboneInfo, available
from keras_rbi.backbones.efficientnet_lite import (
    EfficientNetLite0,
    EfficientNetLite1,
    EfficientNetLite2,
)
from keras_rbi.backbones.get import find, get
from keras_rbi.backbones.small_cnn import SmallCNN
from keras_rbi.backbones.tap import Tap

__all__ = [
    "BackboneInfo",
    "BackbonePreprocessing",
    "EfficientNetLite0",
    "EfficientNetLite1",
    "EfficientNetLite2",
    "SmallCNN",
    "Tap",
    "available",
    "find",
    "get",
]
