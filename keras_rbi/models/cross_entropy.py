"""Per-sample cross-entropy from logits."""

from keras import ops

from keras_rbi.types import Tensor


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-sum_k target_k log softmax(logits)_k.

    Args:
        logits: Tensor of shape `(..., classes)`.
        targets: Probabilities of the same shape, or one that broadcasts to it.

    Returns:
        Tensor of shape `(...,)`.
    """
    return -ops.sum(targets * ops.log_softmax(logits, axis=-1), axis=-1)
