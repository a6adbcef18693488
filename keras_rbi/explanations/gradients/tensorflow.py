"""Gradients on TensorFlow."""

from collections.abc import Callable

import tensorflow as tf

from keras_rbi.types import Tensor


def pullback(
    function: Callable[[Tensor], Tensor], at: Tensor
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """As `keras_rbi.explanations.gradients.pullback`, of tensors."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(at)
        value = function(at)

    def pull(gradients: Tensor) -> Tensor:
        return tape.gradient(
            value, at, gradients, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )

    return value, pull
