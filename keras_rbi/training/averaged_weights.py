"""Validation by an exponential moving average of the weights."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops


class EvaluateAveragedWeights(keras.callbacks.Callback):
    """Puts the optimizer's moving average of the weights in their place while a model is tested.

    `keras.callbacks.SwapEMAWeights` does so too, but on TensorFlow by adding and subtracting,
    which leaves rounding errors in the weights; here they come back to the bit. Statistics of
    batch normalisation are moving averages already and stay.
    """

    def __init__(self) -> None:
        super().__init__()
        self._swapped = ExitStack()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Keeps the weights and takes their average."""
        self._swapped.enter_context(averages_in_place(self.model))

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Gives the weights back."""
        self._swapped.close()


@contextmanager
def averages_in_place(model: keras.Model) -> Iterator[None]:
    """Gives a model its averaged weights, and then its own again, to the bit."""
    weights = [_copy(variable) for variable in model.trainable_variables]
    take_averages(model)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, weights, strict=True):
            variable.assign(value)


def take_averages(model: keras.Model) -> None:
    """Sets the weights to their moving average, if the optimizer keeps one."""
    model.optimizer.finalize_variable_values(model.trainable_variables)
    for variable in model.trainable_variables:
        # On JAX variable and average are one array now, which the next step would use up.
        variable.assign(_copy(variable))


def _copy(variable: Any) -> np.ndarray:
    # What Keras returns may be a view of the variable.
    return np.array(ops.convert_to_numpy(variable))
