"""Each photograph with what a model says of it, where it looks, and what it has learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.explanations.grad_cam import grad_cam
from keras_rbi.explanations.image_batch import ImageBatch
from keras_rbi.figures.html_report import Card, Gallery, Picture
from keras_rbi.figures.image_panels import overlay
from keras_rbi.figures.thumbnail import thumbnail

# Classes of which a card tells; those below the least probability only where there is one alone.
CLASSES, LEAST = 3, 0.005
# Bars: so many at most, and of those after the second no empty ones.
SHARES, SHOWN_SHARE = 5, 0.001
# Sides in pixels of what is stored, and at which look-alikes are shown.
LARGE, SMALL, SHOWN = 320, 128, 84


@dataclass(frozen=True)
class LookAlikes:
    """Images of a data set for each photograph, and for each class that its card tells of.

    Attributes:
        data: The data set.
        numbers: Numbers of its images, the most alike first.
    """

    data: ImageData
    numbers: list[list[list[int]]]


def classes_to_tell(probabilities: np.ndarray, labels: np.ndarray) -> list[list[int]]:
    """The classes that each card tells of: the likeliest, and the image's own.

    Args:
        probabilities: Array of shape `(images, classes)`.
        labels: Integers, shape `(images,)`, -1 where the class is not known.

    Returns:
        Numbers of classes for each image, the likeliest first.

    Example:

    >>> from keras_rbi.figures.photograph_cards import classes_to_tell
    >>> classes_to_tell(np.array([[0.2, 0.79, 0.006, 0.004], [0.0, 1.0, 0.0, 0.0]]), [3, -1])
    [[1, 0, 2, 3], [1]]
    """
    found = []
    for row, label in zip(probabilities, labels, strict=True):
        first, *others = (int(n) for n in np.argsort(-row, kind="stable")[:CLASSES])
        told = [first, *(number for number in others if row[number] >= LEAST)]
        found.append(told if label < 0 or label in told else [*told, int(label)])
    return found


def photograph_cards(
    model: keras.Model,
    images: ImageBatch,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    method: str,
    batch_size: int,
    alike: LookAlikes | None,
) -> list[Card]:
    """A card for each image.

    Args:
        model: The model.
        images: The images.
        probabilities: What it says of them, shape `(images, classes)`.
        class_names: Names of the classes.
        method: As in `grad_cam`.
        batch_size: How many images are explained at once.
        alike: For each image, images of the classes of `classes_to_tell`; or `None`.
    """
    best = probabilities.argmax(-1)
    maps = np.concatenate(
        [
            grad_cam(model, images.pixels[rows], best[rows], method=method)
            for rows in np.split(np.arange(len(images)), range(batch_size, len(images), batch_size))
        ]
    )
    told = classes_to_tell(probabilities, images.labels)
    cards = []
    for number, name in enumerate(images.names):
        row, label = probabilities[number], int(images.labels[number])
        pictures = [thumbnail(images.pixels[number], name, LARGE, caption="the photograph")]
        pictures.append(_map(images.pixels[number], maps[number], name, class_names[best[number]]))
        order = [int(each) for each in np.argsort(-row, kind="stable")[:SHARES]]
        shown = [each for place, each in enumerate(order) if place < 2 or row[each] >= SHOWN_SHARE]
        galleries = (
            []
            if alike is None
            else [
                _look_alikes(alike.data, label, numbers, class_names)
                for label, numbers in zip(told[number], alike.numbers[number], strict=True)
            ]
        )
        cards.append(
            Card(
                name,
                mark=None if label < 0 else bool(label == best[number]),
                text=_truth(row, label, class_names),
                pictures=pictures,
                shares=[(class_names[each], float(row[each])) for each in shown],
                galleries=galleries,
            )
        )
    return cards


def _truth(row: np.ndarray, label: int, class_names: Sequence[str]) -> str:
    if label < 0:
        return ""
    place = 1 + int(np.sum(row > row[label]))
    text = f"It is of the class {class_names[label]}"
    return f"{text}." if place == 1 else f"{text}, which comes in place {place}."


def _map(pixels: np.ndarray, map_: np.ndarray, name: str, class_name: str) -> Picture:
    if not map_.any():
        return Picture(None, "", f"Nothing in it speaks for {class_name}: there is no map.")
    caption = f"bright: what speaks for {class_name}"
    return thumbnail(overlay(pixels, map_), f"{name}, {caption}", LARGE, caption=caption)


def _look_alikes(
    data: ImageData, label: int, numbers: Sequence[int], class_names: Sequence[str]
) -> Gallery:
    pictures = pictures_of(data, numbers) or [Picture(None, "none in the training images")]
    return Gallery("Nearest training images of", pictures, class_names[label])


def pictures_of(data: ImageData, numbers: Sequence[int]) -> list[Picture]:
    """Small images of a data set, with their files and classes as text."""
    files = getattr(data, "files", None)
    names = [f"image {number}" if files is None else files[number] for number in numbers]
    return [
        thumbnail(
            data.image(number), f"{name}, {data.class_names[data.labels[number]]}", SMALL, SHOWN
        )
        for number, name in zip(numbers, names, strict=True)
    ]
