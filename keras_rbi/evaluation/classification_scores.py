"""How good the answers of a classifier are: accuracies, loss and calibration."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# The least probability that a loss counts, as in keras.losses.
EPSILON = 1e-7
CALIBRATION_BINS = 15
TOP = 5


@dataclass(frozen=True)
class ClassificationScores:
    """Scores of one set of answers.

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


def classification_scores(outputs: np.ndarray, labels: np.ndarray) -> ClassificationScores:
    """Scores of a model's outputs.

    Args:
        outputs: Array of shape `(images, classes)`: probabilities or logits, as in
            `probabilities_of`.
        labels: Whole numbers, shape `(images,)`.

    Returns:
        A `ClassificationScores`.

    Example:

    >>> outputs = np.array([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3]])
    >>> keras_rbi.evaluation.classification_scores(outputs, np.array([0, 1])).top1
    0.5
    """
    probabilities = probabilities_of(outputs)
    return ClassificationScores(
        top1=float(np.mean(np.argmax(outputs, -1) == labels)),
        top5=top_accuracy(outputs, labels, TOP),
        loss=cross_entropy(outputs, labels),
        calibration_error=calibration_error(probabilities, labels),
    )


def probabilities_of(outputs: np.ndarray) -> np.ndarray:
    """Outputs of a model as probabilities.

    Args:
        outputs: Array of shape `(images, classes)`. Where all rows are without negative values and
            sum to 1 within 1e-3 they are taken for probabilities, and otherwise for logits.

    Returns:
        float64 array of the same shape.

    Example:

    >>> keras_rbi.evaluation.probabilities_of(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    outputs = np.asarray(outputs, "float64")
    return outputs if _are_probabilities(outputs) else np.exp(_log_softmax(outputs))


def top_accuracy(outputs: np.ndarray, labels: np.ndarray, count: int) -> float:
    """Share of images whose class is among the `count` with the largest outputs.

    A class that shares its output with others is placed in their middle: a model that says the
    same of all classes is not right about every image.
    """
    of_label = np.take_along_axis(outputs, labels[:, None], -1)
    larger = np.sum(outputs > of_label, -1)
    equal = np.sum(outputs == of_label, -1) - 1
    return float(np.mean(larger + equal / 2 < count))


def cross_entropy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Mean of minus the logarithm of the probability of an image's class, in nats."""
    outputs = np.asarray(outputs, "float64")
    if _are_probabilities(outputs):
        logarithms = np.log(np.clip(outputs, EPSILON, 1.0))
    else:
        logarithms = _log_softmax(outputs)
    return float(-np.mean(np.take_along_axis(logarithms, labels[:, None], -1)))


def calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = CALIBRATION_BINS
) -> float:
    """Expected calibration error of the likeliest class.

    Images are put into bins of equal width by the probability of their likeliest class; the error
    is the mean over the images of the distance between a bin's accuracy and its mean probability.

    Args:
        probabilities: Array of shape `(images, classes)`.
        labels: Whole numbers, shape `(images,)`.
        bins: Integer, number of bins between 0 and 1; each holds its upper end. Defaults to `15`.

    Returns:
        A float from 0 to 1.

    Example:

    >>> sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    >>> keras_rbi.evaluation.calibration_error(sure, np.array([0, 1]))
    0.5
    """
    confidence = probabilities.max(-1)
    right = np.argmax(probabilities, -1) == labels
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    differences = np.bincount(places, right - confidence, bins)
    return float(np.abs(differences).sum() / len(labels))


def _are_probabilities(outputs: np.ndarray) -> bool:
    return bool(np.all(outputs >= 0) and np.all(np.abs(outputs.sum(-1) - 1.0) < 1e-3))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits - logits.max(-1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))
