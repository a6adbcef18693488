"""Backbones: by name, and how to feed and pool any of them."""

from keras_rbi.backbones.get import available, get
from keras_rbi.backbones.small_cnn import SmallCNN

__all__ = ["SmallCNN", "available", "get"]
