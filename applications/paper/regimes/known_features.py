"""Features of a frozen backbone, and its images, extracted once to a file."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import keras
import numpy as np

from keras_rbi import backbones
from keras_rbi.atomic_write import atomic_write
from keras_rbi.backbones.preprocessing import preprocessing_for
from keras_rbi.datasets import Typefaces

CLASSES = 22
IMAGE_SIZE = 96
# Of EfficientNet-Lite0. A linear classifier of its pooled maps gets 69 % of validation images, of
# the last maps 40 %: typefaces are far from ImageNet.
LAYER = "block4c_add"
WIDTH = 80
BATCH = 64


@dataclass(frozen=True)
class KnownFeatures:
    """Images of a split with their features, the classes in turn.

    Attributes:
        features: Shape `(images, WIDTH)`.
        images: Grey, uint8 of shape `(images, side, side, 1)`. The typefaces have three equal
            channels, and relations are means over channels: one gives the same.
        labels: Shape `(images,)`.
    """

    features: np.ndarray
    images: np.ndarray
    labels: np.ndarray

    def first(self, per_class: int) -> "KnownFeatures":
        """The first images of each class."""
        count = per_class * CLASSES
        return KnownFeatures(self.features[:count], self.images[:count], self.labels[:count])


@cache
def _pooled() -> keras.Model:
    """EfficientNet-Lite0 with ImageNet weights up to `LAYER`, with its map averaged."""
    backbone = backbones.get("EfficientNetLite0", weights="imagenet", image_size=IMAGE_SIZE)
    prepare = preprocessing_for(backbone, "channels_last")
    images = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3))
    frozen = keras.Model(backbone.input, backbone.get_layer(LAYER).output)
    maps = frozen(images if prepare is None else prepare(images))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(maps))


def known_features(folder: Path, split: str, per_class: int, seed: int) -> KnownFeatures:
    """Reads features, after extracting those that the file of a split lacks.

    Args:
        folder: Where the files lie.
        split: `"train"`, `"validation"` or `"test"`.
        per_class: Images of each class. Of more images the first are those of fewer.
        seed: That of the images.

    Returns:
        A `KnownFeatures`.
    """
    file = folder / f"{split}-{seed}.npz"
    features = np.zeros((0, WIDTH), "float32")
    images = np.zeros((0, IMAGE_SIZE, IMAGE_SIZE, 1), "uint8")
    if file.is_file():
        with np.load(file) as known:
            features, images = known["features"], known["images"]
    data = Typefaces(split, per_class, IMAGE_SIZE, seed=seed)
    if len(features) < len(data):
        parts, pictures = [features], [images]
        for begin in range(len(features), len(data), BATCH):
            numbers = range(begin, min(begin + BATCH, len(data)))
            batch = np.stack([data.image(number) for number in numbers])
            parts.append(np.asarray(_pooled().predict_on_batch(batch)))
            pictures.append(batch[..., :1])
        features, images = np.concatenate(parts), np.concatenate(pictures)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as temporary:
            np.savez(temporary, features=features, images=images)
    labels = np.tile(np.arange(CLASSES), len(features) // CLASSES)
    return KnownFeatures(features, images, labels).first(per_class)
