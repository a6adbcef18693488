"""Long tails: which images of balanced classes are kept."""

import numpy as np


def tail(labels: np.ndarray, imbalance: float, rng: np.random.Generator) -> np.ndarray:
    """Numbers of images that are kept for their classes to have a long tail.

    Classes fall off exponentially, in an order that is drawn: the first keeps all of its images,
    the last one in `imbalance`.

    Args:
        labels: Class of each image, shape `(images,)`.
        imbalance: Images of the most frequent class by those of the rarest, at least 1.
        rng: Random generator.

    Returns:
        Numbers in rising order. Of each class they are the first.
    """
    classes = np.unique(labels)
    kept = []
    for rank, label in enumerate(rng.permutation(classes)):
        own = np.flatnonzero(labels == label)
        share = imbalance ** (-rank / max(1, len(classes) - 1))
        kept.append(own[: max(1, round(len(own) * share))])
    return np.sort(np.concatenate(kept))
