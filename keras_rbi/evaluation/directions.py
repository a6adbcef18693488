"""Features of images as directions, whose products are cosines."""

import numpy as np


def directions(features: np.ndarray, of: np.ndarray | None = None) -> np.ndarray:
    """Features that are standardised and of length 1.

    Args:
        features: Array of shape `(images, features)`.
        of: The features by whose mean and standard deviation they are standardised, shape
            `(others, features)`. Defaults to `None`, their own.

    Returns:
        Array of the shape of `features`; of images that differ in nothing from the mean, zeros.

    Example:

    >>> from keras_rbi.evaluation.directions import directions
    >>> directions(np.array([[0.0, 5.0], [30.0, 5.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    of = features if of is None else of
    spread = of.std(0)
    rows = (features - of.mean(0)) / np.where(spread > 0, spread, 1.0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))
