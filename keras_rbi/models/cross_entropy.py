"""How wrong logits are about classes, without a mean over the batch."""

from typing import Any

from keras import ops

Tensor = Any


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-sum_k target_k log softmax(logits)_k.

    Args:
        logits: Tensor of shape `(..., classes)`.
        targets: Probabilities of the same shape, or one that broadcasts to it.

    Returns:
        Tensor of shape `(...,)`.
    """
    return -ops.sum(targets * ops.log_softmax(logits, axis=-1), axis=-1)
