"""Labelled images, and batches of them worth relating."""

from keras_rbi.datasets import typefaces
from keras_rbi.datasets.augmentation import flip_and_rotate
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.datasets.image_folder import ImageFolder
from keras_rbi.datasets.image_sequence import ImageSequence
from keras_rbi.datasets.mixing import Mixing
from keras_rbi.datasets.reading import read_image
from keras_rbi.datasets.typefaces import Typefaces

__all__ = [
    "ImageData",
    "ImageFolder",
    "ImageSequence",
    "Mixing",
    "Typefaces",
    "flip_and_rotate",
    "read_image",
    "typefaces",
]
