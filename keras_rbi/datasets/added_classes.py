"""A data set and further classes as one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from keras_rbi._lazy import np
from keras_rbi.datasets.files.alike_names import told_of_alike_names
from keras_rbi.datasets.files.dataset_warning import DatasetWarning
from keras_rbi.datasets.image_data import ImageData


class AddedClasses(ImageData):
    """The images of a data set, and then those of further classes, numbered after its own.

    Args:
        first: The data set.
        second: Images of other classes, of the same size.

    Attributes:
        files: Path of each image within its data, or `None` where one is in no file.
        paths: The image files, or `None`.

    Raises:
        ValueError: If sizes differ, or if both have a class.

    Example:

    >>> from keras_rbi.datasets.added_classes import AddedClasses
    >>> class Two(keras_rbi.datasets.ImageData):
    ...     labels, class_names, image_size = np.array([1, 0]), ["wren", "owl"], 64
    ...
    ...     def image(self, index):
    ...         return np.zeros((64, 64, 3), "uint8")
    >>> both = AddedClasses(keras_rbi.datasets.Typefaces("test", per_class=1), Two())
    >>> both.class_names[21:], both.labels[21:].tolist()
    (['cmtt10', 'wren', 'owl'], [21, 23, 22])
    """

    def __init__(self, first: ImageData, second: ImageData) -> None:
        if first.image_size != second.image_size:
            raise ValueError(
                "Images must be of one size. Received: sides of "
                f"{first.image_size} and {second.image_size} pixels."
            )
        if both := sorted(set(first.class_names) & set(second.class_names)):
            raise ValueError(
                f"Classes that are added must be new. Received: {', '.join(both[:3])}"
                f"{', ...' if len(both) > 3 else ''}, which the data has already. Rename them, or "
                "train with their images (keras-rbi train)."
            )
        if told := told_of_alike_names([*first.class_names, *second.class_names]):
            warnings.warn(told, DatasetWarning, stacklevel=2)
        self._first, self._second = first, second
        self.image_size: int = first.image_size
        self.class_names: list[str] = [*first.class_names, *second.class_names]
        self.labels: np.ndarray = np.concatenate(
            [first.labels, second.labels + len(first.class_names)]
        )
        self.files: list[str] | None = self._of_both("files")
        self.paths: list[Path] | None = self._of_both("paths")
        self.observations: list[str] | None = self._of_both("observations")

    def image(self, index: int) -> np.ndarray:
        """Image number `index`: uint8 of shape `(image_size, image_size, 3)`, RGB."""
        count = len(self._first)
        index = index % len(self)
        return self._first.image(index) if index < count else self._second.image(index - count)

    def at_size(self, image_size: int, cached: bool = True) -> ImageData | None:
        """The same images at another size, or `None` where there is none."""
        if image_size == self.image_size and cached:
            return self
        parts = [part.at_size(image_size, cached) for part in (self._first, self._second)]
        if parts[0] is None or parts[1] is None:
            return None
        return AddedClasses(parts[0], parts[1])

    def _of_both(self, name: str) -> list[Any] | None:
        first, second = (getattr(part, name, None) for part in (self._first, self._second))
        return None if first is None or second is None else [*first, *second]
