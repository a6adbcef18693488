"""Image files as arrays."""

from __future__ import annotations

import importlib
import io
import math
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from keras_rbi._lazy import np
from keras_rbi.datasets.files.dataset_warning import DatasetWarning
from keras_rbi.datasets.files.image_content import reads_heic

# A JPEG is decoded at a half, a quarter or an eighth of its size as long as that leaves this many
# times the size asked for: resizing that is all but the same as resizing the whole. With it
# photographs of 1024x768 are still halved for 224 pixels.
DRAFT_MARGIN = 1.7
TWELVE_BITS = 4096


class UnreadableImageError(ValueError):
    """An image file that is missing, broken or too large; the message names it."""


def read_image(path: str | Path, image_size: int, cut_bottom: int = 0) -> np.ndarray:
    """Reads an image file as RGB, upright, and resizes it to a square.

    Files are told by their content, not by their names. Transparency is dropped, as Keras and
    TensorFlow drop it; of an animation the first picture is taken; 16-bit greys are divided by 256.
    JPEGs much larger than `image_size` are decoded at a smaller scale.

    Args:
        path: The file.
        image_size: Side of the square in pixels; the aspect ratio is not kept.
        cut_bottom: Rows of pixels to cut off the bottom first. Defaults to `0`.

    Returns:
        uint8 array of shape `(image_size, image_size, 3)`.

    Raises:
        UnreadableImageError: If the file is missing, cannot be decoded, or has more pixels than
            `PIL.Image.MAX_IMAGE_PIXELS`, with its path.
    """
    return _read(path, str(path), image_size, cut_bottom)


def decode_image(content: bytes, name: str, image_size: int, cut_bottom: int = 0) -> np.ndarray:
    """Reads an image as `read_image` does, from the bytes of its file.

    Args:
        content: The bytes.
        name: What to call the image in errors.
        image_size: As in `read_image`.
        cut_bottom: As in `read_image`. Defaults to `0`.

    Returns:
        As `read_image`.

    Raises:
        UnreadableImageError: As `read_image` does.
    """
    return _read(io.BytesIO(content), name, image_size, cut_bottom)


@dataclass(frozen=True)
class ImageHeader:
    """What the first bytes of an image file say.

    Attributes:
        width: In pixels of the file as it is, before it is turned.
        height: The same way.
        mode: Pillow's name of the kind of pixels, such as `"RGB"`, `"L"` or `"CMYK"`.
        format: Pillow's name of the format, such as `"JPEG"`.
    """

    width: int
    height: int
    mode: str
    format: str


def read_header(file: str | Path | bytes, name: str) -> ImageHeader:
    """Reads the header of an image file, and no pixels.

    Args:
        file: The file, or its bytes.
        name: What to call the image in errors.

    Returns:
        An `ImageHeader`.

    Raises:
        UnreadableImageError: As `check_header` does.
    """
    source = io.BytesIO(file) if isinstance(file, bytes) else _regular(file, name)
    with _told(name), Image.open(source) as image:
        _check_size(image)
        return ImageHeader(image.width, image.height, image.mode, image.format or "")


def check_header(file: str | Path | bytes, name: str) -> None:
    """Looks at the first bytes of an image file, which takes a hundredth of what decoding does.

    Args:
        file: The file, or its bytes.
        name: What to call the image in errors.

    Raises:
        UnreadableImageError: If it is missing, no image, or has too many pixels.
    """
    source = io.BytesIO(file) if isinstance(file, bytes) else _regular(file, name)
    with _told(name), Image.open(source) as image:
        image.draft(None, (1, 1))
        _check_size(image)


def _read(file: str | Path | io.BytesIO, name: str, image_size: int, cut_bottom: int) -> np.ndarray:
    with _told(name), Image.open(_regular(file, name)) as image:
        height = image.height
        least = math.ceil(DRAFT_MARGIN * image_size)
        image.draft(None, (least, least))
        _check_size(image)
        rows = -(-cut_bottom * image.height // height)
        part = image.crop((0, 0, image.width, image.height - rows)) if rows else image
        # In place, since the other way copies an image that stands upright already.
        ImageOps.exif_transpose(part, in_place=True)
        resized = _rgb(part).resize((image_size, image_size), Image.Resampling.BILINEAR)
        return np.asarray(resized, dtype=np.uint8)


@cache
def _register_heic() -> None:
    if reads_heic():
        importlib.import_module("pillow_heif").register_heif_opener()


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turns whatever Pillow raises into one error that names the file."""
    _register_heic()
    try:
        yield
    except FileNotFoundError as error:
        raise UnreadableImageError(f"There is no image {name!r}.") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(f"{name!r} is too large an image: {error}.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise UnreadableImageError(
            f"{name!r} cannot be read as an image ({error}). Mend it or take it away."
        ) from error


def _regular(file: str | Path | io.BytesIO, name: str) -> str | Path | io.BytesIO:
    """The file, unless it is a pipe or a device, from which a read may never end."""
    if isinstance(file, io.BytesIO):
        return file
    try:
        mode = os.stat(file).st_mode
    except (OSError, ValueError):
        # Missing, or no name of a file: for `_told` to tell.
        return file
    if not stat.S_ISREG(mode):
        raise UnreadableImageError(f"{name!r} is no regular file. Name an image file.")
    return file


def _check_size(image: Image.Image) -> None:
    # Pillow itself only warns up to twice its limit.
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise Image.DecompressionBombError(
            f"{image.width} x {image.height} pixels, more than PIL.Image.MAX_IMAGE_PIXELS = {limit}"
        )


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):
        return _from_deep_greys(image)
    if image.mode == "F":
        raise ValueError("floating-point pixels, whose range the file does not say")
    return image.convert("RGB")


def _from_deep_greys(image: Image.Image) -> Image.Image:
    """Pillow clips greys of more than 8 bits at 255 rather than scale them."""
    greys = np.asarray(image)
    if greys.min() < 0 or greys.max() > 65535:
        raise ValueError(f"greys of {greys.min()} to {greys.max()}, beyond 16 bits")
    if 255 < greys.max() < TWELVE_BITS:
        warnings.warn(
            f"An image of 16 bits has no grey above {greys.max()}, as cameras of 12 bits write "
            f"them: it is nearly black here. Multiply its pixels by {65536 // TWELVE_BITS}.",
            DatasetWarning,
            stacklevel=2,
        )
    return Image.fromarray((greys.astype(np.uint32) >> 8).astype(np.uint8)).convert("RGB")
