"""Heads on a frozen backbone: its features are computed once for each image.

What a frozen backbone gives does not change from epoch to epoch, nor from peer to peer: the head
is trained as by `keras-rbi train --freeze backbone` (but for dropout in the backbone, which is
off), in seconds. It takes images that are not augmented.
"""

import functools

import keras
import numpy as np

from keras_rbi import backbones
from keras_rbi.backbones.feature_extractor import FeatureExtractor, image_input
from keras_rbi.backbones.preprocessing import preprocessing_for
from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.training import TrainingSettings
from keras_rbi.training.feature_head import FeatureSequence, Head

BATCH = 64


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
