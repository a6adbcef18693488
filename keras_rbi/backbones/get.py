"""Backbones by name."""

import difflib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from keras_rbi.backbones.small_cnn import SmallCNN

SMALL_CNN = "SmallCNN"
SMALL_CNN_IMAGE_SIZE = 64
IMAGE_SIZE = 224


def available() -> list[str]:
    """Names that `get` takes: `SmallCNN` and the models of `keras.applications`."""
    return [SMALL_CNN, *sorted(_application_models())]


def get(name: str, weights: str | Path | None = None, image_size: int | None = None) -> keras.Model:
    """Builds a backbone without its classifier.

    Args:
        name: One of `available()`; upper and lower case do not matter.
        weights: `None` to start from scratch, `"imagenet"` for the weights that
            `keras.applications` downloads, or a path to a `.weights.h5` file of this backbone.
            Defaults to `None`.
        image_size: Integer, side of the images in pixels. Defaults to `None`: 64 for `SmallCNN`
            and 224 for the others.

    Returns:
        A `keras.Model` from images of 0..255, prepared as the model expects them, to maps.

    Raises:
        ValueError: If the name is unknown, if the backbone does not take images of that size, or
            if the weights cannot be read or downloaded.

    Example:

    >>> keras_rbi.backbones.get("SmallCNN", image_size=32).output_shape
    (None, 2, 2, 128)
    """
    known = {candidate.lower(): candidate for candidate in available()}
    if name.lower() not in known:
        nearest = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.0)
        raise ValueError(
            f"There is no backbone {name!r}. Did you mean "
            f"{' or '.join(known[match] for match in nearest)}?"
        )
    name = known[name.lower()]
    size = image_size or (SMALL_CNN_IMAGE_SIZE if name == SMALL_CNN else IMAGE_SIZE)
    backbone = _build(name, size, "imagenet" if weights == "imagenet" else None)
    if weights is not None and weights != "imagenet":
        _load_weights(backbone, Path(weights))
    return backbone


def _build(name: str, size: int, weights: str | None) -> keras.Model:
    if name == SMALL_CNN:
        if weights is not None:
            raise ValueError("SmallCNN has no ImageNet weights. Train it from scratch.")
        return SmallCNN((size, size, 3))
    build = _application_models()[name]
    try:
        return build(include_top=False, weights=weights, input_shape=(size, size, 3))
    except ValueError as error:
        raise ValueError(f"{name} cannot be built for {size}x{size} images: {error}") from error
    except Exception as error:
        if weights is None:
            raise
        raise ValueError(
            f"The ImageNet weights of {name} cannot be downloaded ({error}). With no network, "
            "start from scratch with weights 'none', or give the path of a .weights.h5 file."
        ) from error


def _load_weights(backbone: keras.Model, path: Path) -> None:
    if not path.is_file():
        raise ValueError(f"There is no file of weights {str(path)!r}.")
    try:
        backbone.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{str(path)!r} does not hold the weights of {backbone.name!r}: {reason}"
        ) from error


def _application_models() -> dict[str, Callable[..., Any]]:
    return {
        name: member
        for name, member in inspect.getmembers(keras.applications, inspect.isfunction)
        if name[0].isupper()
    }
