"""Gradients on PyTorch."""

from collections.abc import Callable

import torch

from keras_rbi.types import Tensor


def pullback(
    function: Callable[[Tensor], Tensor], at: Tensor
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """As `keras_rbi.explanations.gradients.pullback`, of tensors."""
    with torch.enable_grad():
        at = at.detach().clone().requires_grad_()
        value = function(at)

    def pull(gradients: Tensor) -> Tensor:
        if not value.requires_grad:
            return torch.zeros_like(at)
        (pulled,) = torch.autograd.grad(value, at, gradients, retain_graph=True, allow_unused=True)
        return torch.zeros_like(at) if pulled is None else pulled

    return value, pull
