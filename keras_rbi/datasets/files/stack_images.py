"""Images as a batch."""

from __future__ import annotations

from collections.abc import Iterable

from keras_rbi._lazy import np


def stack_images(images: Iterable[np.ndarray], count: int) -> np.ndarray:
    """Puts images into a batch one by one, while the processor's cache still has each.

    `numpy.stack` takes them all at once: for images of 224 x 224, half as long again.

    Args:
        images: The images.
        count: Integer, how many there are.

    Returns:
        Array of shape `(count, *shape)`, where the images have the shape `shape`.

    Raises:
        ValueError: If images differ in shape or in dtype.
    """
    batch = None
    for place, image in enumerate(images):
        if batch is None:
            batch = np.empty((count, *image.shape), image.dtype)
        if (image.shape, image.dtype) != (batch.shape[1:], batch.dtype):
            raise ValueError(
                "The images of a batch must have one shape and one dtype. Received: one of shape "
                f"{image.shape} and dtype {image.dtype} after one of shape {batch.shape[1:]} and "
                f"dtype {batch.dtype}. Have `augment` return them alike."
            )
        batch[place] = image
    assert batch is not None
    return batch
