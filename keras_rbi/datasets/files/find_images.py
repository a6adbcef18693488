"""Finding image files in files and folders."""

from collections.abc import Sequence
from pathlib import Path

from keras_rbi.datasets.files.reading import IMAGE_SUFFIXES


def find_images(paths: Sequence[str | Path]) -> list[Path]:
    """The image files that files and folders come to.

    Args:
        paths: Files, which are taken whatever they are called, and folders, which are searched
            with the folders in them for files that are called as images are. Hidden files and
            folders are left out there.

    Returns:
        The files in the order of `paths`, those of a folder sorted. What is named more than once
        comes once.

    Raises:
        ValueError: If a file or folder is missing, or a folder has no images.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        files = _images_in(path) if path.is_dir() else [path]
        if not path.exists():
            raise ValueError(f"There is no image or folder {str(path)!r}.")
        if not files:
            raise ValueError(
                f"There are no images in the folder {str(path)!r}: no file whose name ends in "
                f"{', '.join(sorted(IMAGE_SUFFIXES))}."
            )
        found.update(dict.fromkeys(files))
    return list(found)


def _images_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
