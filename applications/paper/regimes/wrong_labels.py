"""Labels of which a share is drawn at random."""

import numpy as np


def wrong_labels(
    labels: np.ndarray, share: float, classes: int, rng: np.random.Generator
) -> np.ndarray:
    """The labels, a share of them drawn evenly from all classes, the right one among them.

    Args:
        labels: Class of each image, shape `(images,)`.
        share: In 0..1, the probability with which a label is drawn.
        classes: How many classes there are.
        rng: Random generator.

    Returns:
        Array of the same shape.
    """
    drawn = rng.integers(0, classes, len(labels))
    return np.where(rng.random(len(labels)) < share, drawn, labels)
