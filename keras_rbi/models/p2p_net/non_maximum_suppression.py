"""Non-maximum suppression of boxes."""

import numpy as np
from keras import ops

from keras_rbi.types import Tensor


def non_maximum_suppression(scores: Tensor, boxes: np.ndarray, count: int) -> Tensor:
    """Takes the best box again and again, leaving out those it overlaps by a quarter or more.

    Overlap is the intersection by the union, compared in integers. Where no box is left that
    keeps apart from all that were taken, the best of the others is taken. Nothing is learned
    through the choice.

    Args:
        scores: Tensor of shape `(batch, boxes)`, finite.
        boxes: Integer array `(boxes, 4)` of top, left, bottom, right in pixels.
        count: Integer, how many boxes are taken of each image, at most as many as there are.

    Returns:
        Integer tensor of shape `(batch, count)`, numbers of boxes, in the order they are taken.

    Raises:
        ValueError: If there are fewer boxes than `count`.

    Example:

    >>> boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 8], [20, 20, 29, 29]])
    >>> from keras_rbi.models.p2p_net.non_maximum_suppression import non_maximum_suppression
    >>> taken = non_maximum_suppression(np.array([[0.9, 0.8, 0.1]]), boxes, 2)
    >>> np.asarray(keras.ops.convert_to_numpy(taken)).tolist()
    [[0, 2]]

    Reference:
        Non-maximum suppression, as [Yang et al., 2018](https://arxiv.org/abs/1809.00287) takes
        parts by it.
    """
    if not 1 <= count <= len(boxes):
        raise ValueError(
            f"Of {len(boxes)} boxes, 1 to {len(boxes)} can be taken. Received: count={count}."
        )
    scores = ops.stop_gradient(ops.convert_to_tensor(scores))
    edges = ops.convert_to_tensor(boxes, "int32")
    numbers = ops.arange(len(boxes), dtype="int32")
    apart = ops.ones_like(scores, dtype="bool")
    free = apart
    taken = []
    for _ in range(count):
        open_boxes = ops.where(ops.any(apart, axis=1, keepdims=True), apart, free)
        best = ops.argmax(ops.where(open_boxes, scores, -np.inf), axis=1)
        taken.append(best)
        free = ops.logical_and(free, ops.expand_dims(ops.cast(best, "int32"), 1) != numbers)
        apart = ops.logical_and(apart, _keeps_apart(ops.take(edges, best, axis=0), edges))
    return ops.stack(taken, axis=1)


def _keeps_apart(of_images: Tensor, edges: Tensor) -> Tensor:
    """Whether 4 · intersection < union, for a box of each image and every box."""
    of_images = ops.expand_dims(of_images, 1)
    top_left = ops.maximum(of_images[..., :2], edges[:, :2])
    sides = ops.maximum(ops.minimum(of_images[..., 2:], edges[:, 2:]) - top_left, 0)
    intersection = sides[..., 0] * sides[..., 1]
    union = _area(of_images) + _area(edges) - intersection
    return 4 * intersection < union


def _area(edges: Tensor) -> Tensor:
    return (edges[..., 2] - edges[..., 0]) * (edges[..., 3] - edges[..., 1])
