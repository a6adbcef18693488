"""Class labels of training data: their number and their checks."""

import numbers
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_rbi.models.batches import NO_BATCH, batches_of, first_batch, labels_of, to_numpy

# Steps of a data pipeline that names are looked for through; more than any has.
MOST_STEPS = 100
# Probabilities in half precision.
ROW_TOLERANCE = 0.02
MEND = "Pass `num_classes=` to the model."


@dataclass(frozen=True)
class Labels:
    """Number of classes, their names where the data has them, and the form of the labels."""

    num_classes: int
    class_names: list[str] | None
    one_hot: bool


def read_labels(x: Any, y: Any = None, num_classes: int | None = None) -> tuple[Labels, Any]:
    """Reads the classes off training data.

    The names that the data carries (`class_names`, or `classes` as in torchvision) tell their
    number, or those of what it was made from, by `prefetch`, `map` and the like or as a subset;
    otherwise the width of one-hot labels does; otherwise the largest label, for which
    the data is read once. Where the number is known, one batch tells the rest, so that the data
    may be endless or a generator.

    Args:
        x: What `fit` takes: arrays, a `tf.data.Dataset`, a `keras.utils.PyDataset`, a torch
            `DataLoader`, a generator.
        y: Labels, where `x` is an array.
        num_classes: Number of classes, where it is known.

    Returns:
        The `Labels`, and the data to train on: `x`, or what takes the place of a generator that
        was begun.

    Raises:
        ValueError: If the data has no labels, or labels that are not classes.
    """
    names = _class_names(x)
    if y is not None:
        batches: Iterable[np.ndarray] = [to_numpy(y)]
    elif num_classes is not None or names is not None:
        first, x = first_batch(x)
        batches = [labels_of(first)]
    else:
        batches = (labels_of(batch) for batch in batches_of(x, MEND))
    one_hot, largest, smallest = None, -1, None
    for labels in batches:
        one_hot = labels.ndim == 2 and labels.shape[1] > 1
        if one_hot:
            _check_rows(labels)
            largest = labels.shape[1] - 1
            break
        largest = max(largest, largest_label(labels))
        smallest = int(labels.min()) if smallest is None else min(smallest, int(labels.min()))
    if one_hot is None:
        raise ValueError(NO_BATCH)
    if one_hot and names and len(names) != largest + 1 and not _own_names(x):
        # Of data that was mapped to other classes.
        names = None
    count = num_classes or (len(names) if names else largest + 1)
    check_fit(count, largest, one_hot)
    if smallest == 1 and num_classes is None and names is None:
        warnings.warn(
            f"The labels go from 1 to {largest}, so that class 0 has no image and the model gets "
            f"{count} classes. Subtract 1 if they count from 1, or pass num_classes={count}.",
            stacklevel=4,
        )
    if count < 2:
        raise ValueError(
            f"A classifier needs at least two classes. Received: labels of {count} class."
        )
    return Labels(count, names if names and len(names) == count else None, one_hot), x


def _check_rows(labels: np.ndarray) -> None:
    """Refuses rows that say none of the classes, or several, where one is to be told."""
    sums = labels.astype("float64").sum(1) if labels.dtype.kind in "biuf" else np.array([np.nan])
    if np.all(np.abs(sums - 1.0) <= ROW_TOLERANCE):
        return
    raise ValueError(
        "Rows of labels must be one-hot, or probabilities that sum to 1. Received: labels of "
        f"shape {labels.shape}, of which a row sums to {sums[np.abs(sums - 1.0).argmax()]:g}. For "
        "several labels an image, make the model with classifier_activation='sigmoid' and "
        "num_classes, and compile it with loss='binary_crossentropy'."
    )


