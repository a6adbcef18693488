"""Images of a data set that look most like others, by the features of a model's backbone."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.directions import directions
from keras_rbi.evaluation.pooled_features import pooled_model

BATCH = 32
# Images whose features are found, of all classes together: a minute or two on two cores.
MOST_IMAGES = 2000
LEAST_OF_A_CLASS = 10

Progress = Callable[[str, int, int], None]


def look_alikes(
    model: keras.Model,
    images: np.ndarray,
    classes: Sequence[Sequence[int]],
    data: ImageData,
    count: int = 3,
    most: int = MOST_IMAGES,
    progress: Progress = lambda *_: None,
) -> list[list[list[int]]]:
    """For each image, those of some classes in a data set that look most like it.

    They are compared by the cosine of pooled features, each of which is standardised over the
    images of the data set that are looked at.

    Args:
        model: A model of `keras_rbi.models`, or a functional classifier around a backbone.
        images: Array `(images, height, width, 3)` as the model takes it.
        classes: For each image the numbers of the classes that are asked for.
        data: The data set, of images of the same size.
        count: Integer, how many of each class at most. Defaults to `3`.
        most: Integer, how many images of the data are looked at, about the same number of each
            class that is asked for, at even distances; ten of each at least. Defaults to `2000`.
        progress: Called with `"look-alikes"` and the numbers of done and of all images. Defaults
            to nothing.

    Returns:
        For each image, and for each class that is asked for of it, the numbers of images in the
        data, the most alike first.

    Example:

    >>> data = keras_rbi.datasets.Typefaces("train", per_class=3, image_size=32)
    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.models.backbone_classifier(backbone, len(data.class_names))
    >>> images = data.image(7)[None]
    >>> found = keras_rbi.evaluation.look_alikes(model, images, [[7, 0]], data, count=2)
    >>> found[0][0][0], [len(numbers) for numbers in found[0]]
    (7, [2, 2])
    """
    asked = sorted({int(label) for row in classes for label in row})
    of_class = {label: _some(data, label, len(asked), most) for label in asked}
    numbers = np.concatenate([*of_class.values(), np.zeros(0, int)]).astype(int)
    if not len(numbers) or not len(images):
        return [[[] for _ in row] for row in classes]
    network = pooled_model(model)
    parts = []
    for begin in range(0, len(numbers), BATCH):
        batch = [data.image(int(number)) for number in numbers[begin : begin + BATCH]]
        parts.append(np.asarray(network.predict_on_batch(np.stack(batch)), "float32"))
        progress("look-alikes", begin + len(batch), len(numbers))
    features = np.concatenate(parts)
    own = [
        np.asarray(network.predict_on_batch(images[begin : begin + BATCH]), "float32")
        for begin in range(0, len(images), BATCH)
    ]
    cosines = directions(np.concatenate(own), features) @ directions(features).T
    places = {label: np.flatnonzero(np.isin(numbers, of_class[label])) for label in asked}
    return [
        [_nearest(row, numbers, places[int(label)], count) for label in labels]
        for row, labels in zip(cosines, classes, strict=True)
    ]


def _some(data: ImageData, label: int, classes: int, most: int) -> np.ndarray:
    members = np.flatnonzero(data.labels == label)
    share = max(LEAST_OF_A_CLASS, most // classes)
    if len(members) <= share:
        return members
    return members[np.linspace(0, len(members) - 1, share).round().astype(int)]


def _nearest(cosines: np.ndarray, numbers: np.ndarray, places: np.ndarray, count: int) -> list[int]:
    order = np.argsort(-cosines[places], kind="stable")[:count]
    return [int(number) for number in numbers[places[order]]]
