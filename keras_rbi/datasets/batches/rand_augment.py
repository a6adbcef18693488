"""RandAugment: a few operations, drawn from fourteen, all of one strength."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from keras_rbi.datasets.files.mean_colour import mean_colour

OPERATIONS = 2
MAGNITUDE = 9
LARGEST_MAGNITUDE = 30
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


# The largest shift is that of the paper, 150 pixels of 331.
SHIFT = 150.0 / 331.0
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
    fill = mean_colour(picture)
    names = list(ALL)
    for _ in range(OPERATIONS):
        name = names[rng.integers(len(names))]
        sign = 1.0 if rng.random() < 0.5 else -1.0
        picture = ALL[name](picture, sign * MAGNITUDE / LARGEST_MAGNITUDE, fill)
    return np.asarray(picture, dtype=np.uint8)
