"""Embeddings before and after attention, and how well they separate classes."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_rbi.evaluation.cluster_scores import knn_purity, silhouette
from keras_rbi.models.batch_attention import batch_attention
from keras_rbi.models.batches import to_numpy
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.models.relations import check_attention

BATCH_SIZE = 32


@dataclass(frozen=True)
class EmbeddingScores:
    """How well features keep classes together.

    Attributes:
        features: `"before"` or `"after"` the attention.
        silhouette: From -1 to 1, in all dimensions of the features.
        knn_purity: Share of the 10 nearest neighbours that are of an image's class, likewise.
    """

    features: str
    silhouette: float
    knn_purity: float

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


def embeddings_before_and_after(
    model: RelationalClassifier, images: Any, relations: str | None = None
) -> dict[str, np.ndarray]:
    """Features of images before and after RRA.

    With relations `"batch"` they are taken in batches of 32 in a shuffled order: in a class-sorted
    one an image would be mixed with its class.

    Args:
        model: A model whose attention is `RRA`, such as an `RBIModel`.
        images: Images `(images, height, width, channels)` of the model's size, 0..255.
        relations: `"self"`, `"batch"` or `"references"`. Defaults to `None`, the model's own mode.

    Returns:
        `"before"`, N, of shape `(images, embedding_dim)`, and `"after"`, C, of shape
        `(images, units)`, both in the order of the images.

    Raises:
        ValueError: If the model has no attention to look into.
    """
    check_attention(model)
    images = to_numpy(images)
    order = np.random.default_rng(0).permutation(len(images))
    found = [
        batch_attention(
            model, images[order[at : at + BATCH_SIZE]], relations or str(model.relations)
        )
        for at in range(0, len(images), BATCH_SIZE)
    ]
    back = np.argsort(order)
    return {
        "before": np.concatenate([one.features for one in found])[back],
        "after": np.concatenate([one.combined for one in found])[back],
    }


def embedding_scores(embeddings: dict[str, np.ndarray], labels: Any) -> list[EmbeddingScores]:
    """The numbers of an embedding map.

    Args:
        embeddings: What `embeddings_before_and_after` gives.
        labels: Integers, shape `(images,)`.

    Returns:
        An `EmbeddingScores` for each.
    """
    labels = to_numpy(labels)
    return [
        EmbeddingScores(name, silhouette(rows, labels), knn_purity(rows, labels))
        for name, rows in embeddings.items()
    ]
