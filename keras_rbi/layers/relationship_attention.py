"""Attention among the images of a set, eqs. 7 to 12, without tensors of batch² · units."""

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import ops

from keras_rbi.layers.relation_sets import cut, join, pairs_in_use, rows_in_use
from keras_rbi.types import Tensor


class AttentionParts(NamedTuple):
    """The embeddings Z, the residual R, the gate beta of every image, and the attention A."""

    embeddings: Tensor
    residual: Tensor
    gate: Tensor
    weights: Tensor


def attention_logits(query: Tensor, key: Tensor, relations: Tensor | None) -> Tensor:
    """(q_i·k_j + s_ij Σ_d q_id) / √D of every source i and target j: eq. 10 before its softmax."""
    query = query * (1.0 / math.sqrt(query.shape[-1]))
    logits = ops.matmul(query, ops.swapaxes(key, -2, -1))
    if relations is None:
        return logits
    return logits + relations * ops.sum(query, axis=-1, keepdims=True)


def masked_softmax(logits: Tensor, mask: Tensor | None, axis: int) -> Tensor:
    """Softmax over an axis in which masked rows neither get nor give weight."""
    related = None if mask is None else pairs_in_use(mask)
    if related is not None:
        logits = ops.where(related, logits, -1e30)
    weights = ops.exp(logits - ops.stop_gradient(ops.max(logits, axis=axis, keepdims=True)))
    if related is not None:
        weights = ops.where(related, weights, 0.0)
    # A column that is masked whole has no sum to divide by.
    return weights / ops.maximum(ops.sum(weights, axis=axis, keepdims=True), 1e-30)


def attention_weights(
    query: Tensor, key: Tensor, relations: Tensor | None, mask: Tensor | None, axis: int
) -> Tensor:
    """A of eq. 10, `(..., sources, targets)`: the softmax of the logits over an axis."""
    size = query.shape[-2]
    if isinstance(size, int) and size == 1:
        # A set of one, as far as is known: all of its weight is on itself.
        return ops.ones_like(query[..., :1])
    return masked_softmax(attention_logits(query, key, relations), mask, axis)


def with_relation_dropout(weights: Tensor, rate: float, seed: keras.random.SeedGenerator) -> Tensor:
    """A in which each target, with a probability, attends to itself alone."""
    alone = keras.random.uniform(ops.shape(weights)[:-1], seed=seed) < rate
    identity = ops.eye(ops.shape(weights)[-1], dtype=weights.dtype)
    return ops.where(ops.expand_dims(alone, -2), identity, weights)


def attention_embeddings(weights: Tensor, value: Tensor, relations: Tensor | None) -> Tensor:
    """Z of eq. 11: Σ_i A_ij v_i + Σ_i A_ij s_ij of every target j."""
    embeddings = ops.matmul(ops.swapaxes(weights, -2, -1), value)
    if relations is None:
        return embeddings
    return embeddings + ops.expand_dims(ops.sum(weights * relations, axis=-2), -1)


def attention_in_sets(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    relations: Tensor | None,
    mask: Tensor | None,
    size: int | None,
    axis: int,
    dropout: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Eqs. 7 to 11 among the images of each set of a batch.

    Args:
        query: Tensor `(batch, units)`, or `(sets, batch, units)` with `size=None`.
        key: Tensor of the same shape.
        value: Tensor of the same shape.
        relations: S within the sets, as `cut_relations` gives it, or `None` for 0.
        mask: Tensor `(batch,)`, true for images that are sources, or `None` for all.
        size: Images in a set; `None` where the batch is one set.
        axis: `-2` or `-1`, the axis of the softmax.
        dropout: What A goes through, or `None`.

    Returns:
        Z of the images, `(batch, units)`, and A, `(batch, size)`, entry `(i, j)` the weight of
        image i in the j-th of its set.
    """
    batch = ops.shape(query)[0]
    if size not in (None, 1):
        # What fills the last set is no source.
        mask = rows_in_use(mask, query)
    mask = None if mask is None else cut(ops.cast(mask, "bool"), size)
    query, key, value = (cut(rows, size) for rows in (query, key, value))
    if relations is not None and mask is not None:
        relations = ops.where(pairs_in_use(mask), relations, 0.0)
    weights = attention_weights(query, key, relations, mask, axis)
    weights = weights if dropout is None else dropout(weights)
    embeddings = attention_embeddings(weights, value, relations)
    return join(embeddings, size, batch), join(weights, size, batch)


def gated(embeddings: Tensor, residual: Tensor, gate: Tensor) -> Tensor:
    """(1 − β) Z + β R, what eq. 13 normalizes."""
    return (1.0 - gate) * embeddings + gate * residual
