"""A folder of class folders as a data set."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_rbi.datasets.image_data import ImageData, RememberedImages
from keras_rbi.datasets.reading import IMAGE_SUFFIXES, read_image

SPLITS = ("train", "validation", "test")
# Folders by which people divide their images; a plain `val` is held out, so it is tested on.
FOLDERS_OF_SPLIT = {"train": ("train",), "test": ("test", "val", "validation", "valid")}
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1


class ImageFolder(ImageData):
    """The images of a folder that has a folder for each class.

    Where the folder holds `train` and `test` (or `val`) folders of class folders, these are the
    splits. Otherwise a fifth of each class, drawn by the seed, is for the test. Either way, a
    tenth of each class's remaining images is held out from training for the validation.

    Args:
        folder: The folder.
        split: `"train"`, `"validation"` or `"test"`. Defaults to `"train"`.
        image_size: Integer, the side in pixels to which images are resized. Defaults to `224`.
        seed: Integer, the seed of the division. Defaults to `0`.

    Attributes:
        paths: The image files, in the order of the labels.

    Raises:
        ValueError: If the folder is missing, has fewer than two classes, or a class with fewer
            than three images.
    """

    def __init__(
        self, folder: str | Path, split: str = "train", image_size: int = 224, seed: int = 0
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"`split` must be one of {SPLITS}. Received: split={split!r}.")
        folder = Path(folder)
        if not folder.is_dir():
            raise ValueError(
                f"There is no folder {str(folder)!r}. A data set is a folder with a folder of "
                "images for each class."
            )
        train, test = (_first_folder(folder, FOLDERS_OF_SPLIT[name]) for name in ("train", "test"))
        divided = train is not None and test is not None
        source = folder if not divided else (test if split == "test" else train)
        assert source is not None
        by_class = _images_by_class(source)
        names = sorted(_images_by_class(train)) if divided and train else sorted(by_class)
        unknown = sorted(set(by_class) - set(names))
        if unknown:
            raise ValueError(
                f"{str(source)!r} has classes that the training images lack: {', '.join(unknown)}."
            )
        shares = _shares_of(split, divided)
        self.paths: list[Path] = []
        labels: list[int] = []
        for label, name in enumerate(names):
            chosen = _share(by_class.get(name, []), shares, [seed, label])
            self.paths.extend(chosen)
            labels.extend([label] * len(chosen))
        self.labels = np.array(labels, np.int64)
        self.class_names = names
        self.image_size = image_size
        self._remembered = RememberedImages((image_size, image_size, 3), len(labels))

    def image(self, index: int) -> np.ndarray:
        """Image number `index`: uint8 of shape `(image_size, image_size, 3)`, RGB."""
        image = self._remembered.get(index)
        if image is None:
            image = read_image(self.paths[index], self.image_size)
            self._remembered.put(index, image)
        return image

    def read_all(self, progress: Callable[[], None] = lambda: None) -> None:
        """Reads every image once, and keeps them where they fit in memory.

        Args:
            progress: Called after each image.

        Raises:
            ValueError: At the first file that cannot be read, with its path.
        """
        for index in range(len(self)):
            self.image(index)
            progress()


def _first_folder(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)


def _images_by_class(folder: Path) -> dict[str, list[Path]]:
    classes = {
        entry.name: sorted(
            path for path in entry.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES
        )
        for entry in sorted(folder.iterdir())
        if entry.is_dir() and not entry.name.startswith(".")
    }
    classes = {name: paths for name, paths in classes.items() if paths}
    if len(classes) < 2:
        found = f"only {next(iter(classes))!r}" if classes else "none"
        raise ValueError(
            f"A data set needs at least two class folders with images. Found in {str(folder)!r}: "
            f"{found}."
        )
    return classes


def _shares_of(split: str, divided: bool) -> tuple[float, float]:
    """Where a split begins and ends among the shuffled images of a class."""
    test = 0.0 if divided else TEST_SHARE
    validation = test + VALIDATION_SHARE * (1 - test)
    if split == "test":
        return (0.0, 1.0) if divided else (0.0, test)
    return (test, validation) if split == "validation" else (validation, 1.0)


def _share(paths: list[Path], share: tuple[float, float], key: list[int]) -> list[Path]:
    if share == (0.0, 1.0):
        return paths
    if len(paths) < 3:
        where = f" in {str(paths[0].parent)!r}" if paths else ""
        raise ValueError(
            f"Each class needs at least three images to divide. Received: {len(paths)}{where}."
        )
    # Every split gets an image: rounding up leaves none empty for three images or more.
    begin, end = (int(np.ceil(edge * len(paths))) if edge < 1 else len(paths) for edge in share)
    order = np.random.default_rng(key).permutation(len(paths))
    return [paths[number] for number in sorted(order[begin : max(end, begin + 1)])]
