"""Top-k classes of an image."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def top_classes(probabilities: np.ndarray, class_names: Sequence[str], count: int) -> list[Any]:
    """The likeliest classes, the likeliest first, ready for JSON.

    Args:
        probabilities: Array of shape `(classes,)`.
        class_names: As many names.
        count: Integer, how many to give; all, where there are fewer. Of classes that are as likely
            the first comes first.

    Returns:
        List of dictionaries with the keys `class` and `probability`.

    Example:

    >>> from keras_rbi.evaluation.top_classes import top_classes
    >>> top_classes(np.array([0.25, 0.5, 0.25]), ["ant", "bee", "cicada"], count=2)
    [{'class': 'bee', 'probability': 0.5}, {'class': 'ant', 'probability': 0.25}]
    """
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [{"class": class_names[i], "probability": float(probabilities[i])} for i in order]
