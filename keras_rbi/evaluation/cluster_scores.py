"""Cluster metrics of embeddings: silhouette and k-NN purity."""

import numpy as np

NEIGHBOURS = 10


def silhouette(features: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette of rows of features by class, with Euclidean distances.

    A row's silhouette is (b - a) / max(a, b): a, its mean distance to the others of its class; b,
    that to the class nearest to it. A row that is its class alone counts 0.

    Args:
        features: Array of shape `(rows, features)`.
        labels: Integers, shape `(rows,)`, of at least two classes.

    Returns:
        A float from -1 (rows lie in other classes) to 1 (classes lie apart).

    Raises:
        ValueError: If there are not two classes.

    Example:

    >>> rows = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> round(keras_rbi.evaluation.silhouette(rows, np.array([0, 0, 1, 1])), 3)
    0.9

    Reference:
        [Rousseeuw, 1987](https://doi.org/10.1016/0377-0427(87)90125-7).
    """
    classes, members = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"A silhouette takes rows of two classes. Received: {len(classes)}.")
    of_class = np.eye(len(classes))[members]
    counts = of_class.sum(0)
    sums = _distances(features) @ of_class
    rows = np.arange(len(members))
    own = sums[rows, members] / np.maximum(counts[members] - 1, 1)
    means = sums / counts
    means[rows, members] = np.inf
    nearest = means.min(1)
    larger = np.maximum(own, nearest)
    values = np.divide(nearest - own, larger, out=np.zeros_like(own), where=larger > 0)
    return float(np.mean(np.where(counts[members] > 1, values, 0.0)))


def knn_purity(features: np.ndarray, labels: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
    """Mean share of a row's nearest neighbours, itself left out, that are of its class.

    Args:
        features: Array of shape `(rows, features)`.
        labels: Integers, shape `(rows,)`.
        neighbours: Integer; where there are fewer other rows, all of them. Defaults to `10`.

    Returns:
        A float from 0 to 1.

    Example:

    >>> rows = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> keras_rbi.evaluation.knn_purity(rows, np.array([0, 0, 1, 0]), neighbours=1)
    0.5
    """
    labels = np.asarray(labels)
    distances = _distances(features)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, 1, kind="stable")[:, : min(neighbours, len(labels) - 1)]
    return float(np.mean(labels[nearest] == labels[:, None]))


def _distances(features: np.ndarray) -> np.ndarray:
    rows = np.asarray(features, "float64")
    # Distances do not change, and lose fewer digits near zero.
    rows = rows - rows.mean(0)
    squares = np.sum(rows**2, 1)
    squared = squares[:, None] + squares[None] - 2.0 * rows @ rows.T
    np.fill_diagonal(squared, 0.0)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))
