"""A step of rectified Adam for many tensors at once, as Keras's own Adam makes it on PyTorch."""

from typing import Any


def rectified_adam_on_torch(
    gradients: list[Any],
    variables: list[Any],
    momentums: list[Any],
    velocities: list[Any],
    beta_1: float,
    beta_2: float,
    epsilon: float,
    plain: Any,
    adaptive: Any,
    is_adaptive: Any,
    decay: Any = None,
) -> None:
    """Moves variables by their gradients in place, in a few calls for all of them together.

    Equations as in `RectifiedAdam.update_step`; a call for each variable costs more than its
    arithmetic where there are hundreds.

    Args:
        gradients: Tensors, one for each variable, of its shape and dtype.
        variables: Tensors of one dtype, which are changed.
        momentums: Their first moments, which are changed.
        velocities: Their second moments, which are changed.
        beta_1: Float, decay of the first moments.
        beta_2: Float, decay of the second.
        epsilon: Float.
        plain: Scalar tensor, the step size of momentum.
        adaptive: Scalar tensor, the step size where it is divided by the second moment's root.
        is_adaptive: Scalar boolean tensor, which of the two it is. A tensor, so that no device is
            waited for.
        decay: Scalar tensor, the share of the variables that is taken off them, or `None`.
    """
    import torch

    if decay is not None:
        torch._foreach_mul_(variables, 1.0 - decay)
    torch._foreach_lerp_(momentums, gradients, 1.0 - beta_1)
    torch._foreach_lerp_(velocities, torch._foreach_mul(gradients, gradients), 1.0 - beta_2)
    divisors = torch._foreach_sqrt(velocities)
    # root·1 + epsilon, or root·0 + 1.
    torch._foreach_mul_(divisors, is_adaptive.to(divisors[0].dtype))
    torch._foreach_add_(divisors, torch.where(is_adaptive, epsilon, 1.0).to(divisors[0].dtype))
    step = torch.where(is_adaptive, adaptive, plain)
    torch._foreach_sub_(
        variables, torch._foreach_div(torch._foreach_mul(momentums, step), divisors)
    )
