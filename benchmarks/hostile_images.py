"""Small files that cost a reader of images the most, within a service's limit of pixels."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

# 49 million pixels are just below the limit of 50 million.
SIDE = 7000
ROW = 49_900_000
BLOCK = 64
MEBIBYTES = 15 * 2**20


def saved(form: str, side: int = SIDE, mode: str = "RGB", **options: object) -> bytes:
    """A file of one colour."""
    file = io.BytesIO()
    Image.new(mode, (side, side)).save(file, form, **options)
    return file.getvalue()


def jpeg_of_scans(scans: int, side: int = SIDE) -> bytes:
    """A valid progressive JPEG whose last scan comes over and over."""
    return _repeated_scans(saved("JPEG", side, progressive=True), scans)


def noisy_jpeg_of_scans(scans: int, side: int) -> bytes:
    """The same of noise, whose scans hold much."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", quality=30, progressive=True)
    return _repeated_scans(file.getvalue(), scans)


def _repeated_scans(jpeg: bytes, scans: int) -> bytes:
    end = jpeg.rfind(b"\xff\xd9")
    last = jpeg[jpeg.rfind(b"\xff\xda", 0, end) : end]
    return jpeg[:end] + last * max(0, scans - jpeg.count(b"\xff\xda")) + b"\xff\xd9"


def jpeg_of_segments(count: int) -> bytes:
    """A JPEG with so many empty comments before its picture."""
    jpeg = saved("JPEG", 8)
    return jpeg[:2] + b"\xff\xfe\x00\x02" * count + jpeg[2:]


def png(width: int, height: int, bits: int, color: int, before: bytes = b"") -> bytes:
    """A PNG of zeros, with chunks before its pixels."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    row = bytes(1 + -(-width * bits * channels // 8))
    packer = zlib.compressobj(9)
    blocks = [row * BLOCK] * (height // BLOCK) + [row * (height % BLOCK)]
    pixels = b"".join(map(packer.compress, blocks)) + packer.flush()
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))
    chunks = header + before + _chunk(b"IDAT", pixels) + _chunk(b"IEND")
    return b"\x89PNG\r\n\x1a\n" + chunks


def png_of_chunks(kind: bytes, count: int, content: bytes = b"") -> bytes:
    """A PNG with so many chunks before its pixels."""
    return png(8, 8, 8, 2, before=_chunk(kind, content) * count)


def _chunk(kind: bytes, content: bytes = b"") -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def gif_of_comments(blocks: int, extensions: int) -> bytes:
    """A GIF with comments before its picture, each of so many blocks of one letter."""
    gif = saved("GIF", 8, "L")
    head = 13 + 3 * 2 ** ((gif[10] & 7) + 1) * (gif[10] >> 7)
    return gif[:head] + (b"\x21\xfe" + b"\x01a" * blocks + b"\0") * extensions + gif[head:]


def animation(form: str, side: int, frames: int) -> bytes:
    """A file of many pictures."""
    pictures = [Image.new("L", (side, side), number % 256) for number in range(frames)]
    file = io.BytesIO()
    pictures[0].save(file, form, save_all=True, append_images=pictures[1:])
    return file.getvalue()


CASES: dict[str, Callable[[], bytes]] = {
    "JPEG, 49 M pixels, 300 scans": lambda: jpeg_of_scans(300),
    "JPEG, 49 M pixels, 32 scans": lambda: jpeg_of_scans(32),
    "JPEG, 1.3 M pixels of noise, 32 scans": lambda: noisy_jpeg_of_scans(32, 1150),
    "JPEG of 3.9 M segments": lambda: jpeg_of_segments(MEBIBYTES // 4),
    "PNG, 1 x 49.9 M pixels of a bit": lambda: png(1, ROW, 1, 0),
    "PNG, 49.9 M x 1 pixels of a bit": lambda: png(ROW, 1, 1, 0),
    "PNG, 49 M pixels of 16 bits, RGBA": lambda: png(SIDE, SIDE, 16, 6),
    "PNG, 6.6 M pixels, RGBA": lambda: png(2570, 2570, 8, 6),
    "PNG of 1.1 M texts": lambda: png_of_chunks(b"tEXt", MEBIBYTES // 14, b"a\0"),
    "PNG of 1.3 M empty chunks of pixels": lambda: png_of_chunks(b"IDAT", MEBIBYTES // 12),
    "WebP, 49 M pixels": lambda: saved("WEBP", lossless=True, method=0, quality=0),
    "TIFF, 49 M pixels, deflated": lambda: saved("TIFF", compression="tiff_adobe_deflate"),
    "TIFF, 49 M pixels of 16 bits": lambda: saved("TIFF", SIDE, "I;16", compression="tiff_lzw"),
    "TIFF of 1,000 pictures": lambda: animation("TIFF", 64, 1000),
    "GIF, 49 M pixels": lambda: saved("GIF", SIDE, "L"),
    "GIF of 1,000 pictures": lambda: animation("GIF", 500, 1000),
    "GIF, a comment of 7.8 M blocks": lambda: gif_of_comments(MEBIBYTES // 2, 1),
    "GIF of 3.1 M comments": lambda: gif_of_comments(1, MEBIBYTES // 5),
}
