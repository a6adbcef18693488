"""Data augmentation of single images: flip and rotation, random resized crop, RandAugment.

Every function takes an image, uint8 of shape `(height, width, 3)`, and a NumPy random generator,
so that the same draws give the same pixels on every backend.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from PIL import Image, ImageEnhance, ImageOps

from keras_rbi._lazy import np
from keras_rbi.datasets.image_data import ImageData

Augment = Callable[["np.ndarray", "np.random.Generator"], "np.ndarray"]

# --- Flip and rotation: the augmentation of the paper

LARGEST_ROTATION = 15.0


def flip_and_rotate(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flips an image left to right in half of the cases and rotates it by up to 15 degrees.

    The paper names horizontal flip and rotation and no angle; 15 degrees is our choice.

    Args:
        image: uint8 array of shape `(height, width, 3)`.
        rng: Random generator.

    Returns:
        uint8 array of the same shape. Corners that a rotation uncovers repeat the mean colour.
    """
    picture = Image.fromarray(image)
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = picture.rotate(
        rng.uniform(-LARGEST_ROTATION, LARGEST_ROTATION),
        resample=Image.Resampling.BILINEAR,
        fillcolor=mean_color(picture),
    )
    return np.asarray(turned, dtype=np.uint8)


def mean_color(picture: Image.Image) -> tuple[int, ...]:
    """Mean of each channel, rounded: a tenth of the time that NumPy takes for bytes.

    Args:
        picture: An RGB picture.

    Returns:
        Three integers of 0..255.
    """
    return picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[return-value]


# --- Random resized crop and colour jitter: the usual training of torchvision

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


def jitter_colors(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
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


# --- RandAugment: a few operations, drawn from fourteen, all of one strength

OPERATIONS = 2
MAGNITUDE = 9
LARGEST_MAGNITUDE = 30
# The largest shift is that of the paper, 150 pixels of 331.
SHIFT = 150.0 / 331.0
# Operation of a picture, a strength from -1 to 1, and the colour of what a shift uncovers.
Operation = Callable[[Image.Image, float, tuple[int, ...]], Image.Image]


def _moved(picture: Image.Image, matrix: tuple[float, ...], fill: tuple[int, ...]) -> Image.Image:
    return picture.transform(
        picture.size,
        Image.Transform.AFFINE,
        matrix,
        resample=Image.Resampling.BILINEAR,
        fillcolor=fill,
    )


def _enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance]) -> Operation:
    return lambda picture, strength, _: kind(picture).enhance(1.0 + 0.9 * strength)


ALL: dict[str, Operation] = {
    "identity": lambda picture, *_: picture,
    "autocontrast": lambda picture, *_: ImageOps.autocontrast(picture),
    "equalize": lambda picture, *_: ImageOps.equalize(picture),
    "rotate": lambda picture, strength, fill: picture.rotate(
        30.0 * strength, resample=Image.Resampling.BILINEAR, fillcolor=fill
    ),
    "solarize": lambda picture, strength, _: ImageOps.solarize(
        picture, round(255.0 * (1.0 - abs(strength)))
    ),
    "posterize": lambda picture, strength, _: ImageOps.posterize(
        picture, 8 - round(4.0 * abs(strength))
    ),
    "color": _enhanced(ImageEnhance.Color),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "brightness": _enhanced(ImageEnhance.Brightness),
    "sharpness": _enhanced(ImageEnhance.Sharpness),
    "shear_x": lambda picture, strength, fill: _moved(
        picture, (1.0, 0.3 * strength, 0.0, 0.0, 1.0, 0.0), fill
    ),
    "shear_y": lambda picture, strength, fill: _moved(
        picture, (1.0, 0.0, 0.0, 0.3 * strength, 1.0, 0.0), fill
    ),
    "translate_x": lambda picture, strength, fill: _moved(
        picture, (1.0, 0.0, SHIFT * strength * picture.width, 0.0, 1.0, 0.0), fill
    ),
    "translate_y": lambda picture, strength, fill: _moved(
        picture, (1.0, 0.0, 0.0, 0.0, 1.0, SHIFT * strength * picture.height), fill
    ),
}


def rand_augment(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Applies two operations, drawn from fourteen, with a magnitude of 9 of 30.

    The draws are NumPy's, so that they are the same on every backend; Keras's layer of the name
    draws by its backend. Scales are those of torchvision.

    Args:
        image: uint8 array of shape `(height, width, 3)`.
        rng: Random generator.

    Returns:
        uint8 array of the same shape. What a shift uncovers has the image's mean colour.

    Reference:
        [Cubuk et al., 2020](https://arxiv.org/abs/1909.13719).
    """
    picture = Image.fromarray(image)
    fill = mean_color(picture)
    names = list(ALL)
    for _ in range(OPERATIONS):
        name = names[rng.integers(len(names))]
        sign = 1.0 if rng.random() < 0.5 else -1.0
        picture = ALL[name](picture, sign * MAGNITUDE / LARGEST_MAGNITUDE, fill)
    return np.asarray(picture, dtype=np.uint8)


# --- Recipes, by name

PAPER = "paper"
# Side of the images that parts are cut from, in times that of the part: half of the parts are
# then not enlarged, and decoded images take 2.25 times the room in a cache.
MARGIN = 1.5


def _torchvision(
    image: np.ndarray, rng: np.random.Generator, image_size: int | None = None
) -> np.ndarray:
    return jitter_colors(crop_and_flip(image, rng, image_size), rng)


def _randaugment(
    image: np.ndarray, rng: np.random.Generator, image_size: int | None = None
) -> np.ndarray:
    return rand_augment(crop_and_flip(image, rng, image_size), rng)


AUGMENTATIONS: dict[str, Augment] = {
    PAPER: flip_and_rotate,
    "torchvision": _torchvision,
    "randaugment": _randaugment,
}
CROPS = (_torchvision, _randaugment)


def augmentation(augment: str | Augment | None) -> Augment | None:
    """The function that a name stands for; functions and `None` are given back.

    Args:
        augment: A name of `AUGMENTATIONS`, a function of an image and a NumPy random generator,
            or `None`.

    Returns:
        The function, or `None`.

    Raises:
        ValueError: If there is no such name, or if it is none of these.

    Example:

    >>> from keras_rbi.datasets.augmentation import augmentation
    >>> augment = augmentation("randaugment")
    >>> augment(np.zeros((8, 8, 3), "uint8"), np.random.default_rng(0)).shape
    (8, 8, 3)
    """
    if augment is None or callable(augment):
        return augment
    if not isinstance(augment, str) or augment not in AUGMENTATIONS:
        names = ", ".join(map(repr, AUGMENTATIONS))
        raise ValueError(
            f"`augment` must be one of {names}, a function of an image and a random generator, or "
            f"None. Received: augment={augment!r}."
        )
    return AUGMENTATIONS[augment]


def with_source(augment: Augment | None, data: ImageData) -> tuple[ImageData, Augment | None]:
    """Images to augment, and the function that makes them those of the data's size.

    Args:
        augment: A function, or `None`.
        data: The data.

    Returns:
        The data, or, where parts of images are enlarged and it has larger ones, those; and the
        function.
    """
    if augment not in CROPS:
        return data, augment
    larger = data.at_size(math.ceil(MARGIN * data.image_size))
    return larger or data, partial(augment, image_size=data.image_size)
