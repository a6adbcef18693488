"""Attention among the images of a batch, eqs. 10 and 11, without tensors of batch² · units."""

import math
from typing import Any

from keras import ops

from keras_rbi.layers.relation_groups import pairs_in_use

Tensor = Any


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


def attention_embeddings(weights: Tensor, value: Tensor, relations: Tensor | None) -> Tensor:
    """Σ_i A_ij v_i + Σ_i A_ij s_ij of every target j, eq. 11."""
    embeddings = ops.matmul(ops.swapaxes(weights, -2, -1), value)
    if relations is None:
        return embeddings
    return embeddings + ops.expand_dims(ops.sum(weights * relations, axis=-2), -1)
