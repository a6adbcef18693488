"""Which images a regime trains on, and their labels."""

import numpy as np

from applications.paper.regimes.known_features import CLASSES
from applications.paper.regimes.regime import Regime
from applications.paper.regimes.tail import tail
from applications.paper.regimes.wrong_labels import wrong_labels


def training_images(
    regime: Regime, pool_labels: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draws the training images of a regime from a pool.

    Args:
        regime: The regime.
        pool_labels: Class of each image of the pool, which has enough of each.
        seed: Of the draw. Of one seed the images of fewer a class are among those of more.

    Returns:
        Numbers of images in the pool, and their labels, of which some may be wrong.
    """
    rng = np.random.default_rng([seed, 0])
    drawn = [
        rng.permutation(np.flatnonzero(pool_labels == label))[: regime.per_class]
        for label in range(CLASSES)
    ]
    numbers = np.concatenate(drawn)
    rng = np.random.default_rng([seed, 1])
    if regime.imbalance > 1:
        numbers = numbers[tail(pool_labels[numbers], regime.imbalance, rng)]
    labels = pool_labels[numbers]
    if regime.wrong:
        labels = wrong_labels(labels, regime.wrong, CLASSES, rng)
    return numbers, labels
