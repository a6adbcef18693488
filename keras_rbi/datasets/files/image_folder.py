"""A folder of class folders as a data set."""

from pathlib import Path

from keras_rbi.datasets.files.image_cache import AUTO
from keras_rbi.datasets.files.image_files import ImageFiles, Progress
from keras_rbi.datasets.files.reading import IMAGE_SUFFIXES
from keras_rbi.datasets.files.records import SPLITS, Records, numbered

VALIDATION_FOLDERS = ("val", "validation", "valid")


class ImageFolder(ImageFiles):
    """The images of a folder that has a folder for each class.

    Where the folder holds `train` and `test` folders of class folders, these are the splits, and
    so is `val` (or `validation`, `valid`) where it stands beside them. Where there are only `train`
    and `val`, `val` is for the test. Where there is neither, a fifth of each class, drawn by the
    seed, is for the test. Without a validation folder of its own, a tenth of each class's remaining
    images is held out from training for the validation.

    Args:
        folder: The folder.
        split: As in `ImageFiles`. Defaults to `"train"`.
        image_size: Integer, the side in pixels to which images are resized. Defaults to `224`.
        seed: Integer, the seed of the split. Defaults to `0`.
        on_error: As in `ImageFiles`. Defaults to `"raise"`.
        progress: As in `ImageFiles`. Defaults to nothing.
        cache: As in `ImageFiles`. Defaults to `"auto"`.
        cache_dir: As in `ImageFiles`. Defaults to `None`.

    Attributes:
        paths: The image files, in the order of the labels.

    Raises:
        ValueError: If the folder is missing, has fewer than two classes, or a class with fewer
            than three images.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str = "train",
        image_size: int = 224,
        seed: int = 0,
        on_error: str = "raise",
        progress: Progress = lambda *_: None,
        cache: str | None = AUTO,
        cache_dir: str | Path | None = None,
    ) -> None:
        records = read_folder(Path(folder))
        super().__init__(records, split, image_size, seed, on_error, progress, cache, cache_dir)


def read_folder(folder: Path) -> Records:
    """The images of a folder of class folders, or of folders of such for the splits.

    Raises:
        ValueError: As `ImageFolder` does.
    """
    if not folder.is_dir():
        raise ValueError(
            f"There is no folder {str(folder)!r}. A data set is a folder with a folder of "
            "images for each class."
        )
    found = _folders_of_splits(folder)
    if found is None:
        entries, splits = _entries(folder, ""), None
    else:
        of_split = {split: _entries(folder, name) for split, name in found.items()}
        known = {label for label, _ in of_split["train"]}
        for split, entries in of_split.items():
            unknown = sorted({label for label, _ in entries} - known)
            if unknown:
                raise ValueError(
                    f"{str(folder / found[split])!r} has classes that the training images lack: "
                    f"{', '.join(unknown)}."
                )
        entries = [entry for some in of_split.values() for entry in some]
        splits = [split for split, some in of_split.items() for _ in some]
    labels, class_names = numbered([name for name, _ in entries], sorted({n for n, _ in entries}))
    return Records(folder, [file for _, file in entries], labels, class_names, splits)


def _folders_of_splits(folder: Path) -> dict[str, str] | None:
    """Names of the folders of the splits, or None where the images are not split."""
    validation = next((name for name in VALIDATION_FOLDERS if (folder / name).is_dir()), None)
    if not (folder / "train").is_dir():
        return None
    if (folder / "test").is_dir():
        names = ("train", validation, "test")
        return {split: name for split, name in zip(SPLITS, names, strict=True) if name}
    # Alone it is held out from training, as a test is; what it is called says nothing else.
    return {"train": "train", "test": validation} if validation else None


def _entries(folder: Path, inner: str) -> list[tuple[str, str]]:
    """Class and file, relative to `folder`, of each image in `folder / inner`."""
    source = folder / inner
    entries = [
        (entry.name, path.relative_to(folder).as_posix())
        for entry in sorted(source.iterdir())
        if entry.is_dir() and not entry.name.startswith(".")
        for path in sorted(entry.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]
    classes = {name for name, _ in entries}
    if len(classes) < 2:
        found = f"only {next(iter(classes))!r}" if classes else "none"
        raise ValueError(
            f"A data set needs at least two class folders with images. Found in {str(source)!r}: "
            f"{found}. Put the images of each class into a folder of its own, called as the class."
        )
    return entries
