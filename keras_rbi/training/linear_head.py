"""The best linear classifier of features, without a learning rate or a number of epochs."""

import numpy as np

from keras_rbi.evaluation.logistic_regression import LogisticRegression
from keras_rbi.evaluation.out_of_sample import WEIGHT_DECAYS, best_weight_decay

# Up to so many training images the weight decay is found by folds of them, five fits for each
# value: validation images are few then too, and would choose by chance.
FEW = 1000


def linear_head(
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    classes: int,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a Dense layer of features as they are, by logistic regression.

    The regression is of features less their mean, over one scale for all. Each over its own
    deviation, features that hardly vary, and say little, would count as much as the others: on
    features of EfficientNet-Lite0 that costs five points and more. Where training images are few,
    the weight decay is that with the least cross-entropy over folds of them, else over the
    validation images.

    Args:
        training: Features of shape `(images, features)` and integer labels, of the training images.
        validation: The same of the validation images.
        classes: Integer, how many classes there are.
        seed: Integer, of the folds. Defaults to `0`.

    Returns:
        Arrays of shape `(features, classes)` and `(classes,)`.

    Example:

    >>> from keras_rbi.training.linear_head import linear_head
    >>> known = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> kernel, bias = linear_head(known, known, classes=2)
    >>> (np.array([[0.5], [2.5]]) @ kernel + bias).argmax(1).tolist()
    [0, 1]
    """
    mean = training[0].mean(0)
    scale = float(np.sqrt(np.mean(training[0].var(0)))) or 1.0
    features, labels = (training[0] - mean) / scale, np.asarray(training[1])
    if len(labels) <= FEW:
        weight_decay = best_weight_decay(features, labels, classes, seed=seed)
        fitted = LogisticRegression(weight_decay).fit(features, labels, classes)
    else:
        known = (validation[0] - mean) / scale, np.asarray(validation[1])
        fitted = _best_on(known, features, labels, classes)
    kernel = fitted.weights / scale
    return kernel, fitted.biases - mean @ kernel


def _best_on(
    validation: tuple[np.ndarray, np.ndarray],
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
) -> LogisticRegression:
    """That with the least cross-entropy on validation images; each begins with the one before."""
    rows = np.arange(len(validation[1]))
    best = fitted = LogisticRegression(WEIGHT_DECAYS[0]).fit(features, labels, classes)
    least = np.inf
    for weight_decay in WEIGHT_DECAYS:
        fitted = LogisticRegression(weight_decay).fit(features, labels, classes, fitted)
        probabilities = fitted.probabilities(validation[0])[rows, validation[1]]
        loss = -np.log(np.maximum(probabilities, 1e-12)).mean()
        if loss >= least:
            break
        best, least = fitted, loss
    return best
