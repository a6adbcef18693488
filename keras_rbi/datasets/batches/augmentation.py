"""The paper's augmentation of photographs: horizontal flip and rotation."""

import numpy as np
from PIL import Image

from keras_rbi.datasets.files.mean_colour import mean_colour

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
        fillcolor=mean_colour(picture),
    )
    return np.asarray(turned, dtype=np.uint8)
