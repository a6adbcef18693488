"""Bytes of any kind as an image file."""

from collections.abc import Callable
from unittest.mock import patch

from PIL import Image

from keras_rbi.datasets.files.reading import (
    UnreadableImageError,
    check_header,
    decode_image,
    read_header,
)

NAME, SIDE = "a.jpg", 8
# So that an execution takes milliseconds.
MOST_PIXELS = 2**18


def check(data: bytes) -> None:
    """They are refused in an error that names the file, or read."""
    with patch.object(Image, "MAX_IMAGE_PIXELS", MOST_PIXELS):
        looks = [refused(look, data, NAME) for look in (check_header, read_header)]
        decodes = refused(decode_image, data, NAME, SIDE)
    assert all(NAME in line for line in (*looks, decodes) if line), (looks, decodes)
    # What is refused by its header is refused.
    assert decodes or not looks[1], looks


def refused(read: Callable[..., object], *arguments: object) -> str:
    """What an error says, or nothing where something is read."""
    try:
        read(*arguments)
    except UnreadableImageError as error:
        return str(error)
    return ""
