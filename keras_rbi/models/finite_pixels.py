"""One rule for pixels that are no numbers, on every backend and in every export."""

import keras
from keras import ops

from keras_rbi.types import Tensor


def finite_pixels(images: Tensor) -> Tensor:
    """Images with 0 in the place of pixels that are NaN or infinite.

    Backends differ in what they make of such a pixel: a pooling or an activation of one hands NaN
    on, that of another takes it for nothing. So no layer sees any.

    Args:
        images: Tensor of any shape and dtype.

    Returns:
        Tensor like it; all other values are as they were.

    Example:

    >>> import numpy as np
    >>> from keras_rbi.models.finite_pixels import finite_pixels
    >>> np.array(finite_pixels(np.array([1.5, np.nan, np.inf, -np.inf, -2.0], "float32"))).tolist()
    [1.5, 0.0, 0.0, 0.0, -2.0]
    """
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(images.dtype)):
        return images
    # NaN times 0, and infinity times 0, are NaN. Of `nan_to_num` LiteRT makes NaN, and a comparison
    # with infinity has no scale in its integers.
    images = ops.where(images * 0.0 == 0.0, images, 0.0)
    # tf2onnx writes that as products with 0 and 1, which leave NaN, and this as a choice.
    return ops.where(ops.isnan(images), 0.0, images)
