"""Folders whose labels are in a table beside the images, as other tools write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keras_rbi.datasets.files.lists import from_lists
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.files.split_names import SPLIT_OF_NAME, source_of_splits
from keras_rbi.datasets.files.tables import read_rows, read_table

# Hugging Face's `imagefolder`, and Roboflow's export for classification.
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
ONE_HOT = "_classes.csv"


def read_folder_tables(folder: Path) -> Records | None:
    """The images of a folder with such tables, in it or in its folders of splits.

    Args:
        folder: The folder.

    Returns:
        Records, or `None` where there is no such table.

    Raises:
        ValueError: If a table cannot be read, or does not give each image one class.
    """
    splits = {
        entry: SPLIT_OF_NAME[entry.name.lower()]
        for entry in sorted(folder.iterdir())
        if entry.is_dir() and entry.name.lower() in SPLIT_OF_NAME
    }
    found = [(place, split, table) for place, split in splits.items() if (table := _table(place))]
    if not found:
        table = _table(folder)
        return None if table is None else _read(table)
    files: list[str] = []
    labels: list[str] = []
    names: list[str] = []
    notes: list[str] = []
    for place, split, table in found:
        records = _read(table)
        files += [f"{place.name}/{file}" for file in records.files]
        labels += [records.class_names[label] for label in records.labels.tolist()]
        names += [split] * len(records.files)
        notes += records.notes
    called = {split: place.name for place, split, _ in found}
    if "test" not in called and {"train", "validation"} <= set(called):
        # A lone validation folder is what is tested on, as of class folders.
        names = ["test" if name == "validation" else name for name in names]
        called["test"] = called.pop("validation")
    joined = from_lists(files, labels, names if len(set(names)) > 1 else None, root=folder)
    if joined.splits is not None:
        joined.split_source = source_of_splits(called)
    joined.notes += notes
    return joined


def _table(place: Path) -> Path | None:
    return next((place / n for n in (*METADATA, ONE_HOT) if (place / n).is_file()), None)


def _read(table: Path) -> Records:
    return _one_hot(table) if table.name == ONE_HOT else read_table(table)


def _one_hot(table: Path) -> Records:
    """A column of file names, and one for each class with a 1 where the image is of it."""
    header, rows = read_rows(table)
    classes = header[1:]
    files, labels = [], []
    for number, row in rows:
        given = [name for place, name in enumerate(classes, 1) if row.get(place) not in ("0", "")]
        if len(given) != 1:
            raise ValueError(
                f"Line {number} of {str(table)!r} gives {row.get(0)!r} {_classes(given)}. A "
                "classifier needs exactly one: export it for single-label classification."
            )
        files.append(row[0])
        labels.append(given[0])
    return from_lists(files, labels, root=table.parent)


def _classes(names: Sequence[str]) -> str:
    return f"the classes {', '.join(map(repr, names))}" if names else "no class"
