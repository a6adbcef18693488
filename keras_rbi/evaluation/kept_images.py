"""A store of images that were seen once."""

import tempfile
from pathlib import Path

import numpy as np

# Bytes of images that stay in memory: CUB's test split at 224 pixels takes 0.9e9.
MEMORY_LIMIT = 2**31


class KeptImages:
    """Images in the order in which they were added.

    Batches that hold integers of 0..255 are kept as bytes, whatever their dtype. What exceeds
    the limit lies in files of a temporary folder, which goes with this object.

    Args:
        limit: Largest number of bytes in memory. Defaults to 2 GiB.
    """

    def __init__(self, limit: int = MEMORY_LIMIT) -> None:
        self._limit = limit
        self._in_memory = 0
        self._batches: list[np.ndarray] = []
        self._places: list[tuple[int, int]] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __len__(self) -> int:
        return len(self._places)

    def add(self, images: np.ndarray) -> None:
        """Adds a batch of images of shape `(batch, ...)`."""
        images = _in_little_room(images)
        number = len(self._batches)
        if self._in_memory + images.nbytes > self._limit:
            images = self._filed(images, number)
        else:
            self._in_memory += images.nbytes
        self._batches.append(images)
        self._places += [(number, row) for row in range(len(images))]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """The images of these numbers, `(rows, ...)`."""
        places = (self._places[row] for row in rows)
        return np.stack([self._batches[number][row] for number, row in places])

    def _filed(self, images: np.ndarray, number: int) -> np.ndarray:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="keras-rbi-")
        file = Path(self._folder.name) / f"{number}.npy"
        np.save(file, images)
        return np.load(file, mmap_mode="r")


def _in_little_room(images: np.ndarray) -> np.ndarray:
    if images.dtype == np.uint8:
        return images
    if images.size and images.min() >= 0 and images.max() <= 255:
        as_bytes = images.astype("uint8")
        if np.array_equal(as_bytes, images):
            return as_bytes
    return np.asarray(images, "float32")
