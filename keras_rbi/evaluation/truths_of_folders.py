"""The classes that folders tell of images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_rbi.datasets.files.class_folders import labels_of_files


def truths_of_folders(
    files: Sequence[Path],
    named: Sequence[Path],
    class_names: Sequence[str],
    things: Mapping[str, Sequence[Path]] | None,
) -> dict[str, str]:
    """The classes that folders tell, of images or of observations, as predictions call them."""
    labels = dict(zip(files, labels_of_files(files, named, class_names), strict=True))
    if things is None:
        things = {str(file): [file] for file in files}
    found = {}
    for name, members in things.items():
        label, *others = {labels[member] for member in members}
        if label >= 0 and not others:
            found[name] = class_names[label]
    return found
