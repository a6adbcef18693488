"""Folders that are named after classes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

# Of a file's name: separators, control characters, and bytes that are no text.
NOT_IN_FILE_NAMES = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
LONGEST_NAME = 200
# Of letters with accents, which disks may take apart.
FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")


def class_folders(class_names: Sequence[str]) -> dict[str, int]:
    """A folder's name for each class, one that any disk takes and that is not hidden.

    Args:
        class_names: Names of the classes, each once.

    Returns:
        From names of folders to numbers of classes, in the order of these. A class is its own
        folder's name wherever it can be.

    Example:

    >>> from keras_rbi.datasets.files.class_folders import class_folders
    >>> class_folders(["wren", "and/or", "and_or", "..."])
    {'wren': 0, 'and_or-2': 1, 'and_or': 2, '_..': 3}
    """
    taken = {name for name in class_names if _plain(name) == name}
    found = {}
    for label, name in enumerate(class_names):
        folder = plain = _plain(name)
        number = 2
        while folder != name and folder in taken:
            folder = f"{plain}-{number}"
            number += 1
        taken.add(folder)
        found[folder] = label
    return found


def label_by_folder(folders: Iterable[str], labels: Mapping[str, int]) -> int:
    """The class of an image by the folders that it lies in.

    Args:
        folders: Names of the folders, the outermost first.
        labels: What `class_folders` gives.

    Returns:
        The number of the class after which the innermost of them is named, -1 where none is.
    """
    return next((labels[name] for name in reversed([*folders]) if name in labels), -1)


def labels_of_files(
    files: Sequence[Path], named: Sequence[str | Path], class_names: Sequence[str]
) -> list[int]:
    """The class of each of some image files, by the folders that they lie in.

    Of a file that somebody named, only the folder that it is in tells its class; of those in a
    folder that somebody named, this and the folders in it. What is above may be called like a class
    by chance.

    Args:
        files: The image files, as `find_images` finds them.
        named: The files and folders in which it found them.
        class_names: Names of the classes.

    Returns:
        The number of the class of each file, -1 where no folder is named after one.

    Example:

    >>> from keras_rbi.datasets.files.class_folders import labels_of_files
    >>> files = [Path("wren/trip/wren/1.jpg"), Path("wren/trip/2.jpg")]
    >>> labels_of_files(files, ["wren/trip"], ["robin", "wren"])
    [1, -1]
    """
    labels = _either_form(class_folders(class_names))
    paths = [Path(path).expanduser() for path in named]
    themselves = set(paths).intersection(files)
    folders = [path for path in paths if path not in themselves]

    def label(file: Path) -> int:
        if file in themselves:
            return label_by_folder([file.parent.name], labels)
        for folder in folders:
            if file.is_relative_to(folder):
                within = file.relative_to(folder).parts[:-1]
                return label_by_folder([folder.name, *within], labels)
        return -1

    return [label(file) for file in files]


def _plain(name: str) -> str:
    plain = NOT_IN_FILE_NAMES.sub("_", name)
    if not plain or plain.startswith("."):
        # Hidden, or the folder itself or the one above.
        plain = "_" + plain[1:]
    return plain.encode()[:LONGEST_NAME].decode(errors="ignore")


def _either_form(labels: Mapping[str, int]) -> dict[str, int]:
    """With the names as disks write them."""
    apart = {unicodedata.normalize(form, name): n for name, n in labels.items() for form in FORMS}
    return {**apart, **labels}
