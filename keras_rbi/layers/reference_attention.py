"""Attention of every image to itself and to references, as if those made up its batch."""

import math

from keras import ops

from keras_rbi.types import Tensor

Projections = tuple[Tensor, Tensor, Tensor]
Sources = tuple[Tensor, Tensor | None, Tensor]


def reference_attention(
    images: Projections,
    references: Sources,
    relations: Tensor | None,
    reference_relations: Tensor | None,
    softmax_axis: int = -2,
) -> tuple[Tensor, Tensor]:
    """Eqs. 10 and 11 for every image in a batch of its own: itself and the references.

    No operation goes across the images. The work grows as their number times that of the
    references.

    Args:
        images: Query, key and value of the images, `(batch, units)` each.
        references: Those of the references, `(references, units)` each. The key may be `None`
            where the softmax is over the sources.
        relations: S of each image to itself and to the references, `(batch, 1 + references)`.
            Without it S is 0.
        reference_relations: S of the references to each other, `(references, references)`.
        softmax_axis: `-2`, over the sources, or `-1`, over the targets.

    Returns:
        Z of the images, `(batch, units)`, and the weights of their sources, the image itself first,
        `(batch, 1 + references)`.
    """
    query, key, value = images
    source_query, target_key, source_value = references
    scale = 1.0 / math.sqrt(query.shape[-1])
    query, source_query = query * scale, source_query * scale
    query_sum = ops.sum(query, axis=-1, keepdims=True)
    source_query_sum = ops.expand_dims(ops.sum(source_query, axis=-1), 0)

    to_self = ops.sum(query * key, axis=-1, keepdims=True)
    from_references = ops.matmul(key, ops.transpose(source_query))
    if relations is not None:
        to_self = to_self + relations[:, :1] * query_sum
        from_references = from_references + relations[:, 1:] * source_query_sum
    logits = ops.concatenate([to_self, from_references], axis=-1)

    if softmax_axis == -2:
        weights = ops.softmax(logits, axis=-1)
    else:
        # Each source also has the references for targets, and shares its weight out among all.
        to_references = ops.matmul(query, ops.transpose(target_key))
        among_references = ops.matmul(source_query, ops.transpose(target_key))
        if relations is not None:
            to_references = to_references + relations[:, 1:] * query_sum
            among_references = among_references + reference_relations * ops.transpose(
                source_query_sum
            )
        of_self = ops.logsumexp(to_references, axis=-1, keepdims=True)
        of_references = ops.expand_dims(ops.logsumexp(among_references, axis=-1), 0)
        others = ops.concatenate([of_self, ops.ones_like(to_self) * of_references], axis=-1)
        weights = ops.sigmoid(logits - others)

    embeddings = weights[:, :1] * value + ops.matmul(weights[:, 1:], source_value)
    if relations is not None:
        embeddings = embeddings + ops.sum(weights * relations, axis=-1, keepdims=True)
    return embeddings, weights
