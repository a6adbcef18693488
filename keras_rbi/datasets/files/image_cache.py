"""A cache of decoded images, in memory or in a file."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import PIL

from keras_rbi._lazy import np
from keras_rbi.datasets.files.dataset_warning import DatasetWarning

RAM, DISK, AUTO = "ram", "disk", "auto"
CACHES = (AUTO, RAM, DISK, None)
AUTO_LIMIT = 2**30
# Another way of decoding gives other pixels.
VERSION = f"1, Pillow {PIL.__version__}"


class ImageCache(Protocol):
    """Where decoded images are kept, by number."""

    def get(self, index: int) -> np.ndarray | None:
        """The image, or None where it is not known."""

    def put(self, index: int, image: np.ndarray) -> None:
        """Keeps an image, if there is room."""


class NoCache:
    """Keeps nothing."""

    def get(self, index: int) -> np.ndarray | None:
        """None."""
        return None

    def put(self, index: int, image: np.ndarray) -> None:
        """Does nothing."""


class RamCache:
    """Images kept in memory.

    Args:
        shape: Shape of one image.
        count: Number of images.

    Raises:
        ValueError: If the system refuses so much memory.
    """

    def __init__(self, shape: Sequence[int], count: int) -> None:
        try:
            # Memory is taken as images come.
            self._images = np.empty((count, *shape), np.uint8)
        except MemoryError as error:
            raise ValueError(
                f"{count:,} images of {' x '.join(map(str, shape))} values do not fit into memory. "
                "Pass cache='disk', or cache=None to decode them whenever they are asked for."
            ) from error
        self._known = np.zeros(count, bool)

    def get(self, index: int) -> np.ndarray | None:
        """The image, or None where it is not known."""
        return self._images[index] if self._known[index] else None

    def put(self, index: int, image: np.ndarray) -> None:
        """Keeps an image."""
        self._images[index] = image
        self._known[index] = True


class DiskCache:
    """Images kept in one `.npy` file, which threads, processes and runs share.

    The file is an array of the type `(key, checksum, pixels)`. A place counts as filled where its
    key is that of the image's file as it is now and the checksum that of the pixels; so a process
    that is killed, two that write at once and a photograph that is changed do no harm. Places
    that are not filled take no room where the file system knows sparse files.

    It is read and written rather than mapped: a full disk is then an error that can be told,
    and pages that were read do not count as the process's own.

    Args:
        path: The file, which is made where it does not exist.
        shape: Shape of one image.
        count: Number of images.
        identify: Function of an image's number that returns what changes with its file.
    """

    def __init__(
        self, path: Path, shape: Sequence[int], count: int, identify: Callable[[int], str]
    ) -> None:
        self._path = path
        self._place = np.dtype(
            [("key", "u1", 16), ("checksum", "<u4"), ("pixels", "u1", tuple(shape))]
        )
        self._identify = identify
        self._head = _npy_head(self._place, count)
        self._broken = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._make(len(self._head) + count * self._place.itemsize)
        except OSError as error:
            self._go_without(error)

    def _make(self, size: int) -> None:
        # Whoever else makes it at the same time writes the same bytes.
        with open(self._path, "ab"):
            pass
        with open(self._path, "r+b") as file:
            file.write(self._head)
            if file.seek(0, os.SEEK_END) < size:
                file.truncate(size)

    def get(self, index: int) -> np.ndarray | None:
        """The image, or None where it is not known."""
        if self._broken:
            return None
        place = np.zeros(1, self._place)
        try:
            # Opened each time: threads and forked processes would share a position in the file.
            with open(self._path, "rb", buffering=0) as file:
                file.seek(self._start(index))
                file.readinto(place.view(np.uint8).data)
            known = place["key"][0].tobytes() == self._key(index)
        except OSError:
            return None
        pixels = place["pixels"][0]
        return pixels if known and zlib.crc32(pixels.data) == place["checksum"][0] else None

    def put(self, index: int, image: np.ndarray) -> None:
        """Keeps an image; warns once and keeps no more where the file cannot be written."""
        if self._broken:
            return
        try:
            place = np.zeros(1, self._place)
            place["key"] = np.frombuffer(self._key(index), np.uint8)
            place["pixels"] = image
            place["checksum"] = zlib.crc32(place["pixels"][0].data)
            with open(self._path, "r+b", buffering=0) as file:
                file.seek(self._start(index))
                file.write(place.view(np.uint8).data)
        except OSError as error:
            self._go_without(error)

    def _start(self, index: int) -> int:
        return len(self._head) + index * self._place.itemsize

    def _key(self, index: int) -> bytes:
        return hashlib.blake2b(self._identify(index).encode(), digest_size=16).digest()

    def _go_without(self, error: OSError) -> None:
        self._broken = True
        warnings.warn(
            f"Images are not kept on disk: {str(self._path)!r} cannot be written "
            f"({error.strerror}).",
            DatasetWarning,
            stacklevel=4,
        )


def _npy_head(place: np.dtype, count: int) -> bytes:
    """The first bytes of a `.npy` file of so many places."""
    head = io.BytesIO()
    content = {
        "descr": np.lib.format.dtype_to_descr(place),
        "fortran_order": False,
        "shape": (count,),
    }
    np.lib.format.write_array_header_2_0(head, content)
    return head.getvalue()


def default_cache_dir() -> Path:
    """The folder `keras_rbi` in Keras's folder of data sets."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "datasets" / "keras_rbi"


def file_name(files: Sequence[str], shape: Sequence[int], options: str) -> str:
    """The name of the cache of some files at some size.

    Args:
        files: The image files.
        shape: Shape of one image.
        options: What else decides the pixels.
    """
    digest = hashlib.blake2b(digest_size=12)
    for part in (VERSION, options, *files):
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return f"{'x'.join(map(str, shape[:2]))}-{digest.hexdigest()}.npy"
