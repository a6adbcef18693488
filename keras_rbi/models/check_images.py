"""A check that images are of the shape that a model takes."""

from typing import Any

from keras_rbi.models.batches import IMAGES
from keras_rbi.models.pixel_range import are_arrays


def check_shape(shape: Any, expected: Any) -> None:
    """Refuses images of another shape, which a network of convolutions may take all the same.

    Args:
        shape: Shape of a batch of images.
        expected: That of the model's input. Sizes that are open, in either, are not looked at.

    Raises:
        ValueError: If they do not fit.

    Example:

    >>> from keras_rbi.models.check_images import check_shape
    >>> check_shape((8, 32, 32, 3), (None, 32, 32, 3))
    >>> check_shape((8, 32, 32, 3), (None, None, None, 3))
    >>> check_shape((32, 32, 3), (None, 32, 32, 3))
    Traceback (most recent call last):
        ...
    ValueError: The model takes a batch of images of shape (32, 32, 3). \
Received: shape (32, 32, 3). One image is a batch of one: images[None].
    """
    shape, expected = tuple(shape), tuple(expected)
    # A comparison of open sizes would be traced as a condition on them.
    fits = len(shape) == len(expected) and all(
        not (isinstance(given, int) and isinstance(own, int)) or given == own
        for given, own in zip(shape[1:], expected[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"The model takes a batch of images of shape {expected[1:]}. Received: shape {shape}."
            + (" One image is a batch of one: images[None]." if shape == expected[1:] else "")
        )


def check_arrays(x: Any, expected: Any) -> None:
    """Refuses an array of images of another shape, and one that holds no image.

    Args:
        x: What `predict` and `evaluate` take; what is no array is not looked at.
        expected: Shape of the model's input.

    Raises:
        ValueError: If the images do not fit.
    """
    images: Any = x.get(IMAGES) if isinstance(x, dict) else x
    if not are_arrays(x) or not hasattr(images, "shape"):
        return
    check_shape(images.shape, expected)
    if images.shape[0] == 0:
        raise ValueError(f"There is no image. Received: images of shape {tuple(images.shape)}.")
