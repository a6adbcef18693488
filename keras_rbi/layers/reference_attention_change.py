"""How attention to references changes with the image that attends."""

import math

from keras import ops

from keras_rbi.layers.reference_attention import Projections
from keras_rbi.types import Tensor


def reference_attention_change(
    images: Projections,
    changes: Projections,
    references: Projections,
    weights: Tensor,
    relations: Tensor | None,
    softmax_axis: int = -2,
) -> Tensor:
    """The derivative of Z of `reference_attention` in directions of the images' features.

    The references stay as they are, and so do the relations, which are of pixels.

    Args:
        images: Query, key and value of the images, `(batch, units)` each.
        changes: Their derivatives in each direction, `(batch, directions, units)` each.
        references: Query, key and value of the references, `(references, units)` each. The key may
            be `None` where the softmax is over the sources.
        weights: A of the images, `(batch, 1 + references)`, the image itself first.
        relations: S as in `reference_attention`, or `None`.
        softmax_axis: As in `reference_attention`.

    Returns:
        Tensor of shape `(batch, directions, units)`.
    """
    query, key, value = (ops.expand_dims(each, 1) for each in images)
    of_query, of_key, of_value = changes
    source_query, target_key, source_value = references
    scale = 1.0 / math.sqrt(query.shape[-1])
    of_query = of_query * scale
    of_query_sum = ops.sum(of_query, axis=-1, keepdims=True)
    weights = ops.expand_dims(weights, 1)
    relations = None if relations is None else ops.expand_dims(relations, 1)

    to_self = ops.sum(of_query * key + scale * query * of_key, axis=-1, keepdims=True)
    from_references = ops.matmul(of_key, ops.transpose(source_query * scale))
    if relations is not None:
        to_self = to_self + relations[..., :1] * of_query_sum
    of_logits = ops.concatenate([to_self, from_references], axis=-1)

    if softmax_axis == -2:
        mean = ops.sum(weights * of_logits, axis=-1, keepdims=True)
        of_weights = weights * (of_logits - mean)
    else:
        # What the image as a source gives the references, it has less of for itself.
        to_references = ops.matmul(scale * query, ops.transpose(target_key))
        of_others = ops.matmul(of_query, ops.transpose(target_key))
        if relations is not None:
            query_sum = ops.sum(scale * query, axis=-1, keepdims=True)
            to_references = to_references + relations[..., 1:] * query_sum
            of_others = of_others + relations[..., 1:] * of_query_sum
        shares = ops.softmax(to_references, axis=-1)
        of_self = to_self - ops.sum(shares * of_others, axis=-1, keepdims=True)
        of_logits = ops.concatenate([of_self, from_references], axis=-1)
        of_weights = weights * (1.0 - weights) * of_logits

    change = weights[..., :1] * of_value + of_weights[..., :1] * value
    change = change + ops.matmul(of_weights[..., 1:], source_value)
    if relations is not None:
        change = change + ops.sum(of_weights * relations, axis=-1, keepdims=True)
    return change
