"""Confident learning: which labels are doubtful, from out-of-sample probabilities.

These few lines stand in for `cleanlab`, which has the same count (the tests hold its numbers): it
would bring pandas and scikit-learn along, more than a hundred megabytes, for what is below.
"""

from dataclasses import dataclass

import numpy as np

# As cleanlab allows for rounding.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class ConfidentJoint:
    """Given labels counted against those that the probabilities speak for.

    Attributes:
        counts: Integers of shape `(classes, classes)`: images with the label of the row that are
            confidently of the class of the column. Off the diagonal they are suspects.
        thresholds: Shape `(classes,)`, the probability from which an image counts for a class: the
            mean of those that the images with its label have. Infinite of classes without images.
        suspects: Numbers of the images off the diagonal, the most doubtful first.
        suggested: The class that each suspect counts for.
        margins: The probability of each suspect's label minus that of the likeliest other class:
            below 0, and the lower the more doubtful, but where the label is the likeliest still.
    """

    counts: np.ndarray
    thresholds: np.ndarray
    suspects: np.ndarray
    suggested: np.ndarray
    margins: np.ndarray


def confident_learning(probabilities: np.ndarray, labels: np.ndarray) -> ConfidentJoint:
    """Finds images that are confidently of another class than their label.

    An image counts for the likeliest of the classes whose probability reaches the mean that the
    images with that label have. So a class of which the classifier is always unsure is as easily
    suspected, and suggested, as one that it knows well.

    Args:
        probabilities: Array of shape `(images, classes)`, of a classifier that has not seen the
            images' labels, such as `out_of_sample_probabilities` gives. Rows of `nan` are of
            images that could not be judged, and count for nothing.
        labels: Integers, shape `(images,)`.

    Returns:
        A `ConfidentJoint`. Of suspects that are as doubtful the first comes first.

    Raises:
        ValueError: If the arrays do not fit each other.

    Example:

    >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])
    >>> found = keras_rbi.evaluation.confident_learning(probabilities, np.array([0, 0, 1, 1]))
    >>> found.thresholds, found.suspects, found.suggested
    (array([0.55, 0.75]), array([1]), array([1]))

    Reference:
        [Northcutt et al., 2021](https://arxiv.org/abs/1911.00068), equations 1 and 2, and the
        ranking by normalized margin.
    """
    probabilities, labels = np.asarray(probabilities, "float64"), np.asarray(labels)
    _check(probabilities, labels)
    classes = probabilities.shape[1]
    judged = np.flatnonzero(~np.isnan(probabilities).any(1))
    rows, given = probabilities[judged], labels[judged]
    own = rows[np.arange(len(rows)), given]
    images = np.bincount(given, minlength=classes)
    sums = np.bincount(given, own, minlength=classes)
    thresholds = np.divide(sums, images, out=np.full(classes, np.inf), where=images > 0)
    confident = np.where(rows >= thresholds - TOLERANCE, rows, -1.0)
    best = confident.argmax(1)
    counted = confident.max(1) >= 0.0
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (given[counted], best[counted]), 1)
    others = rows.copy()
    others[np.arange(len(rows)), given] = -np.inf
    margins = own - others.max(1)
    suspects = np.flatnonzero(counted & (best != given))
    suspects = suspects[np.argsort(margins[suspects], kind="stable")]
    return ConfidentJoint(counts, thresholds, judged[suspects], best[suspects], margins[suspects])


def _check(probabilities: np.ndarray, labels: np.ndarray) -> None:
    if probabilities.ndim != 2 or probabilities.shape[1] < 2 or labels.ndim != 1:
        raise ValueError(
            "Probabilities must be of shape (images, classes), with two classes at least, and "
            f"labels of shape (images,). Received: {probabilities.shape} and {labels.shape}."
        )
    if len(labels) != len(probabilities):
        raise ValueError(
            f"There must be a label for each image. Received: {len(labels):,} labels and "
            f"probabilities of {len(probabilities):,} images."
        )
    classes = probabilities.shape[1]
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(
            f"Labels must be integers from 0 to {classes - 1}, the classes of the probabilities. "
            f"Received: labels from {labels.min()} to {labels.max()}."
        )
