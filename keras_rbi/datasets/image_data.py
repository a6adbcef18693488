"""The base class of data sets: labelled images by index."""

from __future__ import annotations

from abc import ABC, abstractmethod

from keras_rbi._lazy import np


class ImageData(ABC):
    """Labelled images, rendered or read one at a time.

    Attributes:
        labels: int64 array of shape `(images,)`, the class of each image.
        class_names: Names of the classes, in the order of the labels.
        coarse_labels: int64 array of shape `(images,)` with the group of classes that each image
            belongs to, or `None` where there are no groups.
        coarse_names: Names of those groups, or `None`.
        observations: What each image is of, where several show the same, or `None` where that is
            not known.
        image_size: Side of the square images in pixels.
    """

    labels: np.ndarray
    class_names: list[str]
    coarse_labels: np.ndarray | None = None
    coarse_names: list[str] | None = None
    observations: list[str] | None = None
    image_size: int

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def image(self, index: int) -> np.ndarray:
        """Image number `index`: uint8 of shape `(image_size, image_size, 3)`, RGB."""

    def at_size(self, image_size: int, cached: bool = True) -> ImageData | None:
        """The same images at another size, or `None` where there is none but `image_size`.

        Args:
            image_size: Integer, the side in pixels.
            cached: Boolean, whether they are kept as these are. Defaults to `True`.
        """
        return self if image_size == self.image_size else None
