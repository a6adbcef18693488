"""The map of a class, or of one class against another, from the maps that a model gives."""

import numpy as np


def class_map(maps: np.ndarray, number: int, against: int | None = None) -> list[list[float]]:
    """What in an image speaks for a class.

    Args:
        maps: Of one image, Grad-CAM of each class before its ReLU, `(classes, rows, columns)`.
        number: The class.
        against: Another class: what speaks for the one against it, which is the gradient of the
            difference of their scores. Defaults to `None`.

    Returns:
        Rows of numbers from 0 to 1, the largest; 0 everywhere where nothing speaks for it.

    Example:

    >>> from keras_rbi.serving.class_map import class_map
    >>> class_map(np.array([[[2.0, -1.0]], [[1.0, 1.0]]]), 0), class_map(np.eye(2)[:, None], 1, 0)
    ([[1.0, 0.0]], [[0.0, 1.0]])
    """
    found = maps[number] if against is None else maps[number] - maps[against]
    found = np.maximum(found.astype("float64"), 0.0)
    largest = found.max()
    rows: list[list[float]] = (found / largest if largest > 0 else found).round(6).tolist()
    return rows
