"""Images with their names and classes, read from a folder to be explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.datasets.files.class_folders import labels_of_files
from keras_rbi.datasets.files.find_images import images_in
from keras_rbi.datasets.files.reading import read_image


@dataclass(frozen=True)
class ImageBatch:
    """Images that are explained together.

    Attributes:
        names: Their files.
        pixels: uint8 array `(batch, side, side, 3)`.
        labels: The number of each image's class, -1 where it is not known.
    """

    names: list[str]
    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def at(self, indices: np.ndarray) -> ImageBatch:
        """The images at these indices."""
        names = [self.names[index] for index in indices]
        return ImageBatch(names, self.pixels[indices], self.labels[indices])


def image_files(folder: Path) -> list[Path]:
    """The image files in a folder and the folders in it, in natural order.

    Raises:
        ValueError: If there is no folder, or no image in it.
    """
    if not folder.is_dir():
        raise ValueError(f"There is no folder {str(folder)!r}. Name a folder of image files.")
    return images_in(folder)


def read_images(
    folder: Path, files: Sequence[Path], image_size: int, class_names: Sequence[str]
) -> ImageBatch:
    """Reads images, of which those in a folder named after a class are of that class.

    Args:
        folder: The folder that the files are in; names are relative to it.
        files: The files.
        image_size: Side of the images in pixels.
        class_names: Names of the classes.

    Returns:
        The images.

    Raises:
        ValueError: If one cannot be read.
    """
    names = [path.relative_to(folder) for path in files]
    labels = labels_of_files(files, [folder], class_names)
    pixels = np.stack([read_image(path, image_size) for path in files])
    return ImageBatch([name.as_posix() for name in names], pixels, np.array(labels))
