"""Observations: several images of one thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from keras_rbi._lazy import np


def images_of_observations(
    observations: Sequence[str], labels: np.ndarray
) -> dict[tuple[int, str], np.ndarray]:
    """The numbers of the images of each observation, by its class and its name.

    Things of several classes may have one name, as where each class counts its own.

    Args:
        observations: What each image is of.
        labels: Integers, shape `(images,)`.

    Returns:
        Dictionary of int64 arrays, in the order in which observations come first.
    """
    found: dict[tuple[int, str], list[int]] = defaultdict(list)
    for number, (label, name) in enumerate(zip(labels.tolist(), observations, strict=True)):
        found[label, name].append(number)
    return {key: np.array(numbers, np.int64) for key, numbers in found.items()}


def observation_numbers(observations: Sequence[str], labels: np.ndarray) -> np.ndarray:
    """The number of each image's observation, counted from 0 in the order in which they come.

    Args:
        observations: What each image is of.
        labels: Integers, shape `(images,)`.

    Returns:
        int64 array of shape `(images,)`.
    """
    found = np.empty(len(labels), np.int64)
    for number, members in enumerate(images_of_observations(observations, labels).values()):
        found[members] = number
    return found
