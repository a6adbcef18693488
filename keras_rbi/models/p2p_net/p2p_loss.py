"""The loss that P2P-Net is trained with, image by image."""

from typing import Any

from keras import ops

from keras_rbi.models.cross_entropy import cross_entropy
from keras_rbi.types import Tensor

# Of the first stage to the last and of all together: coarse features are asked for less.
PEAKS = (0.7, 0.8, 0.9, 1.0)
ALIGNMENT_WEIGHT = 0.1


def peaked(targets: Tensor, peak: float) -> Tensor:
    """Labels of which a share is spread evenly over the other classes.

    Args:
        targets: Probabilities of the classes, shape `(..., classes)`.
        peak: Float, what a label keeps.

    Returns:
        Tensor of the same shape.
    """
    others = (1.0 - peak) / (targets.shape[-1] - 1)
    return peak * targets + others * (1.0 - targets)


def ranking(scores: Tensor, losses: Tensor) -> Tensor:
    """How far parts that are classified worse are from being scored lower, by a margin of 1.

    sum_ij [loss_j > loss_i] max(0, 1 - score_i + score_j)

    Args:
        scores: What the proposer gave, tensor of shape `(batch, parts)`.
        losses: Cross-entropies of the parts, of the same shape; compared, not learned.

    Returns:
        Tensor of shape `(batch,)`.
    """
    worse = ops.expand_dims(losses, 1) > ops.expand_dims(losses, 2)
    margins = 1.0 - ops.expand_dims(scores, 2) + ops.expand_dims(scores, 1)
    return ops.sum(ops.where(worse, ops.relu(margins), 0.0), axis=(1, 2))


def alignment(embeddings: Tensor, aligned: Tensor) -> Tensor:
    """Cross-entropy of what the aligned parts say against what the image says, as distributions.

    -sum_c softmax(embedding)_c log softmax(aligned)_c. Both learn.

    Args:
        embeddings: Tensor of shape `(batch, features)`.
        aligned: Tensor of the same shape.

    Returns:
        Tensor of shape `(batch,)`.
    """
    embeddings, aligned = ops.cast(embeddings, "float32"), ops.cast(aligned, "float32")
    return cross_entropy(aligned, ops.softmax(embeddings, axis=-1))


def p2p_loss(outputs: dict[str, Any], targets: Tensor) -> Tensor:
    """The sum of the images', the parts', the ranking's and the alignment's loss.

    Args:
        outputs: What `P2PNet.outputs_of` gives.
        targets: Probabilities of the classes, shape `(batch, classes)`.

    Returns:
        Tensor of shape `(batch,)`.
    """
    of_parts = ops.expand_dims(targets, 1)
    wrong = cross_entropy(outputs["part_logits"][-1], of_parts)
    loss = ranking(outputs["part_scores"], wrong)
    for logits, part_logits, peak in zip(
        outputs["logits"], outputs["part_logits"], PEAKS, strict=True
    ):
        loss = loss + cross_entropy(logits, peaked(targets, peak))
        loss = loss + ops.mean(cross_entropy(part_logits, peaked(of_parts, peak)), axis=1)
    for embeddings, aligned in zip(outputs["embeddings"], outputs["aligned"], strict=True):
        loss = loss + ALIGNMENT_WEIGHT * alignment(embeddings, aligned)
    return loss
