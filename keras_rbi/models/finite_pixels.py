"""One answer to images whose pixels are no numbers, on every backend and in every export."""

from keras import ops

from keras_rbi.types import Tensor

PIXELS = (-3, -2, -1)


def without_infinite_pixels(images: Tensor) -> tuple[Tensor, Tensor]:
    """Images of finite pixels, and which of them were so.

    Backends differ in what they make of a pixel that is NaN: an activation or a pooling of one
    hands it on, that of another takes it for nothing. So no layer sees any.

    Args:
        images: Tensor of shape `(..., height, width, channels)`.

    Returns:
        The images with 0 in the place of such pixels, and a boolean tensor of shape `(...)`, true
        for images that had none.

    Example:

    >>> import numpy as np
    >>> from keras_rbi.models.finite_pixels import without_infinite_pixels
    >>> images = np.ones((2, 1, 2, 1), "float32")
    >>> images[1, 0, 0, 0] = np.nan
    >>> cleaned, whole = without_infinite_pixels(images)
    >>> np.array(cleaned)[:, 0, :, 0].tolist(), np.array(whole).tolist()
    ([[1.0, 1.0], [0.0, 1.0]], [True, False])
    """
    # Comparisons, which every format has: they are false for NaN.
    finite = ops.abs(images) < float("inf")
    return ops.where(finite, images, ops.zeros_like(images)), ops.all(finite, axis=PIXELS)


def nan_where_not(whole: Tensor, predictions: Tensor) -> Tensor:
    """Predictions, with NaN for every class in rows of images that were not whole.

    Args:
        whole: Boolean tensor of shape `(...)`.
        predictions: Tensor of shape `(..., classes)`.
    """
    nan = ops.full_like(predictions, float("nan"))
    return ops.where(ops.expand_dims(whole, -1), predictions, nan)
