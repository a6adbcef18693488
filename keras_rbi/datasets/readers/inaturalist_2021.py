"""iNaturalist 2021: 10,000 species, by folders that carry their whole classification."""

import os
from pathlib import Path

import numpy as np

from keras_rbi.datasets.reading import IMAGE_SUFFIXES
from keras_rbi.datasets.records import Records

LEVELS = ("class", "kingdom", "phylum", "order", "family", "genus")
# After the number of the folder; the last piece is the species.
PIECES = ("kingdom", "phylum", "class", "order", "family", "genus")
SUBSETS = {"full": "train", "mini": "train_mini"}


def read(root: Path, coarse: str = "class", subset: str | None = None) -> Records:
    """Reads a folder with `train` or `train_mini`, and `val`, whose images are the test.

    Args:
        root: The folder.
        coarse: The level of the coarse labels, `"kingdom"` to `"genus"`. Defaults to `"class"`.
        subset: `"full"`, the folder `train`, or `"mini"`, `train_mini` with 50 images of each
            species; by default the one that is there, the full one first. Defaults to `None`.

    Returns:
        Records: labels are the numbers of the folders.

    Raises:
        ValueError: If a folder is missing or not as released.
    """
    names = [SUBSETS[subset]] if subset else list(SUBSETS.values())
    training = next((name for name in names if (root / name).is_dir()), None)
    if training is None:
        raise ValueError(f"There is no folder {' or '.join(names)} in {str(root)!r}.")
    folders = sorted(entry.name for entry in os.scandir(root / training) if entry.is_dir())
    categories = [_pieces(folder, number) for number, folder in enumerate(folders)]
    label_of = {folder: label for label, folder in enumerate(folders)}
    files: list[str] = []
    labels: list[int] = []
    splits: list[str] = []
    findings = []
    for name, split in ((training, "train"), ("val", "test")):
        if not (root / name).is_dir():
            findings.append(f"The folder {name}, the test images, is missing.")
            continue
        strange = [
            entry.name
            for entry in os.scandir(root / name)
            if entry.is_dir() and entry.name not in label_of
        ]
        if strange:
            findings.append(f"{name} has {len(strange)} folders that {training} lacks.")
        for folder, label in label_of.items():
            found = _images(root / name / folder)
            files.extend(f"{name}/{folder}/{file}" for file in found)
            labels.extend([label] * len(found))
            splits.extend([split] * len(found))
    # Whole lines of descent, since a name may stand for two groups in two branches.
    depth = PIECES.index(coarse) + 1
    lines = [tuple(pieces[:depth]) for pieces in categories]
    groups = sorted(set(lines))
    group_of = {line: number for number, line in enumerate(groups)}
    group_of_class = np.array([group_of[line] for line in lines], np.int64)
    numbers = np.array(labels, np.int64)
    return Records(
        root,
        files,
        numbers,
        [f"{pieces[5]} {pieces[6]}" for pieces in categories],
        splits,
        group_of_class[numbers],
        [line[-1] for line in groups],
        findings=findings,
    )


def _pieces(folder: str, number: int) -> list[str]:
    """The seven pieces of a folder's name after its number."""
    pieces = folder.split("_")
    if len(pieces) != 8 or not pieces[0].isdigit() or int(pieces[0]) != number:
        raise ValueError(
            f"Folder number {number} must be named {number:05d}_Kingdom_Phylum_Class_Order_Family_"
            f"Genus_species. Found: {folder!r}."
        )
    return pieces[1:]


def _images(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(
        entry.name
        for entry in os.scandir(folder)
        if os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES
    )
