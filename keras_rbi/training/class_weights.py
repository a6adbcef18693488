"""Weights of classes in the loss, for classes that differ in size."""

import numpy as np


def class_weights(labels: np.ndarray, classes: int) -> dict[int, float]:
    """What `fit(class_weight=)` takes for all classes to count alike.

    The weight of class c is N / (K n_c), for N images of K classes that have any, n_c of them of
    class c: the mean weight of an image is 1.

    Args:
        labels: Integers, shape `(images,)`.
        classes: Integer, how many classes there are. One without images has the weight 0.

    Returns:
        From the numbers of classes to weights.

    Example:

    >>> from keras_rbi.training.class_weights import class_weights
    >>> class_weights(np.array([0, 0, 0, 1]), classes=2)
    {0: 0.6666666666666666, 1: 2.0}
    """
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    weights = len(labels) / (present * np.maximum(counts, 1)) * (counts > 0)
    return {number: float(weight) for number, weight in enumerate(weights)}
