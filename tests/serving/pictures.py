"""Images as the bytes of their files."""

import io

import numpy as np
from PIL import Image


def png(pixels):
    """A PNG file of an array, or of one colour."""
    if np.ndim(pixels) == 1:
        pixels = np.full((8, 8, 3), pixels)
    return encoded(Image.fromarray(np.asarray(pixels, "uint8")), "PNG")


def encoded(image, form, **options):
    """The bytes of a Pillow image as a file."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()
