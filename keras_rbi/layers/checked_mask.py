"""A check of the mask that tells real images from padding."""

from typing import Any

from keras import ops

from keras_rbi.types import Tensor


def checked_mask(mask: Any, rows_shape: Any) -> Tensor | None:
    """The mask as booleans, one for each image.

    A mask of another shape, such as a column, would be broadcast against the rows and make
    something of another rank of them.

    Args:
        mask: Tensor, array or list of a value for each image; or `None`.
        rows_shape: Shape of the axes of images: `(batch,)`, or `(sets, batch)`. Sizes that are open
            are not looked at.

    Returns:
        Boolean tensor of that shape, or `None`.

    Raises:
        ValueError: If the mask has another shape.

    Example:

    >>> from keras_rbi.layers.checked_mask import checked_mask
    >>> np.array(checked_mask([1, 1, 0], (3,))).tolist()
    [True, True, False]
    >>> checked_mask(np.ones((3, 1)), (3,))
    Traceback (most recent call last):
        ...
    ValueError: The mask must have a value for each image, shape (3,). Received: mask of \
shape (3, 1).
    """
    if mask is None:
        return None
    mask = ops.convert_to_tensor(mask)
    check_mask_shape(mask.shape, rows_shape)
    return ops.cast(mask, "bool")


def check_mask_shape(mask_shape: Any, rows_shape: Any) -> None:
    """Raises a `ValueError` for the shape of a mask that is not that of the rows."""
    fits = len(mask_shape) == len(rows_shape) and all(
        # A comparison of open sizes would be traced as a condition on them.
        not (isinstance(own, int) and isinstance(rows, int)) or own == rows
        for own, rows in zip(mask_shape, rows_shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"The mask must have a value for each image, shape {_shown(rows_shape)}. "
            f"Received: mask of shape {_shown(mask_shape)}."
        )


def _shown(shape: Any) -> str:
    return str(tuple(shape))
