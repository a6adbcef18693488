"""Labelled images, and batches of them worth relating."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package

if TYPE_CHECKING:
    from keras_rbi.datasets import typefaces
    from keras_rbi.datasets.augmentation import flip_and_rotate
    from keras_rbi.datasets.batches.image_sequence import ImageSequence
    from keras_rbi.datasets.batches.mixing import Mixing
    from keras_rbi.datasets.catalogue import available
    from keras_rbi.datasets.files.dataset_warning import DatasetWarning
    from keras_rbi.datasets.files.duplicates import Duplicate, find_duplicates
    from keras_rbi.datasets.files.hugging_face import from_hugging_face
    from keras_rbi.datasets.files.image_files import ImageFiles
    from keras_rbi.datasets.files.image_folder import ImageFolder
    from keras_rbi.datasets.files.lists import from_lists
    from keras_rbi.datasets.files.reading import read_image
    from keras_rbi.datasets.image_data import ImageData
    from keras_rbi.datasets.load import load
    from keras_rbi.datasets.typefaces import Typefaces

__all__ = [
    "DatasetWarning",
    "Duplicate",
    "ImageData",
    "ImageFiles",
    "ImageFolder",
    "ImageSequence",
    "Mixing",
    "Typefaces",
    "available",
    "find_duplicates",
    "flip_and_rotate",
    "from_hugging_face",
    "from_lists",
    "load",
    "read_image",
    "typefaces",
]

lazy_package(__name__)
