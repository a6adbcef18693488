"""Attention weights by class and the gate, averaged over batches."""

import math
from dataclasses import dataclass, fields
from typing import Any

import keras
import numpy as np

from keras_rbi._deprecation import moved_method
from keras_rbi.checks import positive_integer
from keras_rbi.evaluation.evaluate_protocol import shuffled_order
from keras_rbi.evaluation.extract_features import ExtractedFeatures, extract_features
from keras_rbi.models.batch_attention import batch_attention
from keras_rbi.models.relations import check_attention


@dataclass(frozen=True)
class AttentionDiagnostics:
    """Means over test images of what their attention is like, with relations "batch".

    A column of A holds the weights of the batch's images in one of them. Where columns do not sum
    to 1, with `softmax_axis=-1`, they are divided by their sums.

    Attributes:
        batch_size: Images that relate to each other: the test batch size, or the group size.
        seed: Seed of the shuffled order in which batches are cut off.
        images: Number of test images.
        entropy: Entropy of a column in nats: 0 where one image has all the weight, and the
            logarithm of the batch size where all have the same.
        relative_entropy: The entropy divided by that logarithm, from 0 to 1.
        on_self: Weight on the image itself.
        on_same_class: Weight on other images of its class.
        on_others: Weight on images of other classes.
        uniform_on_self: What `on_self` would be if all images had the same weight.
        uniform_on_same_class: Likewise for `on_same_class`.
        uniform_on_others: Likewise for `on_others`.
        beta: The gate: 0 where the prediction comes from what attention found, 1 where from the
            image's own residual.
        relative_entropies: The relative entropy of each image's column, in the data's order.
    """

    batch_size: int
    seed: int
    images: int
    entropy: float
    relative_entropy: float
    on_self: float
    on_same_class: float
    on_others: float
    uniform_on_self: float
    uniform_on_same_class: float
    uniform_on_others: float
    beta: float
    relative_entropies: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """The means, ready for JSON."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != "relative_entropies"
        }

    def summary(self) -> str:
        """The means in words."""
        return (
            f'Attention, relations "batch", test batches of {self.batch_size}, shuffled with seed '
            f"{self.seed}: {100 * self.on_self:.1f} % of the weight on oneself, "
            f"{100 * self.on_same_class:.1f} % on others of the class and "
            f"{100 * self.on_others:.1f} % on other classes (uniform: "
            f"{100 * self.uniform_on_self:.1f}, {100 * self.uniform_on_same_class:.1f} and "
            f"{100 * self.uniform_on_others:.1f}); entropy {self.entropy:.2f} nats, "
            f"{100 * self.relative_entropy:.0f} % of the largest; mean beta {self.beta:.2f} "
            "(1: the image's own residual alone)."
        )

    def figure(self) -> Any:
        """Deprecated: `keras_rbi.figures.attention_figure` draws it."""
        return moved_method(self, "figure", "keras_rbi.figures:attention_figure")(self)


def attention_diagnostics(
    model: keras.Model, data: Any, batch_size: int = 32, seed: int = 0
) -> AttentionDiagnostics:
    """What the attention of a model is like on test images, with relations "batch".

    Args:
        model: A model whose attention is `RRA`, such as an `RBIModel`. Its own relations mode is
            left as it was.
        data: As in `evaluate_protocol`.
        batch_size: Integer; images that full batches leaves over are left out.
            Defaults to `32`.
        seed: Integer, of the shuffled order. Defaults to `0`.

    Returns:
        An `AttentionDiagnostics`.

    Raises:
        ValueError: If the model has no relations, or if there are fewer images than one batch.

    Example:

    >>> test = keras_rbi.datasets.typefaces.load("test", per_class=1, image_size=16)
    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> model = keras_rbi.RBIModel(backbone, class_names=test.class_names, embedding_dim=16)
    >>> found = keras_rbi.evaluation.attention_diagnostics(model, test, batch_size=8)
    >>> found.images, round(found.on_self + found.on_same_class + found.on_others, 4)
    (16, 1.0)
    """
    positive_integer("batch_size", batch_size)
    return diagnostics_of(extract_features(model, data), batch_size, seed)


def diagnostics_of(
    extracted: ExtractedFeatures, batch_size: int, seed: int
) -> AttentionDiagnostics:
    """As `attention_diagnostics`, of what `extract_features` has made."""
    check_attention(extracted.model)
    assert extracted.features is not None
    assert extracted.images is not None
    size = extracted.model.group_size or batch_size
    order = shuffled_order(len(extracted), seed)
    order = order[: len(order) // size * size]
    if len(order) == 0:
        raise ValueError(
            f"There are {len(extracted)} test images, fewer than a batch of {size}. Pass a smaller "
            "`batch_size`."
        )
    entropies, weights, uniform, gates = [], [], [], []
    for rows in order.reshape(-1, size):
        found = batch_attention(
            extracted.model, extracted.images[rows], "batch", extracted.features[rows]
        )
        columns = found.weights / np.maximum(found.weights.sum(0, keepdims=True), 1e-30)
        logarithms = np.log(np.maximum(columns, 1e-30))
        entropies.append(-np.sum(columns * logarithms, 0))
        labels = extracted.labels[rows]
        weights.append(_shares(columns, labels))
        uniform.append(_shares(np.full((size, size), 1.0 / size), labels))
        gates.append(found.beta)
    joined = np.concatenate(entropies)
    relative = joined / math.log(size) if size > 1 else np.zeros_like(joined)
    on_self, on_same_class, on_others = np.mean(weights, 0).tolist()
    uniform_on_self, uniform_on_same_class, uniform_on_others = np.mean(uniform, 0).tolist()
    return AttentionDiagnostics(
        batch_size=size,
        seed=seed,
        images=len(order),
        entropy=float(joined.mean()),
        relative_entropy=float(relative.mean()),
        on_self=on_self,
        on_same_class=on_same_class,
        on_others=on_others,
        uniform_on_self=uniform_on_self,
        uniform_on_same_class=uniform_on_same_class,
        uniform_on_others=uniform_on_others,
        beta=float(np.mean(gates)),
        relative_entropies=relative[np.argsort(order)],
    )


def _shares(columns: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean weight of a column on itself, on others of its class, and on other classes."""
    itself = np.eye(len(labels), dtype=bool)
    same = labels[:, None] == labels[None]
    parts = (itself, same & ~itself, ~same)
    return np.array([np.where(part, columns, 0.0).sum(0).mean() for part in parts])
