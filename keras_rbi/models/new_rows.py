"""Rows of a classifier for new classes, from feature vectors: the arithmetic of `add_classes`.

A classifier gives logits L = f W + b of old classes. New ones get

    N = f m + c + x U + d        x = (f - mean) / scale, of the old classes' features
                                 f m + c: the mean of the old logits, so that N is beside them

At first U is imprinted: its columns point to the mean features of the new classes and are as long
as those of the old. From there it is fitted, held back to where it began, while W and b stay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp

# How much U is held back, the most first.
RESTRAINTS = (10.0, 1.0, 0.1, 0.01, 0.001)
MOST_STEPS = 100
FOLDS = 5


@dataclass(frozen=True)
class Head:
    """Weights of a linear classifier.

    Attributes:
        kernel: float64 array of shape `(features, classes)`.
        bias: float64 array of shape `(classes,)`.
    """

    kernel: np.ndarray
    bias: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Array of shape `(images, classes)`."""
        return np.asarray(features @ self.kernel + self.bias)

    def beside(self, other: "Head") -> "Head":
        """One classifier of the classes of both."""
        return Head(
            np.concatenate([self.kernel, other.kernel], 1),
            np.concatenate([self.bias, other.bias]),
        )


@dataclass(frozen=True)
class Known:
    """Feature vectors with labels.

    Attributes:
        features: float64 array of shape `(images, features)`.
        labels: Integers, shape `(images,)`.
    """

    features: np.ndarray
    labels: np.ndarray

    def at(self, rows: np.ndarray) -> "Known":
        """Some of them."""
        return Known(self.features[rows], self.labels[rows])


@dataclass(frozen=True)
class _Space:
    """The mean and the scale of features, and the mean old logits, in which U and d are found."""

    mean: np.ndarray
    scale: float
    old: Head

    @property
    def base(self) -> Head:
        return Head(self.old.kernel.mean(1, keepdims=True), self.old.bias.mean(keepdims=True))

    def scaled(self, features: np.ndarray) -> np.ndarray:
        return np.asarray((features - self.mean) / self.scale)

    def head(self, weights: np.ndarray, biases: np.ndarray) -> Head:
        """The rows that U and d are."""
        kernel = weights / self.scale
        return Head(self.base.kernel + kernel, self.base.bias + biases - self.mean @ kernel)


def imprinted(old: Head, new: Known, known: Known | None = None) -> Head:
    """Rows that point to the mean features of the new classes.

    Args:
        old: The classifier of the old classes.
        new: Images of new classes, which are counted from 0.
        known: Images of old classes, whose mean is where all logits are alike. Defaults to `None`:
            that of the new ones.

    Returns:
        The new classes' rows, as long as the old ones are in the mean.

    Example:

    >>> from keras_rbi.models.new_rows import Head, Known, imprinted
    >>> old = Head(np.array([[2.0, -2.0], [0.0, 0.0]]), np.zeros(2))
    >>> known = Known(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([0, 1]))
    >>> imprinted(old, Known(np.array([[0.0, 3.0]]), np.array([0])), known).kernel.ravel().tolist()
    [0.0, 2.0]
    """
    space = _space(old, known or new)
    return space.head(*_imprinted(space, new))


def fitted(old: Head, new: Known, known: Known, restraint: float) -> Head:
    """Rows of new classes with the least cross-entropy over all classes; the old ones stay.

    Each class counts alike, however many images it has. `restraint / 2` times the squared distance
    from the imprinted rows, in features of scale 1, is added.

    Args:
        old: The classifier of the old classes.
        new: Images of new classes, which are counted from 0.
        known: Images of old classes.
        restraint: Float, at least 0.

    Returns:
        The new classes' rows.
    """
    space = _space(old, known)
    begin = np.concatenate([part.reshape(-1) for part in _imprinted(space, new)])
    classes = int(new.labels.max()) + 1
    features = np.concatenate([known.features, new.features])
    weights = _alike(np.concatenate([known.labels, new.labels + old.bias.size]))
    # To the new rows, all old classes are one.
    labels = np.concatenate([np.zeros(len(known.labels), np.int64), new.labels + 1])
    of_old = logsumexp(old.logits(features), 1, keepdims=True)
    rows, base = space.scaled(features), space.base.logits(features)
    width = rows.shape[1]

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        both = flat.reshape(width + 1, classes)
        logits = np.concatenate([of_old, base + rows @ both[:-1] + both[-1]], 1)
        loss, error = _loss_and_error(logits, labels, weights)
        error = error[:, -classes:]
        gradient = np.concatenate([rows.T @ error, error.sum(0, keepdims=True)]).reshape(-1)
        away = flat - begin
        # Biases are free.
        away[-classes:] = 0.0
        return loss + restraint / 2 * float(away @ away), gradient + restraint * away

    both = _least(loss_and_gradient, begin.copy()).reshape(width + 1, classes)
    return space.head(both[:-1], both[-1])


