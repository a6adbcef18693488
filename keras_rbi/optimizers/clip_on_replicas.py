"""Clipping of gradients whose parts replicas of TensorFlow have: of their sum, as on one device."""

from collections.abc import Callable, Sequence
from typing import Any


def clip_on_replicas(
    gradients: Sequence[Any], clip: Callable[[list[Any]], list[Any]]
) -> list[Any] | None:
    """Clips the sum over replicas, which Keras makes only afterwards, of each one's own clipped.

    Args:
        gradients: Tensors, the part of this replica; `None` for those of variables that are not
            used.
        clip: Function that clips a list of gradients.

    Returns:
        Equal parts of what is clipped, to be added up; `None` where there are no replicas.
    """
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    there = [gradient for gradient in gradients if gradient is not None]
    sums = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, there))
    clipped = clip([None if each is None else next(sums) for each in gradients])
    count = context.num_replicas_in_sync
    return [None if each is None else each / tf.cast(count, each.dtype) for each in clipped]
