"""Gradients of functions of tensors, on whichever backend Keras runs."""

import importlib
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_rbi.types import Tensor

Pull = Callable[[np.ndarray], np.ndarray]


def pullback(function: Callable[[Tensor], Tensor], at: np.ndarray) -> tuple[np.ndarray, Pull]:
    """Value of a function, and how its gradients follow from those of its value.

    Args:
        function: Function of one tensor that gives one tensor, in `keras.ops`.
        at: Array to compute it at.

    Returns:
        The float32 value, and a function from gradients with respect to the value (an array of its
        shape) to gradients with respect to `at`. It can be called more than once.

    Example:

    >>> from keras_rbi.explanations.gradients import pullback
    >>> value, pull = pullback(keras.ops.square, np.array([1.0, 3.0]))
    >>> value.tolist(), pull(np.array([1.0, 10.0])).tolist()
    ([1.0, 9.0], [2.0, 60.0])
    """
    backend = importlib.import_module(f"{__name__}.{keras.config.backend()}")
    value, pull = backend.pullback(
        lambda tensor: ops.cast(function(tensor), "float32"),
        ops.convert_to_tensor(np.asarray(at, "float32")),
    )

    def pull_arrays(gradients: np.ndarray) -> np.ndarray:
        pulled = pull(ops.convert_to_tensor(np.asarray(gradients, "float32")))
        return np.asarray(ops.convert_to_numpy(pulled), "float32")

    return np.asarray(ops.convert_to_numpy(value)), pull_arrays
