"""Decoding of images that clients send."""

import io
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from keras_rbi.datasets.files.reading import decode_image
from keras_rbi.serving.jpeg_scans import count_scans

# Others that Pillow knows start programs, or are seldom meant.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
# That of JPEG. Resizing from one long row or column takes gigabytes.
MAX_SIDE = 65_535
# Progressive JPEGs have 10 from most programs.
MAX_SCANS = 32
# Seconds at worst, as measured (docs/serving.md), of a 2020s processor.
SECONDS_PER_BYTE = 20e-9
SECONDS_PER_PIXEL = 30e-9
SECONDS_PER_PIXEL_AND_SCAN = 4e-9


def seconds_to_decode(content: bytes, name: str, max_pixels: int) -> float:
    """Looks at the header of an image, before it is decoded.

    Args:
        content: The bytes of the file.
        name: What to call the image in errors.
        max_pixels: Integer, most pixels that it may have.

    Returns:
        About how many seconds it takes to decode at worst.

    Raises:
        ValueError: If it is none of `FORMATS`, or its header tells of more than is decoded.
        MemoryError: If there is not enough.
    """
    try:
        scans = count_scans(content)
    except ValueError as error:
        raise ValueError(f"{name!r} is too costly an image: {error}.") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                width, height = image.size
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise ValueError(f"{name!r} is too large an image: {error}") from error
    except UnidentifiedImageError as error:
        raise ValueError(f"{name!r} is not an image: none of {', '.join(FORMATS)}.") from error
    except Exception as error:
        # Whatever a decoder raises on a stranger's bytes, it is about these bytes.
        raise ValueError(f"{name!r} cannot be read as an image ({error}).") from error
    size = f"{width} x {height} pixels"
    if width * height > max_pixels:
        raise ValueError(f"{name!r} is too large an image: {size}, more than {max_pixels}.")
    if max(width, height) > MAX_SIDE:
        raise ValueError(f"{name!r} is too large an image: {size}, a side above {MAX_SIDE}.")
    if scans > MAX_SCANS:
        raise ValueError(f"{name!r} is too costly an image: {scans} scans, more than {MAX_SCANS}.")
    per_pixel = scans * SECONDS_PER_PIXEL_AND_SCAN if scans else SECONDS_PER_PIXEL
    return len(content) * SECONDS_PER_BYTE + width * height * per_pixel


def decode(content: bytes, name: str, image_size: int) -> np.ndarray:
    """Decodes an image as `keras_rbi.datasets.files.reading.read_image` reads a file.

    Args:
        content: The bytes of a JPEG, PNG, WebP, BMP, GIF or TIFF file, which was looked at.
        name: What to call the image in errors.
        image_size: Integer, the side in pixels to which it is resized.

    Returns:
        uint8 array of shape `(image_size, image_size, 3)`.

    Raises:
        ValueError: If it is broken.
        MemoryError: If there is not enough.
    """
    try:
        return decode_image(content, name, image_size)
    except (ValueError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(f"{name!r} cannot be read as an image ({error}).") from error
