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
    return _features(pooled_model(model), data, name, progress)


def pooled_model(model: keras.Model) -> keras.Model:
    """The model from images, as `model` takes them, to the pooled features of its backbone.

    Args:
        model: As in `pooled_features`.
    """
    asked = classifier_of(model)
    images = keras.Input(model.input_shape[1:], name="images")
    return keras.Model(images, asked.extractor.features(asked.preprocess(images)))


def stage_features(
    model: keras.Model, data: ImageData, name: str, progress: Progress = lambda *_: None
) -> np.ndarray:
    """Means of the maps of every stage of a backbone, side by side.

    The last stage knows what the pretraining has asked for; the ones before, strokes and textures
    that tell classes apart which it has never seen. A backbone whose stages cannot be seen gives
    its pooled features alone.

    Args:
        model: As in `pooled_features`.
        data: As in `pooled_features`.
        name: As in `pooled_features`.
        progress: As in `pooled_features`. Defaults to nothing.

    Returns:
        float32 array of shape `(images, features)`, in the order of the data.
    """
    asked = classifier_of(model)
    extractor = asked.extractor
    try:
        stages = extractor.stages()
    except ValueError:
        return pooled_features(model, data, name, progress)
    # The last may be tokens, with a class token to pool by; the others are maps, or lie within.
    pooled = [extractor.pool(stage) for stage in stages[:-1]]
    backbone = extractor.backbone
    within = keras.Model(backbone.input, [*pooled, extractor.pool(backbone.output)])
    images = keras.Input(model.input_shape[1:], name="images")
    # Some backbones take a dictionary of one image.
    inputs = keras.tree.pack_sequence_as(within.input, [asked.preprocess(images)])
    network = keras.Model(images, keras.ops.concatenate(within(inputs), -1))
    return _features(network, data, name, progress)


def _features(network: keras.Model, data: ImageData, name: str, progress: Progress) -> np.ndarray:
    parts = []
    for begin in range(0, len(data), BATCH):
        end = min(begin + BATCH, len(data))
        batch = np.stack([data.image(number) for number in range(begin, end)])
        parts.append(np.asarray(network.predict_on_batch(batch), "float32"))
        progress(name, end, len(data))
    return np.concatenate(parts)