def refitted(old: Head, added: Head, new: Known, known: Known, restraint: float) -> Head:
    """All rows fitted, old and new, held back to where they are.

    Args:
        old: The classifier of the old classes.
        added: The new classes' rows.
        new: Images of new classes, which are counted from 0.
        known: Images of old classes.
        restraint: As in `fitted`.

    Returns:
        The rows of all classes.
    """
    space, whole = _space(old, known), old.beside(added)
    features = np.concatenate([known.features, new.features])
    labels = np.concatenate([known.labels, new.labels + old.bias.size])
    rows, weights, begin = space.scaled(features), _alike(labels), whole.logits(features)
    width, classes = whole.kernel.shape

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        both = flat.reshape(width + 1, classes)
        logits = begin + rows @ both[:-1] + both[-1]
        loss, error = _loss_and_error(logits, labels, weights)
        gradient = np.concatenate([rows.T @ error, error.sum(0, keepdims=True)]).reshape(-1)
        away = flat.copy()
        away[-classes:] = 0.0
        return loss + restraint / 2 * float(away @ away), gradient + restraint * away

    change = _least(loss_and_gradient, np.zeros((width + 1) * classes))
    change = change.reshape(width + 1, classes)
    kernel = change[:-1] / space.scale
    return Head(whole.kernel + kernel, whole.bias + change[-1] - space.mean @ kernel)


@dataclass(frozen=True)
class Held:
    """How much new classes are held back, as found on images that nothing was fitted to.

    Attributes:
        restraint: As in `fitted`.
        shift: What is taken from the new classes' logits, at least 0.
        old_before: Share of the old classes' images that were right before, from 0 to 1.
        old_after: Share that are right afterwards.
        new_after: Share of the new classes' images that are right, each judged by rows that were
            fitted without it; `nan` where no class has two.
    """

    restraint: float
    shift: float
    old_before: float
    old_after: float
    new_after: float

    def score(self, old: int, new: int) -> float:
        """The share of right images where each class counts alike."""
        found = 0.0 if np.isnan(self.new_after) else self.new_after
        return (old * self.old_after + new * found) / (old + new)


@dataclass(frozen=True)
class Judged:
    """Logits of images that new rows were not fitted to, of rows of one restraint.

    Attributes:
        restraint: As in `fitted`.
        of_old: Of old images, `(images, old + new)`.
        of_new: Of new images, `(images, old + new)`: each of rows that were fitted without it.
        new_labels: Labels of the latter, counted from 0 among the new classes.
    """

    restraint: float
    of_old: np.ndarray
    of_new: np.ndarray
    new_labels: np.ndarray


def judged(
    old: Head, new: Known, known: Known, held_out: Known, seed: int = 0, refit: bool = False
) -> list[Judged]:
    """What rows of each restraint say of images that they were not fitted to.

    Args:
        old: The classifier of the old classes.
        new: Images of new classes, which are counted from 0. Each is judged by rows that were
            fitted without it, in up to five folds; none, where a class has one image alone.
        known: Images of old classes to fit to.
        held_out: Images of old classes that neither the model nor the rows were fitted to.
        seed: Integer, of the folds. Defaults to `0`.
        refit: Boolean, whether the old rows are fitted too. Defaults to `False`.

    Returns:
        A `Judged` for each of `RESTRAINTS`.
    """
    fold_of = _folds(new.labels, seed)
    folds = int(fold_of.max()) + 1
    order = np.argsort(fold_of, kind="stable") if folds > 1 else np.zeros(0, np.int64)
    found = []
    for restraint in RESTRAINTS:
        of_old = rows_of(old, new, known, restraint, refit).logits(held_out.features)
        of_new = [np.zeros((0, of_old.shape[1]))]
        for fold in range(folds if folds > 1 else 0):
            rest = new.at(fold_of != fold)
            whole = rows_of(old, rest, known, restraint, refit)
            of_new.append(whole.logits(new.features[fold_of == fold]))
        found.append(Judged(restraint, of_old, np.concatenate(of_new), new.labels[order]))
    return found


def hold_back(
    found: Sequence[Judged], before: np.ndarray, labels: np.ndarray, allowed_loss: float
) -> Held:
    """The restraint and the shift with the most right images, of old and new classes alike.

    Where new images cannot be judged, it is the strongest restraint.

    Args:
        found: What `judged` gives.
        before: Logits of the held-out old images before there were new classes.
        labels: Labels of these.
        allowed_loss: Float, the share of them that may be lost to new classes.

    Returns:
        A `Held`.
    """
    found = found if len(found[0].new_labels) else found[:1]
    held = [best_shift(each, before, labels, allowed_loss) for each in found]
    old, classes = before.shape[1], found[0].of_old.shape[1]
    return max(held, key=lambda one: one.score(old, classes - old))


