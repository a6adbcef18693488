"""A folder of class folders as a data set."""

import math
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
        self.paths: list[Path] = []
        labels: list[int] = []
        for label, name in enumerate(names):
            chosen = _divide(by_class.get(name, []), split, divided, [seed, label])
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


def _divide(paths: list[Path], split: str, divided: bool, key: list[int]) -> list[Path]:
    """The images of a class that belong to a split."""
    if divided and split == "test":
        return paths
    if len(paths) < 3:
        where = f" in {str(paths[0].parent)!r}" if paths else ""
        raise ValueError(
            f"Each class needs at least three images to divide. Received: {len(paths)}{where}."
        )
    # Rounded up, so that every split has an image of every class.
    test = 0 if divided else math.ceil(TEST_SHARE * len(paths))
    validation = test + math.ceil(VALIDATION_SHARE * (len(paths) - test))
    order = np.random.default_rng(key).permutation(len(paths))
    chosen = {
        "test": order[:test],
        "validation": order[test:validation],
        "train": order[validation:],
    }
    return [paths[number] for number in sorted(chosen[split])]
