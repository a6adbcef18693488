"""The batches of a whole training, as numbers of images."""

import numpy as np

from applications.paper.regimes.regime import Regime
from keras_rbi.datasets.batches.sampling import (
    BALANCED,
    PK,
    balanced_order,
    pk_order,
    shuffled_order,
)


def batch_orders(regime: Regime, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Epoch after epoch in the order of the regime's sampler, cut into batches of one size.

    Args:
        regime: The regime.
        labels: Class of each training image, shape `(images,)`.
        rng: Random generator.

    Returns:
        Integer array of shape `(steps, batch)`. A batch may have the end of an epoch and the
        beginning of the next.
    """
    wanted = regime.steps * regime.batch
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < wanted:
        if regime.sampling == PK:
            each = int(regime.images_per_class or 1)
            parts.append(pk_order(labels, regime.batch // each, each, rng))
        elif regime.sampling == BALANCED:
            parts.append(balanced_order(labels, rng))
        else:
            parts.append(shuffled_order(labels, rng))
    return np.concatenate(parts)[:wanted].reshape(regime.steps, regime.batch)
