"""Classification metrics: accuracies, loss and calibration."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# The least probability that a loss counts, as in keras.losses.
EPSILON = 1e-7
CALIBRATION_BINS = 15
TOP = 5
# Activations whose softmax is the probabilities.
LOGITS = ("linear", "log_softmax")


@dataclass(frozen=True)
class ClassificationScores:
    """Scores of one set of predictions.

    Attributes:
        top1: Share of images whose likeliest class is theirs, from 0 to 1.
        top5: Share of images whose class is among the five likeliest, from 0 to 1.
        loss: Mean cross-entropy in nats.
        calibration_error: Expected calibration error of the likeliest class, from 0 to 1.
    """

    top1: float
    top5: float
    loss: float
    calibration_error: float

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


def classification_scores(
    outputs: np.ndarray, labels: np.ndarray, activation: str | None = None
) -> ClassificationScores:
    """Scores of a model's outputs.

    Args:
        outputs: Array of shape `(images, classes)`, as in `probabilities_of`.
        labels: Integers, shape `(images,)`.
        activation: As in `probabilities_of`. Defaults to `None`.

    Returns:
        A `ClassificationScores`.

    Raises:
        ValueError: If the outputs cannot be made probabilities.

    Example:

    >>> outputs = np.array([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3]])
    >>> keras_rbi.evaluation.classification_scores(outputs, np.array([0, 1])).top1
    0.5
    """
    probabilities = probabilities_of(outputs, activation)
    return ClassificationScores(
        top1=float(np.mean(np.argmax(outputs, -1) == labels)),
        top5=top_accuracy(outputs, labels, TOP),
        loss=cross_entropy(outputs, labels, activation),
        calibration_error=calibration_error(probabilities, labels),
    )


def probabilities_of(outputs: np.ndarray, activation: str | None = None) -> np.ndarray:
    """Outputs of a model as probabilities that sum to 1.

    Of logits z their softmax, exp(z_k) / sum_j exp(z_j). Sigmoids p of classes that were learned
    one against all others are divided by their sum, p_k / sum_j p_j: of classes of which one is
    right, that is what each has of all that speaks for any. It changes no order of classes.

    Args:
        outputs: Array of shape `(images, classes)`.
        activation: What made them of logits: `"softmax"`, `"sigmoid"`, `"log_softmax"`, or
            `"linear"` where they are logits. Of any other activation, rows must be without
            negative values and sum to 1 within 1e-3. Defaults to `None`, not known: where all rows
            are like that they are taken for probabilities, and otherwise for logits.

    Returns:
        float64 array of the same shape.

    Raises:
        ValueError: If outputs of another activation are no probabilities.

    Example:

    >>> keras_rbi.evaluation.probabilities_of(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    >>> keras_rbi.evaluation.probabilities_of(np.array([[0.9, 0.3]]), "sigmoid").round(2).tolist()
    [[0.75, 0.25]]
    """
    outputs = np.asarray(outputs, "float64")
    if _are_logits(outputs, activation):
        return np.exp(_log_softmax(outputs))
    return _of_sigmoids(outputs) if activation == "sigmoid" else outputs


def top_accuracy(outputs: np.ndarray, labels: np.ndarray, count: int) -> float:
    """Share of images whose class is among the `count` with the largest outputs.

    A class that shares its output with others is placed in their middle: a model that says the
    same of all classes is not right about every image.
    """
    of_label = np.take_along_axis(outputs, labels[:, None], -1)
    larger = np.sum(outputs > of_label, -1)
    equal = np.sum(outputs == of_label, -1) - 1
    return float(np.mean(larger + equal / 2 < count))


def cross_entropy(outputs: np.ndarray, labels: np.ndarray, activation: str | None = None) -> float:
    """Mean of minus the logarithm of the probability of an image's class, in nats."""
    outputs = np.asarray(outputs, "float64")
    if _are_logits(outputs, activation):
        logarithms = _log_softmax(outputs)
    else:
        logarithms = np.log(np.clip(probabilities_of(outputs, activation), EPSILON, 1.0))
    return float(-np.mean(np.take_along_axis(logarithms, labels[:, None], -1)))


def calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = CALIBRATION_BINS
) -> float:
    """Expected calibration error of the likeliest class.

    Images are put into bins of equal width by the probability of their likeliest class; the error
    is the mean over the images of the distance between a bin's accuracy and its mean probability.

    Args:
        probabilities: Array of shape `(images, classes)`.
        labels: Integers, shape `(images,)`.
        bins: Integer, number of bins between 0 and 1; each holds its upper end. Defaults to `15`.

    Returns:
        A float from 0 to 1; `nan` where probabilities are no numbers.

    Example:

    >>> sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    >>> keras_rbi.evaluation.calibration_error(sure, np.array([0, 1]))
    0.5
    """
    confidence = probabilities.max(-1)
    if not np.isfinite(confidence).all():
        return float("nan")
    right = np.argmax(probabilities, -1) == labels
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    differences = np.bincount(places, right - confidence, bins)
    return float(np.abs(differences).sum() / len(labels))


def _are_logits(outputs: np.ndarray, activation: str | None) -> bool:
    """Whether outputs are logits; a `ValueError` where they are nothing that is known."""
    if activation in LOGITS:
        return True
    if activation in ("softmax", "sigmoid") or _are_probabilities(outputs):
        return False
    if activation is None:
        return True
    raise ValueError(
        f"Outputs of the activation {activation!r} are no probabilities: they are to be 0 or above "
        f"and to sum to 1. Received: rows from {outputs.min():.3g} to {outputs.max():.3g} with "
        f"sums from {outputs.sum(-1).min():.3g} to {outputs.sum(-1).max():.3g}. Give the model's "
        "head the activation 'softmax', 'sigmoid' or none."
    )


def _of_sigmoids(outputs: np.ndarray) -> np.ndarray:
    sums = outputs.sum(-1, keepdims=True)
    # Where nothing speaks for any class all are as likely.
    return np.where(sums > 0, outputs / np.where(sums > 0, sums, 1.0), 1.0 / outputs.shape[-1])


def _are_probabilities(outputs: np.ndarray) -> bool:
    return bool(np.all(outputs >= 0) and np.all(np.abs(outputs.sum(-1) - 1.0) < 1e-3))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits - logits.max(-1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))