def _class_names(x: Any) -> list[str] | None:
    """The names that data carries, or the nearest of what it was made from."""
    holders = [x]
    for _ in range(MOST_STEPS):
        found = {tuple(names) for holder in holders if (names := _own_names(holder))}
        if found:
            # Two that were put together and differ tell nothing of their whole.
            return list(found.pop()) if len(found) == 1 else None
        inner = {id(each): each for holder in holders for each in _made_from(holder)}
        holders = list(inner.values())
    return None


def _own_names(x: Any) -> list[str] | None:
    for attribute in ("class_names", "classes"):
        names = getattr(x, attribute, None)
        if isinstance(names, (list, tuple)) and names:
            return [str(name) for name in names]
    return None


def _made_from(x: Any) -> list[Any]:
    """What data was made from: the inputs of a `tf.data` set, the data of a loader or a subset."""
    if hasattr(x, "element_spec") and hasattr(x, "_inputs"):
        return list(x._inputs())
    inner = getattr(x, "dataset", None)
    return [] if inner is None else [inner]


def check_fit(count: int, largest: int, one_hot: bool) -> None:
    """Refuses labels beyond the classes, and one-hot labels of another width.

    Args:
        count: Number of classes.
        largest: The largest label, or one less than the width.
        one_hot: Whether the labels are one-hot rows.

    Raises:
        ValueError: If they do not fit.
    """
    if count <= largest or (one_hot and largest + 1 != count):
        raise ValueError(
            f"The labels do not fit {count} classes: "
            + (
                f"one-hot labels are {largest + 1} wide."
                if one_hot
                else f"they are counted from 0 to {count - 1}. Received: {largest}."
            )
        )


def largest_label(labels: np.ndarray) -> int:
    """The largest of labels that are classes.

    Raises:
        ValueError: If they are not integers from 0 on.
    """
    are_numbers = labels.dtype.kind in "biuf"
    if not are_numbers or labels.ndim > 2 or labels.size == 0 or np.any(labels != labels // 1):
        raise ValueError(
            "Labels must be integers, one for each image, or one-hot rows. Received: labels "
            f"of shape {labels.shape} and dtype {labels.dtype}."
            + ("" if are_numbers else " np.unique(labels, return_inverse=True) numbers names.")
        )
    if labels.min() < 0:
        raise ValueError(f"Labels must not be negative. Received: {int(labels.min())}.")
    return int(labels.max())


def check_classes(num_classes: Any, class_names: Sequence[str] | None) -> int | None:
    """The number of classes that a model is told by its number or its names, or `None`."""
    if class_names is not None:
        _check_names(class_names)
        if num_classes is not None and num_classes != len(class_names):
            raise ValueError(
                "`num_classes` must be the number of `class_names`. Received: "
                f"num_classes={num_classes} and {len(class_names)} names."
            )
        num_classes = len(class_names)
    if num_classes is None:
        return None
    # Of NumPy too, such as `labels.max() + 1`.
    integral = isinstance(num_classes, numbers.Integral) and not isinstance(num_classes, bool)
    if not integral or num_classes < 2:
        raise ValueError(
            "`num_classes` must be an integer of at least 2, or None. "
            f"Received: num_classes={num_classes!r}."
        )
    return int(num_classes)


def _check_names(class_names: Sequence[str]) -> None:
    if isinstance(class_names, (str, set, frozenset)):
        kind = "text" if isinstance(class_names, str) else "set, which has no order,"
        raise ValueError(
            "`class_names` must be a list of names, one for each class. Received: the "
            f"{kind} {class_names!r}."
        )
    counts = Counter(map(str, class_names))
    if twice := [name for name, count in counts.items() if count > 1]:
        warnings.warn(
            f"`class_names` has {', '.join(map(repr, twice[:3]))} more than once: predictions by "
            "name do not tell these classes apart.",
            stacklevel=4,
        )


def known_classes(num_classes: Any, class_names: Sequence[str] | None) -> int:
    """The number of classes of a model that must know it when it is made."""
    classes = check_classes(num_classes, class_names)
    if classes is None:
        raise ValueError("Pass `num_classes` or `class_names`. Received: neither.")
    return classes
