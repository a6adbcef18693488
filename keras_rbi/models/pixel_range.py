"""A check of the pixel range that `fit` is given."""

import warnings
from typing import Any

from keras_rbi.models.batches import first_batch, images_and_mask, images_of, to_numpy

LOOKED_AT = 32


def are_arrays(x: Any) -> bool:
    """Whether images come as an array or a tensor, with or without a mask, rather than as data."""
    return hasattr(x, "shape") or isinstance(x, dict)


def warn_of_unit_range(x: Any, max_value: float) -> Any:
    """Warns of images of 0..1, of -1..1 and of standardised ones where a model takes others.

    Args:
        x: What `fit` takes, of which the first images are looked at: of data that is not an array,
            the first batch is read.
        max_value: The largest value that a pixel can take, as RPE has it.

    Returns:
        The data to train on: `x`, or what takes the place of a generator that was begun.
    """
    if are_arrays(x):
        images = (images_and_mask(x)[0] if isinstance(x, dict) else x)[:LOOKED_AT]
    else:
        first, x = first_batch(x)
        images = images_of(first)
    pixels = to_numpy(images)
    if max_value <= 1 or pixels.dtype.kind in "biu" or not pixels.size:
        return x
    if pixels.min() < 0:
        kind = "are of -1..1" if pixels.min() >= -1 and pixels.max() <= 1 else "are standardised"
        warnings.warn(
            f"The images {kind} (from {pixels.min():.3g} to {pixels.max():.3g}), and this model "
            f"takes raw pixels of 0..{max_value:g}, which it prepares for its backbone itself. "
            "Leave out what rescales them. Where the backbone does take them as they are, pass "
            "preprocessing=None and an RPE with their range, such as rpe=RPE(max_value=2.0).",
            stacklevel=4,
        )
    if pixels.min() >= 0 and 0 < pixels.max() <= 1:
        warnings.warn(
            f"The images are of 0..1, and this model takes pixels of 0..{max_value:g}: to the "
            "backbone and to RPE they look all but black. Leave out what divides them by 255. "
            "Where the backbone does take 0..1, pass rpe=RPE(max_value=1.0) and "
            "preprocessing=None.",
            stacklevel=4,
        )
    return x
