"""Learning rates: of the steps of a run, and those that a search tries."""

import numpy as np

# Of heads on known features, which cost seconds. Networks have fewer: `NETWORKS`.
OF_HEADS = (1e-3, 4e-3, 1.6e-2, 6.4e-2, 0.256)


def rates_of_steps(peak: float, steps: int, constant: bool = False) -> np.ndarray:
    """The learning rate of each step: along a cosine from its peak to 0, or as it is."""
    if constant:
        return np.full(steps, peak, "float32")
    return (peak * 0.5 * (1 + np.cos(np.pi * np.arange(steps) / steps))).astype("float32")
