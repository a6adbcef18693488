"""Exact and near duplicates of images across splits."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from keras_rbi._lazy import np
from keras_rbi.datasets.image_data import ImageData

SIDE = 32
# Found on photographs and on the typefaces: docs/datasets.md, "Leaks".
THRESHOLD_DB = 22.0
BLOCK = 1024
# Mean and standard deviation that every thumbnail is brought to, in grey levels.
MEAN, SPREAD = 128.0, 48.0
# Below this, noise would be made into a picture.
LEAST_SPREAD = 4.0
# An epsilon of one grey level, as in RPE.
EPSILON = 1.0
WHITE = 255.0

# Called with what is being done, how much of it is done, and all of it.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Duplicate:
    """Two images that show the same.

    Attributes:
        first: Number of the one, in the first data.
        second: Number of the other, in the second data.
        decibels: Their peak signal-to-noise ratio, at most 48.1, that of equal thumbnails.
        flipped: Whether it is that of the one and the mirrored other.
        exact: Whether their pixels are the same, at the data's image size.
    """

    first: int
    second: int
    decibels: float
    flipped: bool
    exact: bool


def find_duplicates(
    a: ImageData,
    b: ImageData | None = None,
    threshold_db: float = THRESHOLD_DB,
    flips: bool = True,
    progress: Progress = lambda *_: None,
) -> list[Duplicate]:
    """Finds images of `b` that are in `a` too: copied, recompressed, resized or brightened.

    The measure is RPE's, the peak signal-to-noise ratio of all pairs of images, here of thumbnails
    of 32 x 32 pixels that all have the same mean and the same spread of grey levels, so that
    brightness and contrast do not matter. Crops and rotations are not found. Sums are of whole
    numbers that float64 holds, hence exact. What is held in memory is two blocks of 1,024
    thumbnails and their products, whatever the number of images; thumbnails are in a temporary
    file, 3 KiB each.

    Args:
        a: Images, such as those to train on.
        b: Images, such as those of the test; `None` for duplicates within `a`. Defaults to `None`.
        threshold_db: Float, the ratio in decibels from which two images are told. Defaults to
            `22.0`.
        flips: Boolean, whether mirrored images are found too. Defaults to `True`.
        progress: Function of `"first"`, `"second"` or `"pairs"`, the number of images read or
            pairs compared, and of all of them. Defaults to nothing.

    Returns:
        List of `Duplicate`, those with the highest ratio first.

    Raises:
        ValueError: If `threshold_db` is not positive, or if an image cannot be read.

    Example:

    >>> data = keras_rbi.datasets.Typefaces("test", per_class=1)
    >>> keras_rbi.datasets.find_duplicates(data)
    []
    """
    if not threshold_db > 0.0:
        raise ValueError(f"`threshold_db` must be positive. Received: {threshold_db!r}.")
    with tempfile.TemporaryFile() as one, tempfile.TemporaryFile() as two:
        first = _thumbnails(a, one, "first", progress)
        second = first if b is None else _thumbnails(b, two, "second", progress)
        limit = _squares_of(threshold_db)
        found: dict[tuple[int, int], tuple[float, bool]] = {}
        for row, column, squares, flipped in _pairs(first, second, limit, flips, progress):
            if b is None and row >= column:
                continue
            # Either way round a pair is told once, at its best.
            if (row, column) not in found or squares < found[row, column][0]:
                found[row, column] = squares, flipped
    other = a if b is None else b
    pairs = [
        Duplicate(row, column, _decibels(squares), flipped, _same(a, row, other, column))
        for (row, column), (squares, flipped) in found.items()
    ]
    return sorted(pairs, key=lambda pair: (-pair.exact, -pair.decibels, pair.first, pair.second))


def thumbnail(image: np.ndarray) -> np.ndarray:
    """An image at 32 x 32 pixels, with the mean and the spread of grey levels that all have.

    Args:
        image: uint8 array of shape `(height, width, 3)`.

    Returns:
        uint8 array of shape `(32, 32, 3)`.
    """
    small = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float64)
    scale = SPREAD / max(pixels.std(), LEAST_SPREAD)
    return np.rint(np.clip(MEAN + scale * (pixels - pixels.mean()), 0.0, 255.0)).astype(np.uint8)


def _thumbnails(data: ImageData, file: Any, name: str, progress: Progress) -> np.memmap:
    # Four times the side, so that the scale a file is decoded at hardly matters.
    source = data.at_size(4 * SIDE, cached=False) or data
    rows = np.memmap(file, np.uint8, "w+", shape=(len(data), SIDE, SIDE, 3))
    for index in range(len(data)):
        rows[index] = thumbnail(source.image(index))
        progress(name, index + 1, len(data))
    return rows


def _pairs(
    first: np.ndarray, second: np.ndarray, limit: float, flips: bool, progress: Progress
) -> Iterator[tuple[int, int, float, bool]]:
    """Pairs of rows whose sum of squared differences is at most the limit."""
    blocks = [(i, j) for i in range(0, len(first), BLOCK) for j in range(0, len(second), BLOCK)]
    done = 0
    for i, j in blocks:
        ours, theirs = first[i : i + BLOCK], second[j : j + BLOCK]
        if first is not second or i <= j:
            for flipped in (False, True) if flips else (False,):
                squares = squared_differences(ours, theirs[:, :, ::-1] if flipped else theirs)
                for row, column in np.argwhere(squares <= limit).tolist():
                    yield i + row, j + column, float(squares[row, column]), flipped
        done += len(ours) * len(theirs)
        progress("pairs", done, len(first) * len(second))


def squared_differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sum of squared differences of every pair of images, exact.

    Args:
        first: uint8 array of shape `(m, ...)`.
        second: uint8 array of shape `(n, ...)`.

    Returns:
        float64 array of shape `(m, n)`, of integers.
    """
    # Integers throughout, far below 2**53.
    one = first.reshape(len(first), -1).astype(np.float64)
    two = second.reshape(len(second), -1).astype(np.float64)
    squares = (one**2).sum(axis=1)[:, None] + (two**2).sum(axis=1)
    return squares - 2.0 * (one @ two.T)


def _decibels(squares: float) -> float:
    root = np.sqrt(squares / (SIDE * SIDE * 3))
    return float(20.0 * np.log10(WHITE / (root + EPSILON)))


def _squares_of(decibels: float) -> float:
    root = WHITE / 10.0 ** (decibels / 20.0) - EPSILON
    return -1.0 if root < 0.0 else root**2 * SIDE * SIDE * 3


def _same(a: ImageData, first: int, b: ImageData, second: int) -> bool:
    one, other = a.image(first), b.image(second)
    return one.shape == other.shape and bool((one == other).all())
