"""Gradients on PyTorch."""

from collections.abc import Callable

import torch


def pullback(
    function: Callable[[torch.Tensor], torch.Tensor], at: torch.Tensor
) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]:
    """As `keras_rbi.explanations.gradients.pullback`, of tensors."""
    with torch.enable_grad():
        at = at.detach().clone().requires_grad_()
        value = function(at)

    def pull(gradients: torch.Tensor) -> torch.Tensor:
        if not value.requires_grad:
            return torch.zeros_like(at)
        (pulled,) = torch.autograd.grad(value, at, gradients, retain_graph=True, allow_unused=True)
        return torch.zeros_like(at) if pulled is None else pulled

    return value, pull
