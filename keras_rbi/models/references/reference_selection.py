"""Which images of a data set are kept as references."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_rbi.models.batches import labels_of, to_numpy

SELECTIONS = ("random", "herding", "confusable")
# Images of a class that herding and confusable choose among: enough to choose from, few enough to
# be held and run through the backbone at once.
CANDIDATES = 32


def sample_of_each_class(
    batches: Iterable[Any], num_classes: int, count: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray]:
    """A random sample of the images of each class, in one pass over data of any length.

    Every image of a class is as likely to be in it as every other (Vitter's algorithm R).

    Args:
        batches: Batches `(images, labels)`, labels as integers or as one-hot rows.
        num_classes: Integer, number of classes.
        count: Integer, images of each class; a class that has fewer gives all of them.
        rng: NumPy random generator.

    Returns:
        The images, class by class, and their labels, int64 of shape `(images,)`.

    Raises:
        ValueError: If labels are not classes, or if there is no image.
    """
    samples: list[list[np.ndarray]] = [[] for _ in range(num_classes)]
    seen = np.zeros(num_classes, int)
    for batch in batches:
        labels = class_numbers(labels_of(batch), num_classes)
        for image, label in zip(to_numpy(batch[0]), labels, strict=True):
            sample = samples[label]
            seen[label] += 1
            place = len(sample) if len(sample) < count else int(rng.integers(seen[label]))
            if place < count:
                # A copy: a slice would keep its whole batch in memory.
                sample[place : place + 1] = [np.array(image)]
    images = [image for sample in samples for image in sample]
    if not images:
        raise ValueError("There are no images to take references from: the data is empty.")
    return images, np.repeat(np.arange(num_classes), [len(sample) for sample in samples])


def class_numbers(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Labels as integers.

    Args:
        labels: Integers of shape `(images,)` or `(images, 1)`, or one-hot rows of shape
            `(images, num_classes)`.
        num_classes: Integer, number of classes.

    Returns:
        int64 array of shape `(images,)`.

    Raises:
        ValueError: If they are not classes, or if an image has several.
    """
    if labels.ndim == 2 and labels.shape[1] == num_classes:
        if not np.all((labels == 0) | (labels == 1)) or np.any(labels.sum(axis=1) != 1):
            raise ValueError(
                "An image must have one class. Received: labels with rows other than a single 1 "
                "among zeros. Take data that is not mixed."
            )
        return np.argmax(labels, axis=1)
    numbers = labels.reshape(len(labels), -1)
    if numbers.shape[1] != 1 or np.any(numbers != np.floor(numbers)):
        raise ValueError(
            f"Labels must be integers or one-hot rows of {num_classes} classes. Received: "
            f"labels of shape {labels.shape} and dtype {labels.dtype}."
        )
    if numbers.min(initial=0) < 0 or numbers.max(initial=0) >= num_classes:
        raise ValueError(
            f"The labels do not fit the {num_classes} classes of the model. Received: labels from "
            f"{int(numbers.min())} to {int(numbers.max())}."
        )
    return numbers[:, 0].astype("int64")


def herding(features: np.ndarray, count: int) -> np.ndarray:
    """Chooses rows one by one so that their mean comes closest to the mean of all.

    Args:
        features: Array of shape `(rows, features)`.
        count: Integer, how many to choose.

    Returns:
        Positions of the chosen rows, in the order of choice.

    Reference:
        [Welling, 2009](https://doi.org/10.1145/1553374.1553517).
    """
    features = np.asarray(features, "float64")
    mean, total = features.mean(axis=0), np.zeros(features.shape[1])
    chosen: list[int] = []
    for number in range(1, min(count, len(features)) + 1):
        distances = np.linalg.norm(mean - (total + features) / number, axis=1)
        distances[chosen] = np.inf
        chosen.append(int(np.argmin(distances)))
        total += features[chosen[-1]]
    return np.array(chosen, int)


def confusable(scores: np.ndarray, label: int, count: int) -> np.ndarray:
    """Chooses rows of a class whose scores are closest to being taken for another class.

    Rows that are taken for it come before those that are not, whose labels may be mistakes.

    Args:
        scores: Array of shape `(rows, classes)`, probabilities or logits.
        label: Integer, the class of all of the rows.
        count: Integer, how many to choose.

    Returns:
        Positions of the chosen rows, the closest first.
    """
    others = np.delete(scores, label, axis=1).max(axis=1)
    margins = scores[:, label] - others
    return np.lexsort((np.abs(margins), margins < 0))[:count]
