"""Finding image files in files and folders."""

from collections.abc import Sequence
from pathlib import Path

from keras_rbi.datasets.files.scan_images import HIDDEN, scan_images


def find_images(paths: Sequence[str | Path], unread: list[str] | None = None) -> list[Path]:
    """The image files that files and folders come to.

    Args:
        paths: Files, which are taken whatever they are called, and folders, which are searched
            with the folders in them, as `scan_images` does.
        unread: Gets a sentence on images in folders whose format is not read. Defaults to `None`.

    Returns:
        The files in the order of `paths`, those of a folder in natural order. What is named more
        than once comes once.

    Raises:
        ValueError: If a file or folder is missing, or a folder has no images.
    """
    found: dict[Path, None] = {}
    for path in (Path(path).expanduser() for path in paths):
        if not path.exists():
            raise ValueError(f"There is no image or folder {str(path)!r}.")
        files = images_in(path, unread) if path.is_dir() else [path]
        found.update(dict.fromkeys(files))
    return list(found)


def images_in(folder: Path, unread: list[str] | None = None) -> list[Path]:
    """The image files in a folder and the folders in it.

    Raises:
        ValueError: If there is none, with what is there instead.
    """
    scan = scan_images(folder)
    if not scan.files:
        hidden = scan.passed_over[HIDDEN]
        told = " ".join(scan.notes()) or f"It is empty{', but for hidden files' * bool(hidden)}."
        raise ValueError(f"There are no images in the folder {str(folder)!r}. {told}")
    if unread is not None:
        unread += scan.unread()
    return [folder.joinpath(*parts) for parts in scan.files]
