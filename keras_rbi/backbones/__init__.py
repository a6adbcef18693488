"""Backbones: by name, and how to feed and pool any of them."""

from keras_rbi.backbones.efficientnet_lite import (
    EfficientNetLite0,
    EfficientNetLite1,
    EfficientNetLite2,
)
from keras_rbi.backbones.get import available, get
from keras_rbi.backbones.small_cnn import SmallCNN

__all__ = [
    "EfficientNetLite0",
    "EfficientNetLite1",
    "EfficientNetLite2",
    "SmallCNN",
    "available",
    "get",
]
