"""Crops, flips and colours as torchvision's usual training does them."""

import math

import numpy as np
from PIL import Image, ImageEnhance

SMALLEST_AREA = 0.08
WIDEST = 4.0 / 3.0
TRIES = 10
JITTER = 0.4


def crop_box(width: int, height: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A part of an image of 8 to 100 percent of its area, between 3:4 and 4:3.

    Args:
        width: Of the image, in pixels.
        height: Of the image, in pixels.
        rng: Random generator.

    Returns:
        Left, top, right and bottom in pixels; the whole image where ten draws did not fit in it.
    """
    for _ in range(TRIES):
        area = width * height * rng.uniform(SMALLEST_AREA, 1.0)
        ratio = math.exp(rng.uniform(-math.log(WIDEST), math.log(WIDEST)))
        across, down = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < across <= width and 0 < down <= height:
            left = int(rng.integers(width - across + 1))
            top = int(rng.integers(height - down + 1))
            return left, top, left + across, top + down
    return 0, 0, width, height


def crop_and_flip(
    image: np.ndarray, rng: np.random.Generator, image_size: int | None = None
) -> np.ndarray:
    """Resizes a random part of an image, and flips it in half of the cases.

    Args:
        image: uint8 array of shape `(height, width, 3)`.
        rng: Random generator.
        image_size: Side of the square to make of the part; `None` for the size of the image.
            Defaults to `None`.

    Returns:
        uint8 array of shape `(image_size, image_size, 3)`.
    """
    height, width = image.shape[:2]
    box = crop_box(width, height, rng)
    size = (width, height) if image_size is None else (image_size, image_size)
    part = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, box)
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(part, dtype=np.uint8)


def jitter_colours(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Changes brightness, contrast and saturation by factors of 0.6 to 1.4, in random order.

    The hue, by which many species are told apart, stays.

    Args:
        image: uint8 array of shape `(height, width, 3)`.
        rng: Random generator.

    Returns:
        uint8 array of the same shape.
    """
    picture = Image.fromarray(image)
    kinds = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    for kind in rng.permutation(len(kinds)):
        picture = kinds[kind](picture).enhance(rng.uniform(1.0 - JITTER, 1.0 + JITTER))
    return np.asarray(picture, dtype=np.uint8)
