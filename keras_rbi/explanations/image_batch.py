"""Images with their names and classes, read from files to be explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.datasets.files.class_folders import labels_of_files
from keras_rbi.datasets.files.reading import UnreadableImageError, read_image


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


def read_images(
    paths: Sequence[Path],
    files: Sequence[Path],
    image_size: int,
    class_names: Sequence[str],
    unreadable: list[str],
) -> ImageBatch:
    """Reads images, of which those in a folder named after a class are of that class.

    Args:
        paths: The files and folders that the files are of; where it is one folder, names are
            relative to it.
        files: The files.
        image_size: Side of the images in pixels.
        class_names: Names of the classes.
        unreadable: A list that gets the reason of each that cannot be read.

    Returns:
        The images that can be read.

    Raises:
        ValueError: If none can be read.
    """
    one_folder = len(paths) == 1 and paths[0].is_dir()
    labels = labels_of_files(files, paths, class_names)
    read: list[tuple[str, np.ndarray, int]] = []
    for path, label in zip(files, labels, strict=True):
        try:
            pixels = read_image(path, image_size)
        except UnreadableImageError as error:
            unreadable.append(str(error))
            continue
        name = path.relative_to(paths[0]) if one_folder else path
        read.append((name.as_posix(), pixels, label))
    if not read:
        raise ValueError(f"None of the images can be read: {unreadable[0]}")
    names, rows, numbers = zip(*read, strict=True)
    return ImageBatch(list(names), np.stack(rows), np.array(numbers))
