"""Relations S and attention A of a batch, as matrices."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_rbi.models.batch_attention import batch_attention
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.models.relations import check_attention


@dataclass(frozen=True)
class RelationMatrix:
    """Relations and attention of one batch, all of shape `(batch, batch)`.

    Row i is the source, the image that is looked at; column j the target, the image whose
    embedding is made. Where the model cuts batches into groups, entries across groups are 0.

    Attributes:
        relations: S of the model's `RPE`.
        attention: A, with S.
        attention_without_rpe: A of the same weights where S is 0.
    """

    relations: np.ndarray
    attention: np.ndarray
    attention_without_rpe: np.ndarray

    def numbers(self) -> dict[str, dict[str, float]]:
        """`diagonal_dominance` and `asymmetry` of each matrix, by its name."""
        return {
            name: {
                "diagonal_dominance": diagonal_dominance(matrix),
                "asymmetry": asymmetry(matrix),
            }
            for name, matrix in (
                ("relations", self.relations),
                ("attention", self.attention),
                ("attention_without_rpe", self.attention_without_rpe),
            )
        }


def diagonal_dominance(matrix: np.ndarray) -> float:
    """How far the diagonal stands out: `(d - o) / (d + o)`.

    d is the mean of the entries on the diagonal, o that of all others.

    Args:
        matrix: Square array of numbers, 0 or above, of at least two rows.

    Returns:
        1 where all but the diagonal is 0, 0 where the diagonal is like the rest, -1 where the
        diagonal is 0.

    Example:

    >>> from keras_rbi.explanations.relation_matrix import diagonal_dominance
    >>> diagonal_dominance(np.array([[3.0, 1.0], [1.0, 3.0]]))
    0.5
    """
    others = ~np.eye(len(matrix), dtype=bool)
    on, off = float(np.diagonal(matrix).mean()), float(matrix[others].mean())
    return (on - off) / (on + off) if on + off else 0.0


def asymmetry(matrix: np.ndarray) -> float:
    """How far a matrix M is from its transpose, off the diagonal: `|M - M'| / |M + M'|`.

    Both are Frobenius norms, square roots of sums of squares.

    Args:
        matrix: Square array of numbers, 0 or above, of at least two rows.

    Returns:
        0 where M is symmetric, 1 where of each pair of entries one is 0.

    Example:

    >>> from keras_rbi.explanations.relation_matrix import asymmetry
    >>> asymmetry(np.array([[9.0, 3.0], [1.0, 9.0]]))
    0.5
    """
    pairs = np.where(np.eye(len(matrix), dtype=bool), 0.0, matrix)
    both = float(np.linalg.norm(pairs + pairs.T))
    return float(np.linalg.norm(pairs - pairs.T)) / both if both else 0.0


def relation_matrix(
    model: RelationalClassifier, images: Any, features: Any = None
) -> RelationMatrix:
    """Relations and attention of one batch, with and without RPE.

    The images relate to their batch whatever `model.relations` is, which is left as it was.
    Without RPE, S is 0 in eqs. 10 and 11 and the weights of the model are the same. To compare with
    a model that was trained without RPE, call this with each.

    Args:
        model: A model whose attention is `RRA`, such as an `RBIModel`.
        images: Array `(batch, height, width, channels)` as the model takes it, 0..255: one batch of
            at least two images.
        features: The images' features where they are known, as `model.feature_model()` gives
            them: the backbone is then not run. Defaults to `None`.

    Returns:
        A `RelationMatrix`; `plot_relation_matrix` draws it.

    Raises:
        ValueError: If the model has no attention to look into, or if there is one image only.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> matrix = keras_rbi.explanations.relation_matrix(model, images)
    >>> matrix.attention.shape, matrix.numbers()["relations"]["asymmetry"] < 1e-6
    ((4, 4), True)
    """
    check_attention(model)
    check_batch(images)
    if features is None:
        features = model.feature_model().predict_on_batch(images)
    found = batch_attention(model, images, "batch", features)
    with model.use_relations("batch"):
        features = model.unpack(ops.convert_to_tensor(features))
        without = ops.convert_to_numpy(model.attention(features, None).weights)
    matrices = (found.relations, found.weights, np.asarray(without, "float32"))
    return RelationMatrix(*(across_groups(each) for each in matrices))


def across_groups(weights: np.ndarray) -> np.ndarray:
    """Entries within groups, shape `(batch, group_size)`, as a matrix with 0 across groups."""
    batch, size = weights.shape
    if batch == size:
        return weights
    matrix = np.zeros((batch, batch), "float32")
    for row in range(batch):
        begin = row // size * size
        end = min(begin + size, batch)
        matrix[row, begin:end] = weights[row, : end - begin]
    return matrix


def check_batch(images: Any) -> None:
    """Raises a `ValueError` for less than two images."""
    if len(images) < 2:
        raise ValueError(
            "Relations are those of at least two images. Received: a batch of "
            f"{len(images)}. Pass images (batch, height, width, channels)."
        )
