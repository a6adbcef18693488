"""Backbones by name."""

import difflib
from collections.abc import Callable
from pathlib import Path

import keras

from keras_rbi.backbones import applications, efficientnet_lite, hub
from keras_rbi.backbones.catalogue import SMALL_CNN, BackboneInfo, available
from keras_rbi.backbones.small_cnn import SmallCNN
from keras_rbi.backbones.weights_file import load_weights_file

IMAGENET = "imagenet"


def get(name: str, weights: str | Path | None = None, image_size: int | None = None) -> keras.Model:
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
    if info.name in hub.HUB_BACKBONES:
        return hub.build(info.name, weights, size)
    if info.name in efficientnet_lite.LITE_BACKBONES:
        return efficientnet_lite.build(info.name, weights, size)
    build: Callable[..., keras.Model] = (
        _build_small_cnn if info.name == SMALL_CNN else applications.build
    )
    if weights is None or weights == IMAGENET:
        return build(info.name, weights, size)
    backbone = build(info.name, None, size)
    load_weights_file(backbone, Path(weights))
    return backbone


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
    nearest = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.0)
    raise ValueError(
        f"There is no backbone {name!r}. Did you mean "
        f"{' or '.join(known[match].name for match in nearest)}? "
        "`keras-rbi backbones` lists them all."
    )


def _build_small_cnn(name: str, weights: str | None, image_size: int) -> keras.Model:
    if weights is not None:
        raise ValueError(f"{name} has no ImageNet weights. Train it from scratch.")
    return SmallCNN((image_size, image_size, 3))
