"""Image formats told by the first bytes of a file."""

import importlib.util
from functools import cache
from pathlib import Path

HEIC = "HEIC"
# By the documents of the formats.
SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
)
PORTABLE = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")
# Brands of the ISO base media format, after its `ftyp`.
BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), HEIC),
}
# JPEG 2000 as a file and as a stream, DDS, ICNS and PSD.
UNREAD = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51", b"DDS ", b"icns", b"8BPS")
HEAD = 16


def kind_of(path: Path) -> str:
    """The format of a file, `""` where it is no image or cannot be opened."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return ""
    for signature, kind in SIGNATURES:
        # Two letters alone begin many a text.
        if head.startswith(signature) and (kind != "BMP" or head[6:10] == b"\x00" * 4):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "")
    if head[:2] in PORTABLE and head[2:3].isspace():
        return "PNM"
    return ""


def is_unread_kind(path: Path) -> bool:
    """Whether a file begins as an image of a format that is not read here."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD).startswith(UNREAD)
    except OSError:
        return False


def is_image(kind: str) -> bool:
    """Whether files of a format that `kind_of` gives can be read here."""
    return bool(kind) and (kind != HEIC or reads_heic())


@cache
def reads_heic() -> bool:
    """Whether the package that reads HEIC is installed (the extra `heic`)."""
    return importlib.util.find_spec("pillow_heif") is not None
