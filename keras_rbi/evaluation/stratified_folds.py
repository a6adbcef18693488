"""Folds for cross-validation: stratified by class, and never through a group."""

from collections.abc import Sequence

import numpy as np


def stratified_folds(
    labels: np.ndarray, folds: int, seed: int = 0, groups: Sequence[str] | None = None
) -> np.ndarray:
    """Deals images into folds so that each has about as many of every class.

    Args:
        labels: Integers, shape `(images,)`.
        folds: Integer, how many folds.
        seed: Integer, of the order in which images are dealt. Defaults to `0`.
        groups: What each image is of, where several show the same thing: these come into one fold,
            lest a fold is judged by what knows its images already. Defaults to `None`, each by
            itself.

    Returns:
        int64 array of shape `(images,)`, the number of each image's fold.

    Raises:
        ValueError: If there are fewer than two folds, or fewer groups than folds.

    Example:

    >>> from keras_rbi.evaluation.stratified_folds import stratified_folds
    >>> folds = stratified_folds(np.array([0, 0, 1, 1]), folds=2)
    >>> sorted(folds[:2].tolist()), sorted(folds[2:].tolist())
    ([0, 1], [0, 1])
    """
    labels = np.asarray(labels)
    members = np.arange(len(labels))
    if groups is not None:
        members = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    count = len(np.unique(members))
    if isinstance(folds, bool) or folds < 2 or folds > count:
        raise ValueError(
            f"`folds` must be from 2 to {count:,}, the number of images, or of things they are "
            f"of. Received: folds={folds!r}."
        )
    by_group = np.split(np.argsort(members, kind="stable"), np.cumsum(np.bincount(members))[:-1])
    order = np.random.default_rng(seed).permutation(count)
    # The largest first, since small ones can even out what large ones leave; else by chance.
    sizes = np.bincount(members)
    order = order[np.argsort(-sizes[order], kind="stable")]
    dealt = np.zeros((folds, int(labels.max()) + 1), np.int64)
    fold_of = np.zeros(len(labels), np.int64)
    for group in order:
        images = by_group[group]
        # Where its classes have fewest images; of such folds the smallest.
        of_classes = dealt[:, np.unique(labels[images])].sum(1)
        fold = int(np.lexsort((dealt.sum(1), of_classes))[0])
        np.add.at(dealt[fold], labels[images], 1)
        fold_of[images] = fold
    return fold_of
