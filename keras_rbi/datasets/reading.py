"""Image files as arrays."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})


def read_image(path: str | Path, image_size: int) -> np.ndarray:
    """Reads an image file as RGB, upright, and resizes it to a square.

    Args:
        path: The file.
        image_size: Side of the square in pixels; the aspect ratio is not kept.

    Returns:
        uint8 array of shape `(image_size, image_size, 3)`.

    Raises:
        ValueError: If the file is missing or cannot be decoded, with its path.
    """
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            resized = upright.resize((image_size, image_size), Image.Resampling.BILINEAR)
            return np.asarray(resized, dtype=np.uint8)
    except FileNotFoundError as error:
        raise ValueError(f"There is no image {str(path)!r}.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            f"{str(path)!r} cannot be read as an image ({error}). Mend it or take it away."
        ) from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"{str(path)!r} is too large an image: {error}.") from error
