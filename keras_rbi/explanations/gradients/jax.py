"""Gradients on JAX."""

from collections.abc import Callable

import jax

from keras_rbi.types import Tensor


def pullback(
    function: Callable[[Tensor], Tensor], at: Tensor
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """As `keras_rbi.explanations.gradients.pullback`, of tensors."""
    value, pull = jax.vjp(function, at)
    return value, lambda gradients: pull(gradients)[0]
