"""One prediction for several images of one thing: the mean of their log-probabilities."""

import numpy as np
from scipy.special import log_softmax

from keras_rbi.evaluation.classification_scores import EPSILON


def mean_log_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """The mean over images of log p, with p of at least 1e-7.

    Args:
        probabilities: Array of shape `(..., images, classes)`.

    Returns:
        float64 array of shape `(..., classes)`.
    """
    return np.log(np.clip(np.asarray(probabilities, "float64"), EPSILON, 1.0)).mean(-2)


def observation_probabilities(probabilities: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities of an observation, from those of its images.

    They are proportional to exp(mean log p / temperature). The mean, and not the sum, takes
    images of one thing for one piece of evidence: those of a burst are nearly the same. How much
    more several of them say than one is what the temperature tells.

    Args:
        probabilities: Array of shape `(..., images, classes)`.
        temperature: Float above 0; below 1 it makes predictions surer. Defaults to `1.0`.

    Returns:
        float64 array of shape `(..., classes)`, whose rows sum to 1.

    Example:

    >>> images = np.array([[0.9, 0.1], [0.4, 0.6]])
    >>> keras_rbi.evaluation.observation_probabilities(images).round(3).tolist()
    [0.71, 0.29]
    """
    logarithms = mean_log_probabilities(probabilities) / temperature
    return np.asarray(np.exp(log_softmax(logarithms, -1)))


def image_supports(probabilities: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """What each image of an observation adds to its prediction, in nats.

    It is the image's share in the logarithm of the odds of the likeliest class against the second:
    the supports of all images sum to that logarithm. One below 0 speaks for the second.

    Args:
        probabilities: Array of shape `(images, classes)`, of at least two classes.
        temperature: As in `observation_probabilities`. Defaults to `1.0`.

    Returns:
        float64 array of shape `(images,)`.

    Example:

    >>> images = np.array([[0.9, 0.1], [0.4, 0.6]])
    >>> keras_rbi.evaluation.image_supports(images).round(3).tolist()
    [1.099, -0.203]
    """
    logarithms = np.log(np.clip(np.asarray(probabilities, "float64"), EPSILON, 1.0))
    first, second = np.argsort(-logarithms.mean(0), kind="stable")[:2]
    return np.asarray(
        (logarithms[:, first] - logarithms[:, second]) / len(logarithms) / temperature
    )
