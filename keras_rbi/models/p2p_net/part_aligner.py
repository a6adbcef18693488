"""Alignment of parts: the assignment of an image's parts to those of its prototype."""

import itertools
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_rbi.types import Tensor

MATCHINGS = ("intended", "official")
MOST_PARTS = 6
DECAY = 0.9


@keras.saving.register_keras_serializable(package="keras_rbi")
class PartAligner(keras.layers.Layer):
    """Orders the parts of each image as those of all images before, by how they correlate.

    The layer keeps a mean C_i of the features of the i-th parts. Of all orders pi of an image's
    parts P it takes the one whose correlations are most like those of the means,

    ```
    sum_ij A_ij B_pi(i)pi(j),   A = C Cᵀ / max(C Cᵀ),   B = P Pᵀ / max(P Pᵀ)
    ```

    the first in lexicographic order of equal ones, and the order as given as long as there are no
    means. In training the means then take in the ordered parts of the batch, the n images before
    weighing 0.9 n.

    Args:
        matching: `"intended"`, as above; or `"official"`, the rule of the published program, whose
            search applies each order to the outcome of the one before and so is right hardly
            more often than by chance. Defaults to `"intended"`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        parts: Tensor of shape `(batch, parts, features)`, 2 to 6 parts.
        training: Boolean, whether the means learn from the batch.

    Input shape:
        `(batch, parts, features)`.

    Output shape:
        `(batch, parts)`, int32: the i-th part is the one with the i-th of these numbers.

    Raises:
        ValueError: If `matching` is unknown, or if there are too few parts or too many.

    Example:

    >>> aligner = keras_rbi.models.p2p_net.PartAligner()
    >>> parts = np.array([[[3.0, 0.0, 0.0], [0.0, 2.0, 1.0], [0.0, 1.0, 2.0]]], "float32")
    >>> _ = aligner(parts, training=True)
    >>> np.asarray(keras.ops.convert_to_numpy(aligner(parts[:, [1, 0, 2]]))).tolist()
    [[1, 0, 2]]

    Reference:
        [Yang et al., 2022](https://doi.org/10.1109/CVPR52688.2022.00520).
    """

    def __init__(self, matching: str = "intended", **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        if matching not in MATCHINGS:
            raise ValueError(f"`matching` must be one of {MATCHINGS}. Received: {matching!r}.")
        self.matching = matching

    def build(self, parts_shape: Any) -> None:
        _, count, features = parts_shape
        if not 2 <= count <= MOST_PARTS:
            raise ValueError(
                f"Every order of the parts is tried: 2 to {MOST_PARTS} parts can be. Received: "
                f"{count}."
            )
        self.tried, self.orders = orders_of(count, self.matching)
        state = {"dtype": "float32", "initializer": "zeros", "trainable": False}
        self.centers = self.add_weight(shape=(count, features), name="centers", **state)
        # Of images, all that the means were made of.
        self.count = self.add_weight(shape=(), name="count", **state)
        self.built = True

    def call(self, parts: Tensor, training: bool | None = None) -> Tensor:
        parts = ops.stop_gradient(ops.cast(parts, "float32"))
        order = self._order(parts)
        if training:
            ordered = ops.take_along_axis(parts, ops.expand_dims(order, -1), axis=1)
            self._take_in(ops.mean(ordered, axis=0), ops.cast(ops.shape(parts)[0], "float32"))
        return order

    def compute_output_spec(self, parts: Any, training: bool | None = None) -> Any:
        return keras.KerasTensor(parts.shape[:2], dtype="int32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "matching": self.matching}

    def _order(self, parts: Tensor) -> Tensor:
        count = parts.shape[1]
        of_centers = ops.reshape(_correlations(ops.convert_to_tensor(self.centers)), (-1,))
        of_parts = ops.reshape(_correlations(parts), (-1, count * count))
        pairs = self.tried[:, :, None] * count + self.tried[:, None, :]
        of_orders = ops.take(of_parts, pairs.reshape(len(pairs), -1), axis=1)
        best = ops.argmax(ops.sum(of_orders * of_centers, axis=-1), axis=1)
        return ops.take(ops.convert_to_tensor(self.orders), best, axis=0)

    def _take_in(self, means: Tensor, images: Tensor) -> None:
        before = DECAY * self.count
        self.centers.assign((before * self.centers + images * means) / (before + images))
        self.count.assign(self.count + images)


def orders_of(count: int, matching: str = "intended") -> tuple[np.ndarray, np.ndarray]:
    """The orders of parts that are tried, and those that are answered for them.

    Args:
        count: Integer, how many parts there are.
        matching: As for `PartAligner`.

    Returns:
        int32 arrays `(orders, count)`, no order tried twice.

    Example:

    >>> tried, answered = keras_rbi.models.p2p_net.part_aligner.orders_of(3, "official")
    >>> tried[2].tolist(), answered[2].tolist()
    ([2, 0, 1], [1, 0, 2])
    """
    predictions: dict[tuple[int, ...], tuple[int, ...]] = {}
    composed = tuple(range(count))
    for order in itertools.permutations(range(count)):
        composed = tuple(composed[place] for place in order)
        predictions.setdefault(composed if matching == "official" else order, order)
    return np.array(list(predictions), "int32"), np.array(list(predictions.values()), "int32")


def _correlations(rows: Tensor) -> Tensor:
    """Products of all pairs of rows, the largest of an image 1."""
    products = ops.matmul(rows, ops.swapaxes(rows, -1, -2))
    largest = ops.max(products, axis=(-2, -1), keepdims=True)
    return products / ops.where(largest > 0, largest, 1.0)
