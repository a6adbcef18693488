"""Tiny-ImageNet-200: 200 classes of 64x64 pixels, whose test images have no labels."""

from __future__ import annotations

import os
from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo, ReleasedFile
from keras_rbi.datasets.files.natural_order import natural_key
from keras_rbi.datasets.files.records import Records, one_row_each
from keras_rbi.datasets.readers.tables import read_lines

CLASS_ORDERS = ("sorted", "official")

# Of its images, in pixels.
SIDE = 64.0


def read(root: Path, class_order: str = "sorted") -> Records:
    """Reads the folder `tiny-imagenet-200`; its `val` images are the test.

    Args:
        root: The folder, with `wnids.txt`.
        class_order: `"sorted"`: labels in the order of the WordNet ids, which is that of the
            folders and of most loaders; `"official"`: in the order of `wnids.txt`. Defaults to
            `"sorted"`.

    Returns:
        Records.

    Raises:
        ValueError: If a file is missing or not as released.
    """
    official = [line.strip() for line in read_lines(root / "wnids.txt")]
    order = sorted(official) if class_order == "sorted" else official
    training, notes = _training(root, order)
    rows = [*training, *_validation(root)]
    findings = []
    folders = {path.name for path in (root / "train").iterdir() if path.is_dir()}
    if folders != set(official):
        findings.append(
            f"{len(folders ^ set(official))} ids are in wnids.txt or among the folders of train "
            "only."
        )
    known = [row for row in rows if row[1] in set(official)]
    if len(known) < len(rows):
        findings.append(f"{len(rows) - len(known)} val images have a class wnids.txt lacks.")
    label_of = {wnid: label for label, wnid in enumerate(order)}
    boxes = np.array([row[3] for row in known], np.float32).reshape(-1, 4)
    return Records(
        root,
        [row[0] for row in known],
        np.array([label_of[row[1]] for row in known], np.int64),
        _names(root, order),
        [row[2] for row in known],
        boxes=one_row_each(boxes),
        findings=findings,
        notes=notes,
    )


Row = tuple[str, str, str, list[float]]


def _training(root: Path, wnids: list[str]) -> tuple[list[Row], list[str]]:
    """The training images and their boxes, and notes where files and lists differ."""
    rows: list[Row] = []
    unboxed = unlisted = 0
    for wnid in wnids:
        folder = root / "train" / wnid
        on_disk = _names_in(folder / "images")
        boxes = folder / f"{wnid}_boxes.txt"
        if boxes.is_file():
            listed = {file: [float(x) for x in box] for file, *box in _cells(boxes, 5)}
            unlisted += len(on_disk - listed.keys())
        else:
            # The whole image, as no box is known.
            listed = {file: [0.0, 0.0, SIDE, SIDE] for file in sorted(on_disk, key=natural_key)}
            unboxed += bool(listed)
        rows += [(f"train/{wnid}/images/{f}", wnid, "train", box) for f, box in listed.items()]
    notes = []
    if unboxed:
        notes.append(f"{unboxed} classes have no file of boxes: their images are read without.")
    if unlisted:
        notes.append(f"{unlisted} training images are in no file of boxes and are left out.")
    return rows, notes


def _names_in(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    return {name for name in os.listdir(folder) if name.lower().endswith(".jpeg")}


def _validation(root: Path) -> list[Row]:
    return [
        (f"val/images/{file}", wnid, "test", [float(x) for x in box])
        for file, wnid, *box in _cells(root / "val" / "val_annotations.txt", 6)
    ]


def _cells(path: Path, width: int) -> list[list[str]]:
    """Cells of a table with tabs whose last four columns are integers."""
    rows = [line.split("\t") for line in read_lines(path)]
    for row in rows:
        if len(row) != width or not all(cell.strip().isdigit() for cell in row[-4:]):
            raise ValueError(
                f"A line of {str(path)!r} needs {width} cells, the last four integers. "
                f"Found: {row}."
            )
    return rows


def _names(root: Path, order: list[str]) -> list[str]:
    """The first of the names of each class; with its id where two classes share it."""
    words = dict(line.split("\t", 1) for line in read_lines(root / "words.txt") if "\t" in line)
    first = [words.get(wnid, wnid).split(",")[0].strip() for wnid in order]
    return [
        name if first.count(name) == 1 else f"{name} ({wnid})"
        for name, wnid in zip(first, order, strict=True)
    ]


INFO = DatasetInfo(
    name="tiny_imagenet_200",
    title="Tiny ImageNet",
    page="http://cs231n.stanford.edu/",
    read=read,
    markers=(("wnids.txt", "words.txt", "train", "val"),),
    folders=("tiny-imagenet-200",),
    files=(
        ReleasedFile(
            "tiny-imagenet-200.zip",
            url="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            checksum="md5:90528d7ca1a48142e341f4ef8d21d0de",
        ),
    ),
    classes=200,
    images={"train": 100000, "test": 10000},
    per_class={"train": (500, 500), "test": (50, 50)},
    options={"class_order": CLASS_ORDERS},
    note="The images of Tiny ImageNet come from ImageNet: a backbone pretrained there has seen "
    "images of the same classes, if not these.",
)