def best_shift(
    found: Judged, before: np.ndarray, old_labels: np.ndarray, allowed_loss: float
) -> Held:
    """The shift of new logits with the most right images, of which few old ones may be lost.

    Rows are held back and never brought forward: a few old images leave room for that wherever they
    happen to be far from it, and the next ones are lost.

    Args:
        found: Logits of old and new images.
        before: Logits of the old images before there were new classes, `(images, old)`.
        old_labels: Labels of the old images.
        allowed_loss: Share of the old images that may be lost.

    Returns:
        A `Held`.
    """
    of_old, of_new, new_labels = found.of_old, found.of_new, found.new_labels
    count = before.shape[1]
    right_before = float(np.mean(before.argmax(1) == old_labels))
    own, others = of_old[:, :count], of_old[:, count:].max(1)
    # Right from which shift on, and of new images up to which.
    from_shift = others - own.max(1)
    from_shift = from_shift[own.argmax(1) == old_labels]
    new, against = of_new[:, count:], of_new[:, :count].max(1, initial=-np.inf)
    to_shift = (new.max(1) - against)[new.argmax(1) == new_labels] if len(new_labels) else []
    from_shift, to_shift = np.sort(from_shift), np.sort(to_shift)
    candidates = np.concatenate([[0.0], from_shift + 1e-6, to_shift - 1e-6])
    candidates = candidates[candidates >= 0]
    after = np.searchsorted(from_shift, candidates) / len(old_labels)
    images = max(len(new_labels), 1)
    right_new = (len(to_shift) - np.searchsorted(to_shift, candidates, side="right")) / images
    classes = of_old.shape[1]
    score = (count * after + (classes - count) * right_new) / classes
    enough = after >= right_before - allowed_loss - 1e-12
    if not enough.any():
        # The old rows were fitted too, and lose whatever the shift is.
        enough = after == after.max()
    if not len(new_labels):
        # Nothing tells what new classes lose: hold them back no more than the old ones need.
        score = -candidates
    best = int(np.where(enough, score, -np.inf).argmax())
    return Held(
        found.restraint,
        float(candidates[best]),
        right_before,
        float(after[best]),
        float(right_new[best]) if len(new_labels) else float("nan"),
    )


def rows_of(old: Head, new: Known, known: Known, restraint: float, refit: bool = False) -> Head:
    """The classifier of old and new classes, before any shift."""
    added = fitted(old, new, known, restraint)
    return refitted(old, added, new, known, restraint) if refit else old.beside(added)


def shifted(whole: Head, old: int, shift: float) -> Head:
    """The same with the shift taken from the logits of the new classes."""
    bias = whole.bias.copy()
    bias[old:] -= shift
    return Head(whole.kernel, bias)


def _space(old: Head, known: Known) -> _Space:
    spread = float(np.sqrt(np.mean(known.features.var(0)))) or 1.0
    return _Space(known.features.mean(0), spread, old)


def _imprinted(space: _Space, new: Known) -> tuple[np.ndarray, np.ndarray]:
    """U and d of the imprinted rows."""
    rows, classes = space.scaled(new.features), int(new.labels.max()) + 1
    means = np.stack([rows[new.labels == label].mean(0) for label in range(classes)], 1)
    old = (space.old.kernel - space.base.kernel) * space.scale
    length = float(np.linalg.norm(old, axis=0).mean())
    lengths = np.linalg.norm(means, axis=0)
    return length * means / np.where(lengths > 0, lengths, 1.0), np.zeros(classes)


def _alike(labels: np.ndarray) -> np.ndarray:
    """Weights of images with which classes count alike, and which sum to 1."""
    counts = np.bincount(labels)
    return np.asarray(1.0 / counts[labels] / np.count_nonzero(counts))


def _loss_and_error(
    logits: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray]:
    """Cross-entropy, and its gradient by the logits."""
    rows = np.arange(len(labels))
    logarithms = log_softmax(logits, 1)
    error = np.exp(logarithms)
    error[rows, labels] -= 1.0
    return float(-weights @ logarithms[rows, labels]), error * weights[:, None]


def _least(
    loss_and_gradient: Callable[[np.ndarray], tuple[float, np.ndarray]], begin: np.ndarray
) -> np.ndarray:
    """Where a function is least, from where it begins."""
    options = {"maxiter": MOST_STEPS, "gtol": 1e-6}
    return np.asarray(
        minimize(loss_and_gradient, begin, jac=True, method="L-BFGS-B", options=options).x
    )


def _folds(labels: np.ndarray, seed: int) -> np.ndarray:
    """The fold of each image: each class is dealt out, as far as it goes."""
    rng, counts = np.random.default_rng(seed), np.bincount(labels)
    folds = min(FOLDS, int(counts[counts > 0].min()))
    found = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        found[members] = np.arange(len(members)) % folds
    return found
