"""Splits of a data set as one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_rbi._lazy import np
from keras_rbi.datasets.image_data import ImageData


class JoinedImages(ImageData):
    """The images of several splits of a data set, one split after the other.

    Args:
        splits: The images of each split, of the same classes and of one size.

    Attributes:
        splits: The split of each image.
        files: Path of each image within the data, or `None` where one is in no file.
        paths: The image files, or `None`.
        observations: What each image is of, or `None` where that is not known.

    Raises:
        ValueError: If there is none, or if classes or sizes differ.

    Example:

    >>> from keras_rbi.datasets.joined_images import JoinedImages
    >>> splits = ("train", "test")
    >>> data = {split: keras_rbi.datasets.Typefaces(split, per_class=1) for split in splits}
    >>> joined = JoinedImages(data)
    >>> len(joined), joined.splits[21:23]
    (44, ['train', 'test'])
    """

    def __init__(self, splits: Mapping[str, ImageData]) -> None:
        self._parts = list(splits.values())
        described = {(tuple(part.class_names), part.image_size) for part in self._parts}
        if len(described) != 1:
            raise ValueError(
                "Splits can be joined that have the same classes and images of one size. Received: "
                f"{len(described)} kinds of {len(self._parts)} splits."
            )
        first = self._parts[0]
        self.class_names: list[str] = first.class_names
        self.image_size: int = first.image_size
        self.labels: np.ndarray = np.concatenate([part.labels for part in self._parts])
        self._ends = np.cumsum([len(part) for part in self._parts])
        self.splits: list[str] = [split for split, part in splits.items() for _ in range(len(part))]
        self.files: list[str] | None = self._of_all("files")
        self.paths: list[Path] | None = self._of_all("paths")
        self.observations: list[str] | None = self._of_all("observations")

    def image(self, index: int) -> np.ndarray:
        """Image number `index`: uint8 of shape `(image_size, image_size, 3)`, RGB."""
        part = int(np.searchsorted(self._ends, index, side="right"))
        return self._parts[part].image(int(index - self._ends[part]) + len(self._parts[part]))

    def _of_all(self, name: str) -> list[Any] | None:
        found: list[Any] = []
        for part in self._parts:
            if (some := getattr(part, name, None)) is None:
                return None
            found += some
        return found
