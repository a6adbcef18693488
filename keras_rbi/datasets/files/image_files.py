"""Image files with labels as a data set."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from pathlib import Path

from keras_rbi._deprecation import moved_attribute
from keras_rbi._lazy import np
from keras_rbi.datasets.files.dataset_warning import DatasetWarning
from keras_rbi.datasets.files.image_cache import (
    AUTO,
    AUTO_LIMIT,
    CACHES,
    DISK,
    RAM,
    DiskCache,
    ImageCache,
    NoCache,
    RamCache,
    default_cache_dir,
    file_name,
)
from keras_rbi.datasets.files.reading import check_header, decode_image, read_image
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.datasets.splits import split_indices

ON_ERROR = ("raise", "skip")
# Called with the split, the number of images done and of all images.
Progress = Callable[[str, int, int], None]


def read_record(records: Records, number: int, image_size: int) -> np.ndarray:
    """Image number `number` of all splits, as `read_image` reads it."""
    path = records.path(number)
    if records.content is None:
        return read_image(path, image_size, records.cut_bottom)
    return decode_image(records.content(number), str(path), image_size, records.cut_bottom)


class ImageFiles(ImageData):
    """The images of one split of a data set that lies in files, read when they are asked for.

    Images are in the order of their classes and, in a class, of their files.

    Args:
        records: What is known of the images of all splits, as `from_lists` and the readers of the
            released sets make it.
        split: `"train"`, `"validation"`, `"test"`, or `"trainval"` for the first two. Where there
            is no official validation split, a tenth of each class's training images is held out
            for it. Defaults to `"train"`.
        image_size: Integer, the side in pixels to which images are resized. Defaults to `224`.
        seed: Integer, of the images held out. Defaults to `0`.
        on_error: `"raise"`: an image that cannot be read is an error when it is asked for.
            `"skip"`: all images are read at once, at a small scale, and those that cannot be are
            left out and counted in a `DatasetWarning`. Defaults to `"raise"`.
        progress: Function of the split, the number of images read and of all images, called
            while `"skip"` reads them. Defaults to nothing.
        cache: Where images are kept once they have been read, resized, as uint8: `"ram"`;
            `"disk"`, a file in `cache_dir` that other processes and later runs read too; `None`,
            nowhere; `"auto"`, in memory where the whole split takes at most 1 GiB there. Defaults
            to `"auto"`.
        cache_dir: The folder for `cache="disk"`; by default `~/.keras/datasets/keras_rbi` (or in
            `KERAS_HOME`). Defaults to `None`.
        split_rule: `"hash"`, by which files that come or go move no other to another split, or
            `"permutation"`, the exact share of each class: see `keras_rbi.datasets.splits`.
            Defaults to `None`, that of the records.

    Attributes:
        split: The split.
        part_names: Names of the parts that `parts` gives, or `None`.
        skipped: Paths of the images that were left out.

    Raises:
        ValueError: If an argument is out of its range, or if the split has no image.
    """

    def __init__(
        self,
        records: Records,
        split: str = "train",
        image_size: int = 224,
        seed: int = 0,
        on_error: str = "raise",
        progress: Progress = lambda *_: None,
        cache: str | None = AUTO,
        cache_dir: str | Path | None = None,
        split_rule: str | None = None,
    ) -> None:
        if cache not in CACHES:
            raise ValueError(f"`cache` must be one of {CACHES}. Received: cache={cache!r}.")
        if cache_dir is not None and cache != DISK:
            raise ValueError(
                f"`cache_dir` is for cache='disk'. Received: cache_dir={str(cache_dir)!r} and "
                f"cache={cache!r}."
            )
        if on_error not in ON_ERROR:
            raise ValueError(f"`on_error` must be one of {ON_ERROR}. Received: {on_error!r}.")
        if isinstance(image_size, bool) or not isinstance(image_size, int) or image_size < 1:
            raise ValueError(
                f"`image_size` must be a positive integer. Received: image_size={image_size!r}."
            )
        self._records = records
        self._numbers = split_indices(records, split, seed, split_rule)
        if not len(self._numbers):
            raise ValueError(f"There are no {split} images in {str(records.root)!r}.")
        self.split = split
        self.image_size = image_size
        self.class_names: list[str] = records.class_names
        self.coarse_names: list[str] | None = records.coarse_names
        self.part_names: list[str] | None = records.part_names
        self.skipped: list[Path] = []
        self._cache_kind = cache
        self._cache_dir = cache_dir
        self._select(np.arange(len(self._numbers)))
        if on_error == "skip":
            self._skip_unreadable(progress)
        self._cache = self._new_cache()

    @property
    def paths(self) -> list[Path]:
        """The image files, in the order of the labels."""
        return [self._records.path(number) for number in self._numbers]

    @property
    def files(self) -> list[str]:
        """The image files by their paths within the data, in the order of the labels."""
        return [self._records.files[number] for number in self._numbers]

    def image(self, index: int) -> np.ndarray:
        """Image number `index`: uint8 of shape `(image_size, image_size, 3)`, RGB."""
        place = self._place(index)
        image = self._cache.get(place)
        if image is None:
            image = read_record(self._records, int(self._numbers[index]), self.image_size)
            self._cache.put(place, image)
        return image

    def at_size(self, image_size: int, cached: bool = True) -> ImageFiles:
        """The same images at another size, with a cache of their own.

        Args:
            image_size: Integer, the side in pixels.
            cached: Boolean, whether they are kept as these are. Defaults to `True`.
        """
        if image_size == self.image_size and cached:
            return self
        other = copy.copy(self)
        other.image_size = image_size
        other._cache = other._new_cache() if cached else NoCache()
        return other

    def boxes(self, index: int) -> np.ndarray:
        """Bounding boxes of image number `index`.

        Args:
            index: Integer.

        Returns:
            float32 array of shape `(boxes, 4)`: left, top, right, bottom in pixels of the file as
            it is, before it is turned or resized. No rows where there are none.
        """
        boxes = self._records.boxes
        if boxes is None:
            return np.zeros((0, 4), np.float32)
        return boxes(int(self._numbers[index]))

    def parts(self, index: int) -> np.ndarray:
        """Parts of image number `index`, in the order of `part_names`.

        Args:
            index: Integer.

        Returns:
            float32 array of shape `(parts, 3)`: x and y in pixels of the file as it is, and 1 where
            the part is visible, else 0. No rows where the set has no parts.
        """
        parts = self._records.parts
        if parts is None:
            return np.zeros((0, 3), np.float32)
        return parts(int(self._numbers[index]))

    def check_heads(self, progress: Progress = lambda *_: None) -> None:
        """Deprecated name of `check_headers`."""
        moved_attribute(self, "check_heads", "check_headers")(progress)

    def check_headers(self, progress: Progress = lambda *_: None) -> None:
        """Looks at the first bytes of every file, so that most errors show before a run begins.

        Args:
            progress: As in the class.

        Raises:
            ValueError: If one is missing, or no image, with its path. A file that breaks off later
                shows when it is read.
        """
        for index, number in enumerate(self._numbers.tolist()):
            path = self._records.path(number)
            content = self._records.content
            check_header(path if content is None else content(number), str(path))
            progress(self.split, index + 1, len(self))

    def _skip_unreadable(self, progress: Progress) -> None:
        readable, count = [], len(self)
        for index in range(count):
            try:
                # The smallest scale finds whatever is wrong, as the whole file is decoded.
                read_record(self._records, int(self._numbers[index]), 1)
                readable.append(index)
            except ValueError:
                self.skipped.append(self._records.path(self._numbers[index]))
            progress(self.split, index + 1, count)
        if not readable:
            raise ValueError(
                f"None of the {count} {self.split} images in {str(self._records.root)!r} can be "
                "read."
            )
        before = set(self.labels.tolist())
        self._select(np.array(readable))
        if self.split == "train" and (lost := before - set(self.labels.tolist())):
            names = ", ".join(repr(self.class_names[label]) for label in sorted(lost))
            raise ValueError(
                f"None of the training images of {names} can be read, so that nothing could be "
                "learnt of it. Mend its images, or take the class out of the data."
            )
        if self.skipped:
            names = ", ".join(str(path) for path in self.skipped[:3])
            more = ", ..." if len(self.skipped) > 3 else ""
            warnings.warn(
                f"{len(self.skipped)} of {count} {self.split} images cannot be read and are left "
                f"out: {names}{more}",
                DatasetWarning,
                stacklevel=4,
            )

    def _select(self, places: np.ndarray) -> None:
        self._numbers = self._numbers[places]
        self.labels: np.ndarray = self._records.labels[self._numbers]
        coarse = self._records.coarse_labels
        self.coarse_labels: np.ndarray | None = None if coarse is None else coarse[self._numbers]
        known = self._records.observations
        self.observations: list[str] | None = (
            None if known is None else [known[n] for n in self._numbers]
        )

    def _new_cache(self) -> ImageCache:
        shape, count = (self.image_size, self.image_size, 3), len(self._numbers)
        if self._cache_kind == RAM:
            return RamCache(shape, count)
        if self._cache_kind == AUTO and count * int(np.prod(shape)) <= AUTO_LIMIT:
            return RamCache(shape, count)
        if self._cache_kind != DISK:
            return NoCache()
        # Of all splits, so that another seed, which splits them otherwise, finds them too.
        records = self._records
        paths = [str(records.root.resolve()), *records.files]
        name = file_name(paths, shape, f"cut {records.cut_bottom}")
        folder = default_cache_dir() if self._cache_dir is None else Path(self._cache_dir)
        return DiskCache(folder / name, shape, len(records.files), records.identify)

    def _place(self, index: int) -> int:
        """The number of an image in the cache."""
        return int(self._numbers[index]) if self._cache_kind == DISK else index
