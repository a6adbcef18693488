"""From which probability on a prediction may be called sure, found on validation images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import log_softmax

from keras_rbi.evaluation.classification_scores import EPSILON
from keras_rbi.evaluation.observation_calibration import best_temperature

# Of what is called sure, so much is to be right.
GOAL = 0.95
# Of fewer images neither a temperature nor a threshold would be more than chance.
LEAST_IMAGES = 20


@dataclass(frozen=True)
class Confidence:
    """What validation images say of a model's probabilities.

    Attributes:
        temperature: What probabilities are softened with, so that they are, in the mean, as high
            as predictions are right.
        threshold: The calibrated probability from which on a prediction is sure, or `None` where
            there is none with which 95 of 100 are right.
        images: How many validation images there were.
        sure: Share of them that is sure.
        right: Share of the sure ones that is right.
    """

    temperature: float = 1.0
    threshold: float | None = None
    images: int = 0
    sure: float = 0.0
    right: float | None = None

    def calibrated(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities `(..., classes)` at the temperature."""
        logarithms = np.log(np.clip(np.asarray(probabilities, "float64"), EPSILON, 1.0))
        return np.asarray(np.exp(log_softmax(logarithms / self.temperature, -1)))

    def is_sure(self, probabilities: np.ndarray) -> bool:
        """Whether a prediction, probabilities `(classes,)`, is right 95 times of 100."""
        if self.threshold is None:
            return False
        return bool(self.calibrated(probabilities).max() >= self.threshold)

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {**asdict(self), "goal": GOAL}


def find_confidence(probabilities: np.ndarray, labels: np.ndarray) -> Confidence | None:
    """Temperature and threshold of a model.

    The threshold is the lowest with which of the N sure predictions, R of them right,
    (R + 1) / (N + 2) is 0.95 at least: a handful that happened to be right is not enough.

    Args:
        probabilities: Of validation images, shape `(images, classes)`.
        labels: Integers, shape `(images,)`.

    Returns:
        A `Confidence`, or `None` of fewer than twenty images.

    Example:

    >>> from keras_rbi.serving.confidence import find_confidence
    >>> probabilities = np.array([[0.9, 0.1]] * 60 + [[0.6, 0.4]] * 40)
    >>> found = find_confidence(probabilities, np.array([0] * 59 + [1] + [0] * 20 + [1] * 20))
    >>> found.sure, round(found.right, 3)
    (0.6, 0.983)
    """
    if len(labels) < LEAST_IMAGES:
        return None
    logarithms = np.log(np.clip(np.asarray(probabilities, "float64"), EPSILON, 1.0))
    plain = Confidence(best_temperature(logarithms, labels))
    calibrated = plain.calibrated(probabilities)
    best = calibrated.max(-1)
    right = (calibrated.argmax(-1) == labels)[np.argsort(-best, kind="stable")]
    values = -np.sort(-best)
    count = np.arange(1, len(values) + 1)
    reached = (np.cumsum(right) + 1) / (count + 2) >= GOAL
    # A threshold takes all that are as probable.
    ends = np.append(values[1:] < values[:-1], True)
    if not (reached & ends).any():
        return Confidence(plain.temperature, None, len(values))
    last = int(np.flatnonzero(reached & ends)[-1])
    return Confidence(
        plain.temperature,
        float(values[last]),
        len(values),
        float((last + 1) / len(values)),
        float(right[: last + 1].mean()),
    )
