"""Data sets of one's own from lists of files, or from a table of them."""

import csv
from collections.abc import Sequence
from pathlib import Path

from keras_rbi.datasets.files.records import SPLITS, Records, numbered

COLUMNS = ("path", "label", "split", "coarse_label")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
SPLIT_OF_NAME = {"train": "train", "test": "test"} | dict.fromkeys(
    ("validation", "val", "valid"), "validation"
)


def from_lists(
    paths: Sequence[str | Path],
    labels: Sequence[str | int],
    splits: Sequence[str] | None = None,
    coarse_labels: Sequence[str | int] | None = None,
    root: str | Path = ".",
) -> Records:
    """Images of one's own, given as lists.

    Args:
        paths: The image files.
        labels: The class of each: names, or integers.
        splits: `"train"`, `"validation"` or `"test"` of each, or `None` to have them drawn.
            Defaults to `None`.
        coarse_labels: The group of classes of each, or `None`. Defaults to `None`.
        root: The folder that relative paths start from. Defaults to `"."`.

    Returns:
        Records for `ImageFiles`. Classes are in the order of their names, by number where all of
        them are integers.

    Raises:
        ValueError: If the lists differ in length, if there are fewer than two classes, or if a
            split is none.

    Example:

    >>> records = keras_rbi.datasets.from_lists(
    ...     ["a.jpg", "b.jpg", "c.jpg"], [10, 9, 10], splits=["train", "train", "test"]
    ... )
    >>> records.class_names, records.labels.tolist()
    (['9', '10'], [1, 0, 1])
    """
    lists = {"labels": labels, "splits": splits, "coarse_labels": coarse_labels}
    for name, values in lists.items():
        if values is not None and len(values) != len(paths):
            raise ValueError(
                f"`{name}` must have one entry for each path. Received: {len(values)} {name} and "
                f"{len(paths)} paths."
            )
    numbers, class_names = numbered([str(label) for label in labels])
    if len(class_names) < 2:
        raise ValueError(f"A data set needs at least two classes. Received: {class_names}.")
    split_of = None if splits is None else [_split(name) for name in splits]
    coarse, coarse_names = (
        (None, None) if coarse_labels is None else numbered([str(label) for label in coarse_labels])
    )
    files = [Path(path).as_posix() for path in paths]
    return Records(Path(root), files, numbers, class_names, split_of, coarse, coarse_names)


def read_table(path: Path, root: Path | None = None) -> Records:
    """Images of a CSV or TSV file with the columns path, label, and split and coarse_label.

    Args:
        path: The file, whose first line names the columns; the last two may be left out.
        root: The folder that relative paths start from; the file's own if `None`.

    Returns:
        Records.

    Raises:
        ValueError: If the file cannot be read, lacks a column, or a cell is empty.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter=DELIMITERS[path.suffix.lower()]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{str(path)!r} cannot be read as a table: {error}.") from error
    header = [name.strip().lower() for name in rows[0]] if rows else []
    unknown = sorted(set(header) - set(COLUMNS))
    if not {"path", "label"} <= set(header) or unknown or len(set(header)) < len(header):
        raise ValueError(
            f"The first line of {str(path)!r} must name the columns: path, label and, if they are "
            f"there, split and coarse_label. Found: {', '.join(header) or 'nothing'}."
        )
    columns: dict[str, list[str]] = {name: [] for name in header}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        cells = [cell.strip() for cell in row]
        if len(cells) != len(header) or not all(cells):
            raise ValueError(
                f"Line {number} of {str(path)!r} must have {len(header)} cells that are not empty "
                f"({', '.join(header)}). Found: {row}."
            )
        for name, cell in zip(header, cells, strict=True):
            columns[name].append(cell)
    return from_lists(
        columns["path"],
        columns["label"],
        columns.get("split"),
        columns.get("coarse_label"),
        root or path.parent,
    )


def _split(name: str) -> str:
    split = SPLIT_OF_NAME.get(name.strip().lower())
    if split is None:
        raise ValueError(f"A split must be one of {SPLITS}. Received: {name!r}.")
    return split
