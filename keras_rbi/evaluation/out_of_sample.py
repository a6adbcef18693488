"""Out-of-sample probabilities: of each image by a classifier that has not seen its label."""

from collections.abc import Callable, Sequence

import numpy as np

from keras_rbi.evaluation.logistic_regression import LogisticRegression
from keras_rbi.evaluation.stratified_folds import stratified_folds

FOLDS = 5
# From strong to weak, each beginning with the weights of the one before. The strongest keeps wrong
# labels from being fitted by heart, where features are many and images few.
WEIGHT_DECAYS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
EPSILON = 1e-12

Progress = Callable[[str, int, int], None]


def out_of_sample_probabilities(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    folds: int = FOLDS,
    seed: int = 0,
    groups: Sequence[str] | None = None,
    progress: Progress = lambda *_: None,
) -> np.ndarray:
    """Probabilities of the images of each fold, by a linear classifier of the other folds.

    The classifier is a multinomial logistic regression on standardised features. Its weight decay,
    one number for all folds, is that with the least cross-entropy on the images held out.

    Args:
        features: Array of shape `(images, features)`, made without regard to these labels: those
            of a backbone that was trained on them know the wrong ones by heart.
        labels: Integers, shape `(images,)`.
        classes: Integer, how many classes there are.
        folds: Integer. Defaults to `5`.
        seed: Integer, of the folds. Defaults to `0`.
        groups: As in `stratified_folds`. Defaults to `None`.
        progress: Called with `"folds"` and the numbers of done and of all folds. Defaults to
            nothing.

    Returns:
        float64 array of shape `(images, classes)`. Rows of images that no other fold has another
        of their class for are `nan`: nothing was learnt that could judge their labels.

    Raises:
        ValueError: As `stratified_folds` does, or if no image can be judged.

    Example:

    >>> features = np.array([[0.0], [0.1], [1.0], [1.1], [0.0]])
    >>> found = keras_rbi.evaluation.out_of_sample_probabilities(
    ...     features, np.array([0, 0, 1, 1, 1]), classes=2, folds=5
    ... )
    >>> bool(found[4, 0] > 0.5)
    True
    """
    rows = _standardised(features)
    found, losses = _by_weight_decay(rows, labels, classes, folds, seed, groups, progress)
    if np.isnan(losses).any():
        raise ValueError("No label can be judged: no class has images of two things. Add images.")
    return np.asarray(found[int(losses.argmin())])


def best_weight_decay(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    folds: int = FOLDS,
    seed: int = 0,
    groups: Sequence[str] | None = None,
) -> float:
    """The weight decay of `out_of_sample_probabilities`; the strongest where none can be judged.

    Args:
        features: Array of shape `(images, features)`, of mean 0 and scaled as is wanted.
        labels: As there.
        classes: As there.
        folds: As there. Defaults to `5`.
        seed: As there. Defaults to `0`.
        groups: As there. Defaults to `None`.

    Returns:
        One of `WEIGHT_DECAYS`.
    """
    losses = _by_weight_decay(features, labels, classes, folds, seed, groups, lambda *_: None)[1]
    return WEIGHT_DECAYS[0 if np.isnan(losses).any() else int(losses.argmin())]


def _by_weight_decay(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    folds: int,
    seed: int,
    groups: Sequence[str] | None,
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities for each weight decay, and its cross-entropy; `nan` without any to judge."""
    features, labels = _rotated(features), np.asarray(labels)
    fold_of = stratified_folds(labels, folds, seed, groups)
    found = np.full((len(WEIGHT_DECAYS), len(labels), classes), np.nan)
    progress("folds", 0, folds)
    for fold in range(folds):
        held_out = np.flatnonzero(fold_of == fold)
        others = fold_of != fold
        judged = held_out[np.isin(labels[held_out], labels[others])]
        fitted = None
        for number, weight_decay in enumerate(WEIGHT_DECAYS):
            fitted = LogisticRegression(weight_decay).fit(
                features[others], labels[others], classes, fitted
            )
            found[number, judged] = fitted.probabilities(features[judged])
        progress("folds", fold + 1, folds)
    known = ~np.isnan(found[0]).any(1)
    if not known.any():
        return found, np.full(len(found), np.nan)
    own = found[:, np.flatnonzero(known), labels[known]]
    return found, -np.log(np.maximum(own, EPSILON)).mean(1)


def _standardised(features: np.ndarray) -> np.ndarray:
    """Features of mean 0 and variance 1, in which no label takes part."""
    features = np.asarray(features, "float32")
    spread = features.std(0)
    return np.asarray((features - features.mean(0)) / np.where(spread > 0, spread, 1.0))


def _rotated(rows: np.ndarray) -> np.ndarray:
    """More features than images turned into as many as there are images.

    The classifier and its weight decay are the same under that rotation, and faster.
    """
    if rows.shape[0] < rows.shape[1]:
        left, lengths, _ = np.linalg.svd(rows, full_matrices=False)
        rows = left * lengths
    return np.asarray(rows)
