"""Relations and attention of one batch, as a model computes them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.models.relations import check_attention


@dataclass(frozen=True)
class BatchAttention:
    """Relations and attention of one batch, as NumPy arrays.

    Attributes:
        relations: S of `RPE`, shape `(batch, batch)`; with references `(batch, 1 + references)`;
            of images that relate to themselves alone `(batch, 1)`; with groups
            `(batch, group_size)`.
        weights: The attention A, shaped as `relations`. In `(batch, batch)`, entry `(i, j)` is
            the weight of source i in target j, and columns sum to 1 with the default softmax
            axis. With references, row j holds the weights in image j, its own first.
        beta: The gate, from 0 (what attention found) to 1 (the image's own residual), shape
            `(batch,)`; the mean over the features where the gate has one for each.
        features: What attention is put on, N, shape `(batch, embedding_dim)`.
        combined: What is classified in its place, C of RBI, shape `(batch, units)`.
    """

    relations: np.ndarray
    weights: np.ndarray
    beta: np.ndarray
    features: np.ndarray
    combined: np.ndarray


def batch_attention(
    model: RelationalClassifier, images: Any, relations: str = "batch", features: Any = None
) -> BatchAttention:
    """Relations and attention of one batch.

    Args:
        model: A model whose attention is `RRA`, such as an `RBIModel`. Its own relations mode is
            left as it was.
        images: Images `(batch, height, width, channels)` of the model's size, 0..255: one batch.
        relations: `"batch"`, `"self"` or `"references"`, as `RBIModel` has them. Defaults to
            `"batch"`.
        features: The images' features where they are known, as `model.feature_model()` gives
            them: the backbone is then not run. Defaults to `None`.

    Returns:
        A `BatchAttention`.

    Raises:
        ValueError: If the model's attention is a layer that is not derived from `RRA`.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> attention = keras_rbi.models.batch_attention(model, images)
    >>> attention.weights.shape, bool(np.allclose(attention.weights.sum(0), 1, atol=1e-5))
    ((4, 4), True)
    """
    check_attention(model)
    images = np.asarray(images) if isinstance(images, (list, tuple)) else images
    if features is None:
        features = model.feature_model().predict_on_batch(images)
    with model.use_relations(relations):
        related = model.encode_relations(ops.convert_to_tensor(images), training=False)
        features = model.unpack(ops.convert_to_tensor(features))
        parts = model.attention(features, related)
        combined = model.attend(features, related, training=False)
    arrays = [
        np.asarray(ops.convert_to_numpy(value), "float32")
        for value in (
            related,
            parts.weights,
            parts.gate,
            model.attention_features(features),
            model.attention_features(combined),
        )
    ]
    arrays[2] = arrays[2].mean(-1)
    return BatchAttention(*arrays)
