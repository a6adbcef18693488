"""A look at the pixels that `fit` is given."""

import warnings
from typing import Any

from keras_rbi.models.batches import images_and_mask, images_of, to_numpy

LOOKED_AT = 32


def are_arrays(x: Any) -> bool:
    """Whether images come as an array or a tensor, with or without a mask, rather than as data."""
    return hasattr(x, "shape") or isinstance(x, dict)


def warn_of_unit_range(x: Any, max_value: float) -> None:
    """Warns of images of 0..1 where a model takes others.

    Args:
        x: What `fit` takes, of which the first images are looked at: of data that is not an array,
            the first batch is read.
        max_value: The largest value that a pixel can take, as RPE has it.
    """
    if are_arrays(x):
        images = (images_and_mask(x)[0] if isinstance(x, dict) else x)[:LOOKED_AT]
    else:
        # A `PyDataset` has batches by number; others can be gone through again.
        images = images_of(x[0] if hasattr(x, "__getitem__") else next(iter(x)))
    pixels = to_numpy(images)
    if max_value <= 1 or pixels.dtype.kind in "biu" or not pixels.size:
        return
    if pixels.min() >= 0 and 0 < pixels.max() <= 1:
        warnings.warn(
            f"The images are of 0..1, and this model takes pixels of 0..{max_value:g}: to the "
            "backbone and to RPE they look all but black. Leave out what divides them by 255. "
            "Where the backbone does take 0..1, pass rpe=RPE(max_value=1.0) and "
            "preprocessing=None.",
            stacklevel=3,
        )
