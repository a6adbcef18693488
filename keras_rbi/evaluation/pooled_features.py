"""Pooled features of a data set's images, as the backbone of a model gives them."""

from collections.abc import Callable

import keras
import numpy as np

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.models.keras_classifier import classifier_of

BATCH = 32

Progress = Callable[[str, int, int], None]


def pooled_features(
    model: keras.Model, data: ImageData, name: str, progress: Progress = lambda *_: None
) -> np.ndarray:
    """Pooled features of the images of a data set, as the backbone of a model gives them.

    Args:
        model: A model of `keras_rbi.models`, or a functional classifier around a backbone.
        data: The images, of the size that the model takes.
        name: What to call them in `progress`.
        progress: Called with that name and the numbers of done and of all images. Defaults to
            nothing.

    Returns:
        float32 array of shape `(images, features)`, in the order of the data.
    """
    asked = classifier_of(model)
    images = keras.Input(model.input_shape[1:], name="images")
    network = keras.Model(images, asked.extractor.features(asked.preprocess(images)))
    parts = []
    for begin in range(0, len(data), BATCH):
        end = min(begin + BATCH, len(data))
        batch = np.stack([data.image(number) for number in range(begin, end)])
        parts.append(np.asarray(network.predict_on_batch(batch), "float32"))
        progress(name, end, len(data))
    return np.concatenate(parts)
