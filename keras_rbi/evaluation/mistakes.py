"""Confusions: which classes a model takes for which."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

EXAMPLES = 6


@dataclass(frozen=True)
class ClassAccuracy:
    """One class: its number and name, its test images, and the share of them that is right."""

    label: int
    name: str
    images: int
    top1: float

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ConfusedPair:
    """Images of one class that are taken for another.

    Attributes:
        label: Number of their class.
        name: Its name.
        taken_for: Number of the class that the model gives.
        taken_for_name: Its name.
        images: How many there are.
        share: Their share of the class, from 0 to 1.
        examples: Numbers of some of them in the order of the data, the surest first.
    """

    label: int
    name: str
    taken_for: int
    taken_for_name: str
    images: int
    share: float
    examples: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {**asdict(self), "examples": list(self.examples)}


@dataclass(frozen=True)
class Mistakes:
    """Where a model is right and what it takes for what.

    Attributes:
        confusion: int64 array of shape `(classes, classes)`: entry `(i, j)` is the number of
            images of class i that are taken for class j.
        classes: A `ClassAccuracy` for each class that has images, in the order of the labels.
        confused: The `ConfusedPair`s with the most images first.
    """

    confusion: np.ndarray
    classes: tuple[ClassAccuracy, ...]
    confused: tuple[ConfusedPair, ...]

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {
            "classes": [one.as_dict() for one in self.classes],
            "confused": [pair.as_dict() for pair in self.confused],
            "confusion": self.confusion.tolist(),
        }


def mistakes(
    outputs: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str] | None = None,
    pairs: int = 10,
) -> Mistakes:
    """Accuracy of each class, and the pairs of classes that are confused most.

    Args:
        outputs: Array of shape `(images, classes)`: probabilities or logits.
        labels: Integers, shape `(images,)`.
        class_names: Names of the classes. Defaults to `None`, "class 0" and so on.
        pairs: Integer, largest number of confused pairs. Defaults to `10`.

    Returns:
        A `Mistakes`.

    Example:

    >>> outputs = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    >>> found = keras_rbi.evaluation.mistakes(outputs, np.array([0, 0, 1]), ["owl", "wren"])
    >>> [(one.name, one.top1) for one in found.classes]
    [('owl', 0.5), ('wren', 1.0)]
    >>> [(pair.name, pair.taken_for_name, pair.examples) for pair in found.confused]
    [('owl', 'wren', (1,))]
    """
    count = outputs.shape[-1]
    names = class_names or [f"class {number}" for number in range(count)]
    predicted = np.argmax(outputs, -1)
    confusion = np.bincount(labels * count + predicted, minlength=count * count)
    confusion = confusion.reshape(count, count)
    images = confusion.sum(1)
    classes = tuple(
        ClassAccuracy(
            label, str(names[label]), int(images[label]), float(row[label] / images[label])
        )
        for label, row in enumerate(confusion)
        if images[label]
    )
    wrong = confusion * (1 - np.eye(count, dtype=int))
    order = np.argsort(-wrong.ravel(), kind="stable")[:pairs]
    sureness = outputs.max(-1)
    confused = []
    for label, other in (divmod(int(place), count) for place in order):
        if wrong[label, other] == 0:
            break
        members = np.flatnonzero((labels == label) & (predicted == other))
        surest = members[np.argsort(-sureness[members], kind="stable")][:EXAMPLES]
        confused.append(
            ConfusedPair(
                label,
                str(names[label]),
                other,
                str(names[other]),
                len(members),
                float(len(members) / images[label]),
                tuple(int(member) for member in surest),
            )
        )
    return Mistakes(confusion, classes, tuple(confused))
