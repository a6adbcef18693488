"""Small images of pages."""

import io

import numpy as np
from PIL import Image

from keras_rbi.figures.html_report import Picture

QUALITY = 85


def thumbnail(
    pixels: np.ndarray, text: str, stored: int, side: int | None = None, caption: str = ""
) -> Picture:
    """An image of a page.

    Args:
        pixels: uint8 array of shape `(height, width, 3)`.
        text: What it shows, for those who do not see it.
        stored: Integer, the longest side in pixels of what is stored; a smaller image is stored as
            it is.
        side: The side in pixels at which it is shown. Defaults to `None`, its own size.
        caption: What stands under it. Defaults to `""`.

    Returns:
        A `Picture`.
    """
    picture = Image.fromarray(pixels)
    picture.thumbnail((stored, stored), Image.Resampling.BILINEAR)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=QUALITY)
    return Picture(content.getvalue(), text, caption, side)
