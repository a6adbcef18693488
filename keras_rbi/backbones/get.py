"""Backbones by name."""

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keras_rbi._lazy import resolve
from keras_rbi.backbones.backbone_info import BackboneInfo
from keras_rbi.backbones.catalogue import available, of_applications

if TYPE_CHECKING:
    import keras


def get(
    name: str, weights: str | Path | None = None, image_size: int | None = None
) -> "keras.Model":
    """Builds a backbone without its classifier.

    Args:
        name: The name of one of `available()`; upper and lower case do not matter.
        weights: `None` to start from scratch, `"imagenet"` for the weights that the library of
            the backbone has (see `BackboneInfo.weights`), or a path: a `.weights.h5` file of this
            backbone, the `.pth` file of an EfficientNet-Lite, or the folder of a Hugging Face or
            keras_hub checkpoint of a backbone of keras_hub. Defaults to `None`.
        image_size: Integer, side of the images in pixels. Defaults to `None`, that of the
            catalogue.

    Returns:
        A `keras.Model` from images to maps or tokens, to be fed as `RBIModel` feeds it.

    Raises:
        ValueError: If the name is unknown, if the backbone does not take images of that size, if
            the extra that has it is not installed, or if the weights cannot be read or
            downloaded.

    Example:

    >>> keras_rbi.backbones.get("SmallCNN", image_size=32).output_shape
    (None, 2, 2, 128)
    """
    info = find(name)
    size = info.image_size if image_size is None else image_size
    if size < 1:
        raise ValueError(f"`image_size` must be a positive integer. Received: {image_size}.")
    return info.build(weights, size)


def find(name: str) -> BackboneInfo:
    """The catalogue's entry of a name.

    Args:
        name: A name, in upper or lower case.

    Returns:
        A `BackboneInfo`.

    Raises:
        ValueError: If there is none, with the three nearest names.
    """
    known = {info.name.lower(): info for info in available()}
    if name.lower() in known:
        return known[name.lower()]
    if (newer := _newer_application(name)) is not None:
        return newer
    nearest = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.0)
    raise ValueError(
        f"There is no backbone {name!r}. Did you mean "
        f"{' or '.join(known[match].name for match in nearest)}? "
        "`keras-rbi backbones` lists them all."
    )


def _newer_application(name: str) -> BackboneInfo | None:
    """A model that `keras.applications` gained after the table was made, where Keras is loaded."""
    if "keras" not in sys.modules:
        return None
    constructors = resolve("keras_rbi.backbones.applications:constructors")()
    return next(
        (of_applications(each) for each in constructors if each.lower() == name.lower()), None
    )
