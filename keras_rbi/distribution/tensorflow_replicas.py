"""TensorFlow: replicas of a `tf.distribute` strategy."""

from typing import Any

import tensorflow as tf

from keras_rbi.distribution.replicas import Replicas


def replicas_of(rows: Any, training: bool) -> Replicas | None:
    """Those of the strategy that runs this, in training and in prediction."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    # Of the last batch, replicas may have unequal shares, or none.
    counts = context.all_gather(tf.shape(rows)[:1], axis=0)
    number = context.replica_id_in_sync_group
    begin = tf.reduce_sum(counts[:number])

    def gather(values: Any) -> Any:
        # Collectives of processes take neither booleans nor bytes.
        if values.dtype in (tf.bool, tf.uint8):
            return tf.cast(gather(tf.cast(values, tf.int32)), values.dtype)
        # Of several workers it forgets all sides.
        return tf.ensure_shape(context.all_gather(values, axis=0), (None, *values.shape[1:]))

    def cuts_whole(size: int) -> bool:
        share = rows.shape[0]
        return share is not None and share % size == 0

    return Replicas(
        gather,
        lambda values: values[begin : begin + counts[number]],
        lambda values: context.all_reduce(tf.distribute.ReduceOp.SUM, values),
        cuts_whole,
    )


def check_replica_scope() -> None:
    """Nothing to refuse: a replica knows its rows alone."""
