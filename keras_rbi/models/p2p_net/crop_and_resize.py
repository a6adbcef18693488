"""Crop and resize of parts of images."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_rbi.types import Tensor


def crop_and_resize(images: Tensor, boxes: Tensor, sides: Sequence[int]) -> Tensor:
    """Cuts boxes out of images and resizes them, bilinearly.

    The first and the last row of a crop are the first and the last row of its box, and the others
    lie evenly between ("align corners"). Where a box reaches beyond its image there are zeros.

    Each row of a crop is a mixture of two rows of the image, and each column of two columns, so
    that two products of matrices cut out all boxes at once.

    Args:
        images: Tensor of shape `(batch, height, width, channels)`.
        boxes: Integer tensor of shape `(batch, count, 4)`: top, left, bottom, right in pixels, the
            last two exclusive.
        sides: Height and width of a crop in pixels.

    Returns:
        Tensor of shape `(batch, count, *sides, channels)`, of the images' dtype.

    Example:

    >>> images = np.arange(16.0, dtype="float32").reshape(1, 4, 4, 1)
    >>> from keras_rbi.models.p2p_net.crop_and_resize import crop_and_resize
    >>> crop = crop_and_resize(images, np.array([[[1, 1, 4, 4]]]), (2, 2))
    >>> np.asarray(keras.ops.convert_to_numpy(crop)).ravel().tolist()
    [5.0, 7.0, 13.0, 15.0]
    """
    rows, columns = (
        _mixture(boxes[..., axis], boxes[..., axis + 2], images.shape[1 + axis], side, images.dtype)
        for axis, side in enumerate(sides)
    )
    by_rows = ops.einsum("bnyh,bhwc->bnywc", rows, images)
    return ops.einsum("bnxw,bnywc->bnyxc", columns, by_rows)


def _mixture(first: Tensor, end: Tensor, length: int, side: int, dtype: Any) -> Tensor:
    """How much of each of `length` pixels is in each of `side` pixels of a crop."""
    first = ops.expand_dims(ops.cast(first, "float32"), -1)
    end = ops.expand_dims(ops.cast(end, "float32"), -1)
    steps = ops.arange(side, dtype="float32") / max(side - 1, 1)
    places = ops.expand_dims(first + steps * (end - 1.0 - first), -1)
    distances = ops.abs(places - ops.arange(length, dtype="float32"))
    return ops.cast(ops.relu(1.0 - distances), dtype)
