"""Multinomial logistic regression on feature vectors.

scikit-learn has one too, which the tests compare with; it is no dependency of the package, and
scipy, which has the optimizer, is.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

MOST_STEPS = 300


class LogisticRegression:
    """A linear classifier of feature vectors, with probabilities.

    It minimises the mean cross-entropy plus `weight_decay / 2` times the sum of squared weights;
    biases are free.

    Args:
        weight_decay: Float, at least 0.

    Attributes:
        weights: float array of shape `(features, classes)`.
        biases: float array of shape `(classes,)`.

    Example:

    >>> from keras_rbi.evaluation.logistic_regression import LogisticRegression
    >>> features = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> found = LogisticRegression(0.01).fit(features, np.array([0, 0, 1, 1]), classes=2)
    >>> found.probabilities(np.array([[1.5]])).round(3).tolist()
    [[0.5, 0.5]]
    """

    weights: np.ndarray
    biases: np.ndarray

    def __init__(self, weight_decay: float) -> None:
        self.weight_decay = weight_decay

    def fit(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        classes: int,
        start: "LogisticRegression | None" = None,
    ) -> "LogisticRegression":
        """Finds weights and biases.

        Args:
            features: Array of shape `(images, features)`, best of mean 0 and variance 1.
            labels: Integers, shape `(images,)`.
            classes: Integer, how many classes there are, those without images included.
            start: One that is fitted, to begin with its weights. Defaults to `None`.

        Returns:
            Itself.
        """
        images, width = features.shape
        rows = np.arange(images)

        def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
            both = flat.reshape(width + 1, classes)
            weights, biases = both[:-1], both[-1]
            logs = log_softmax(features @ weights.astype(features.dtype) + biases, 1)
            loss = -logs[rows, labels].mean() + self.weight_decay / 2 * np.sum(weights**2)
            error = np.exp(logs)
            error[rows, labels] -= 1.0
            error /= images
            gradient = np.empty_like(both)
            gradient[:-1] = features.T @ error.astype(features.dtype)
            gradient[:-1] += self.weight_decay * weights
            gradient[-1] = error.sum(0)
            return float(loss), gradient.reshape(-1)

        begin = np.zeros((width + 1) * classes)
        if start is not None:
            begin = np.concatenate([start.weights.reshape(-1), start.biases])
        found = minimize(
            loss_and_gradient,
            begin,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MOST_STEPS, "gtol": 1e-5},
        )
        both = found.x.reshape(width + 1, classes)
        self.weights, self.biases = both[:-1], both[-1]
        return self

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Probabilities of feature vectors, float64 of shape `(images, classes)`."""
        scores = features @ self.weights.astype(features.dtype) + self.biases
        return np.asarray(softmax(scores, axis=1), "float64")
