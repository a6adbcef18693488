"""Decoding of images that clients send."""

import io
import warnings

import numpy as np
from PIL import Image

from keras_rbi.datasets.files.reading import decode_image

# Others that Pillow knows start programs, or are seldom meant.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")


def decode(content: bytes, name: str, image_size: int, max_pixels: int) -> np.ndarray:
    """Decodes an image as `keras_rbi.datasets.files.reading.read_image` reads a file.

    Args:
        content: The bytes of a JPEG, PNG, WebP, BMP, GIF or TIFF file.
        name: What to call the image in errors.
        image_size: Integer, the side in pixels to which it is resized.
        max_pixels: Integer, most pixels that it may have.

    Returns:
        uint8 array of shape `(image_size, image_size, 3)`.

    Raises:
        ValueError: If it is none of these, is broken, or has more pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                width, height = image.size
    except Image.DecompressionBombError as error:
        raise ValueError(f"{name!r} is too large an image: {error}") from error
    except Exception as error:
        # Whatever a decoder raises on a stranger's bytes, it is about these bytes.
        raise ValueError(f"{name!r} is not an image: none of {', '.join(FORMATS)}.") from error
    if width * height > max_pixels:
        raise ValueError(
            f"{name!r} is too large an image: {width} x {height} pixels, more than {max_pixels}."
        )
    try:
        return decode_image(content, name, image_size)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{name!r} cannot be read as an image ({error}).") from error
