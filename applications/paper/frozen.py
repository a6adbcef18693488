"""Heads on a frozen backbone: its features are computed once for each image.

What a frozen backbone gives does not change from epoch to epoch, nor from peer to peer: the head
is trained as by `keras-rbi train --freeze backbone` (but for dropout in the backbone, which is
off), in seconds. It takes images that are not augmented.
"""

import functools
from typing import Any

import keras
import numpy as np

from keras_rbi import backbones
from keras_rbi.backbones.feature_extractor import FeatureExtractor, image_input
from keras_rbi.backbones.preprocessing import preprocessing_for
from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.models.trains_two_streams import TwoStreamsLoss
from keras_rbi.training import TrainingSettings

BATCH = 64


class Head(TwoStreamsLoss, keras.Model):
    """What stands on the backbone, as a model of its own; its layers are those of the whole.

    Args:
        whole: A model of `peers.build`. Images are taken where its images relate.
    """

    def __init__(self, whole: RelationalClassifier) -> None:
        super().__init__()
        self.whole = whole
        self.two_streams = getattr(whole, "two_streams", False)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """From `[images, features]`, or features of images that do not relate, to predictions."""
        images, features = inputs if isinstance(inputs, (list, tuple)) else (None, inputs)
        embedded = self.whole.embed_maps(features, training)
        related = self.whole.relate(embedded, images, training=training)
        return self.whole.classify(related, training)


class Numbers(ImageData):
    """The numbers of a data set's images in place of the images: an order can be told by them."""

    def __init__(self, data: ImageData) -> None:
        self.labels, self.class_names = data.labels, data.class_names
        self.image_size = data.image_size

    def image(self, index: int) -> Any:
        return np.int64(index)


def orders_of(images: ImageSequence) -> ImageSequence:
    """Batches of the numbers of images, in the order in which a sequence gives the images."""
    return ImageSequence(
        Numbers(images.data),
        images.batch_size,
        images.shuffle,
        images.seed,
        one_hot=images.one_hot,
        workers=0,
        sampling=images.sampling,
        classes_per_batch=images.classes_per_batch,
        images_per_class=images.images_per_class,
    )


class FeatureSequence(keras.utils.PyDataset):
    """The batches of an `ImageSequence`, with known features beside or instead of the images.

    Args:
        images: The images, in any order.
        features: Features of all images, in the order of the data.
        with_images: Whether the images are wanted too.
    """

    def __init__(self, images: ImageSequence, features: np.ndarray, with_images: bool) -> None:
        super().__init__(workers=1)
        if images.augment is not None or images.mix is not None:
            raise ValueError(
                "Features are known for images as they are. Received: images that are augmented "
                "or mixed. Train with augment='none', or do not freeze the backbone."
            )
        self.data, self.features, self.with_images = images.data, features, with_images
        self.order = orders_of(images)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> Any:
        numbers, labels = self.order[index][:2]
        features = self.features[numbers]
        if not self.with_images:
            return features, labels
        return (np.stack([self.data.image(int(n)) for n in numbers]), features), labels

    def on_epoch_end(self) -> None:
        """Moves on to the next epoch; Keras calls it."""
        self.order.on_epoch_end()


def train_head(
    model: keras.Model, images: ImageSequence, features: np.ndarray, epochs: int
) -> None:
    """Trains what stands on the frozen backbone of a compiled model.

    Args:
        model: A model that `compile_stage` has compiled with a frozen backbone. Its weights are
            trained.
        images: The training images.
        features: Their features, in the order of the data.
        epochs: Number of epochs.
    """
    head = Head(model)
    optimizer = model.optimizer
    head.compile(
        type(optimizer).from_config(optimizer.get_config()), model.loss, metrics=["accuracy"]
    )
    batches = FeatureSequence(images, features, model.relations is not None)
    head.fit(batches, shuffle=False, epochs=epochs, verbose=0)


@functools.lru_cache(maxsize=1)
def _map_model(backbone: str, weights: str, image_size: int) -> keras.Model:
    extractor = FeatureExtractor(backbones.get(backbone, weights=weights, image_size=image_size))
    images = keras.Input(image_input(extractor.backbone).shape[1:])
    prepare = preprocessing_for(extractor.backbone, extractor.data_format)
    return keras.Model(images, extractor.features(images if prepare is None else prepare(images)))


def features_of(settings: TrainingSettings, data: ImageData) -> np.ndarray:
    """The features that the backbone of a run gives, before any training.

    Args:
        settings: Resolved settings with pretrained weights.
        data: The images.

    Returns:
        Array `(images, features)`, in the order of the data.
    """
    map_model = _map_model(settings.backbone, settings.weights, settings.image_size)
    parts = [
        np.stack([data.image(number) for number in range(begin, min(begin + BATCH, len(data)))])
        for begin in range(0, len(data), BATCH)
    ]
    return np.concatenate([np.asarray(map_model.predict_on_batch(part)) for part in parts])
