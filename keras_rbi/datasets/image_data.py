"""What every data set is to the library: images that can be asked for by number."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np


class ImageData(ABC):
    """Labelled images, rendered or read one at a time.

    Attributes:
        labels: int64 array of shape `(images,)`, the class of each image.
        class_names: Names of the classes, in the order of the labels.
        coarse_labels: int64 array of shape `(images,)` with the group of classes that each image
            belongs to, or `None` where there are no groups.
        coarse_names: Names of those groups, or `None`.
        image_size: Side of the square images in pixels.
    """

    labels: np.ndarray
    class_names: list[str]
    coarse_labels: np.ndarray | None = None
    coarse_names: list[str] | None = None
    image_size: int

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def image(self, index: int) -> np.ndarray:
        """Image number `index`: uint8 of shape `(image_size, image_size, 3)`, RGB."""


class RememberedImages:
    """Images kept in memory once they have been made, as long as all of them fit.

    Args:
        shape: Shape of one image.
        count: Number of images.
        limit: Largest number of bytes that all of them may take. Defaults to 1 GiB.
    """

    def __init__(self, shape: Sequence[int], count: int, limit: int = 2**30) -> None:
        fits = count * int(np.prod(shape)) <= limit
        self._images = np.empty((count, *shape), np.uint8) if fits else None
        self._known = np.zeros(count, bool)

    def get(self, index: int) -> np.ndarray | None:
        """The image, or None where it is not known."""
        if self._images is None or not self._known[index]:
            return None
        return self._images[index]

    def put(self, index: int, image: np.ndarray) -> None:
        """Keeps an image, if there is room for all of them."""
        if self._images is not None:
            self._images[index] = image
            self._known[index] = True
