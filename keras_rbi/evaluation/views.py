"""Test-time views: one prediction from an image and from versions of it."""

from collections.abc import Callable

import keras
import numpy as np

from keras_rbi.datasets.augmentation import PAPER, Augment, augmentation
from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.evaluation.classification_scores import probabilities_of
from keras_rbi.evaluation.observation_probabilities import observation_probabilities
from keras_rbi.models.head_activation import head_activation

Predict = Callable[[np.ndarray], np.ndarray]


def predict_views(
    predict: Predict, views: int, augment: str | Augment = PAPER, seed: int = 0
) -> Predict:
    """A function that predicts from several views of each image.

    The first view is the image as it is, the others are drawn as images are augmented in training.
    A prediction is the mean of the log-probabilities of the views, as of several photographs of one
    thing. The k-th views of all images are drawn alike, so that an image's prediction does not
    depend on the others; they are predicted together, as many at once as there are images.

    Args:
        predict: Function of uint8 images `(batch, height, width, 3)` that gives probabilities
            `(batch, classes)`.
        views: Integer, at least 1. It takes as many times as long.
        augment: `"paper"`, `"torchvision"`, `"randaugment"` or a function, as for `ImageSequence`.
            Defaults to `"paper"`: flips and rotations.
        seed: Integer, of the views. Defaults to `0`.

    Returns:
        A function like `predict`.

    Raises:
        ValueError: If `views` is less than 1, or if there is no such augmentation.

    Example:

    >>> def predict(images):
    ...     return images[:, 0, :1, :2].mean(1) / 255
    >>> mirror = lambda image, rng: image[:, ::-1]
    >>> images = np.zeros((1, 1, 2, 3), "uint8")
    >>> images[0, 0, 0, 0] = images[0, 0, 1, 1] = 255
    >>> two = keras_rbi.evaluation.predict_views(predict, views=2, augment=mirror)
    >>> two(images).round(3).tolist()
    [[0.5, 0.5]]
    """
    drawn = augmentation(augment)
    if views < 1 or drawn is None:
        raise ValueError(
            "There must be at least 1 view, and an augmentation that draws the others. Received: "
            f"views={views} and augment={augment!r}."
        )

    def predict_each(images: np.ndarray) -> np.ndarray:
        found = [predict(images)]
        for view in range(1, views):
            moved = [drawn(image, np.random.default_rng([seed, view])) for image in images]
            found.append(predict(np.stack(moved)))
        return observation_probabilities(np.stack(found, 1)) if views > 1 else found[0]

    return predict_each


def accuracy_of_views(
    model: keras.Model, test: ImageSequence, views: int, augment: str | Augment = PAPER
) -> float:
    """Top-1 accuracy of predictions from several views of each image, from 0 to 1.

    Args:
        model: A classifier of images of 0..255.
        test: The images and their labels.
        views: As in `predict_views`.
        augment: As in `predict_views`. Defaults to `"paper"`.
    """
    activation = head_activation(model)

    def predict(images: np.ndarray) -> np.ndarray:
        return probabilities_of(model.predict_on_batch(images), activation)

    of_views = predict_views(predict, views, augment)
    right = count = 0
    for number in range(len(test)):
        images, labels = test[number][:2]
        right += int(np.sum(of_views(images).argmax(-1) == labels))
        count += len(labels)
    return right / count
