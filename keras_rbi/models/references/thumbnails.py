"""Downscaled images, and the error that this makes."""

from keras import ops

from keras_rbi.types import Tensor


def thumbnails(images: Tensor, factor: int, data_format: str) -> tuple[Tensor, Tensor]:
    """Means over squares of pixels, and the mean square of the details that they lose.

    Details of different images have nothing to do with each other, so that the mean squared
    difference of two images is about that of their thumbnails plus the details of both.

    Args:
        images: Tensor `(batch, height, width, channels)`, or `(batch, channels, height, width)`.
        factor: Integer, side of the squares. Pixels beyond the last whole square are left out.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        The float32 thumbnails, and float32 details of shape `(batch,)`.
    """
    images = ops.cast(images, "float32")
    row_axis = 1 if data_format == "channels_last" else 2
    shape, index, means_over = [-1], [slice(None)], []
    for axis, size in enumerate(images.shape[1:], start=1):
        if axis in (row_axis, row_axis + 1):
            means_over.append(len(shape) + 1)
            shape += [size // factor, factor]
            index.append(slice(0, size // factor * factor))
        else:
            shape.append(size)
            index.append(slice(None))
    squares = ops.reshape(images[tuple(index)], shape)
    means = ops.mean(squares, axis=means_over, keepdims=True)
    details = ops.mean(ops.square(squares - means), axis=tuple(range(1, len(shape))))
    return ops.squeeze(means, axis=tuple(means_over)), details
