"""A file that says which class each image is of: a table, or an export of another tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from keras_rbi.datasets.files.coco_json import is_coco, rows_of_coco, split_of_file
from keras_rbi.datasets.files.inaturalist_export import is_inaturalist, rows_of_observations
from keras_rbi.datasets.files.label_studio import (
    are_tasks,
    is_label_studio,
    rows_of_export,
    rows_of_tasks,
)
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.files.split_names import source_of_splits
from keras_rbi.datasets.files.tables import (
    Columns,
    Row,
    of_objects,
    read_rows,
    records_of_rows,
    text_of,
)

JSON = ".json"


def read_labels_file(
    path: Path, root: Path | None = None, columns: Columns | None = None
) -> Records:
    """Images of a table, as `read_table` reads it, or of an export.

    These are known by what they hold: Label Studio's JSON, JSON-MIN and CSV with choices;
    iNaturalist's CSV of observations; COCO's JSON with one class for each image, as iNaturalist's
    competitions have it; and any JSON list of objects, which is read as a table.

    Args:
        path: The file.
        root: The folder of the images; the file's own if `None`.
        columns: As in `read_table`. Defaults to `None`.

    Returns:
        Records.

    Raises:
        ValueError: As `read_table` does, and if an image of an export has no file.
    """
    root, columns = root or path.parent, columns or Columns()
    header, rows, notes, left = _rows(path, root, columns)
    records = records_of_rows(path, root, left, header, rows)
    records.notes = [*notes, *records.notes]
    return records


def _rows(
    path: Path, root: Path, columns: Columns
) -> tuple[list[str], list[Row], list[str], Columns]:
    """The header, the rows, notes, and the columns that are still to be told."""
    if path.suffix.lower() == JSON:
        content = _content(path)
        if is_coco(content):
            return *rows_of_coco(path, root, content), columns
        if are_tasks(content):
            return *rows_of_tasks(path, root, content, columns), _without_image_and_label(columns)
        header, rows = of_objects(list(enumerate(content, 1)))
    else:
        header, rows = read_rows(path)
    if is_label_studio(header):
        told = rows_of_export(path, root, header, rows, columns)
        return *told, _without_image_and_label(columns)
    if is_inaturalist(header) and columns.path is None:
        return *rows_of_observations(path, root, header, rows), columns
    return header, rows, [], columns


def _without_image_and_label(columns: Columns) -> Columns:
    return Columns(split=columns.split, observation=columns.observation)


def _content(path: Path) -> Any:
    try:
        content = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{str(path)!r} cannot be read as JSON: {error}.") from error
    objects = isinstance(content, list) and all(isinstance(one, dict) for one in content)
    if not content or not (is_coco(content) or objects):
        raise ValueError(
            f"{str(path)!r} is no list of images. Expected a list of objects, each with a path and "
            "a label; Label Studio's export; or images, annotations and categories as in COCO."
        )
    return content


def read_coco_folder(folder: Path) -> Records | None:
    """The images of a folder with files such as `train2018.json` and `val2018.json`.

    Args:
        folder: The folder, with the images in it or in its folders.

    Returns:
        Records, or `None` where there are no such files.

    Raises:
        ValueError: As `read_labels_file` does, or if several files are called as one split.
    """
    called = {
        path: split
        for path in sorted(folder.glob(f"*{JSON}"))
        if (split := split_of_file(path)) is not None
    }
    if "train" not in called.values():
        return None
    contents = {path: content for path in called if (content := _coco(path)) is not None}
    files: dict[str, Path] = {}
    objects: list[dict[str, str]] = []
    notes: list[str] = []
    for path, content in contents.items():
        split = called[path]
        if split in files:
            raise ValueError(
                f"{files[split].name!r} and {path.name!r} in {str(folder)!r} are both called as "
                f"the {split} images. Keep one of them there."
            )
        files[split] = path
        header, rows, told = rows_of_coco(path, folder, content)
        objects += [
            dict(zip(header, row.values(), strict=True)) | {"split": split} for _, row in rows
        ]
        notes += told
    if "train" not in files:
        return None
    if "test" not in files and "validation" in files:
        # A lone validation split is what is tested on, as of class folders.
        files["test"] = files.pop("validation")
        for one in objects:
            one["split"] = "test" if one["split"] == "validation" else one["split"]
    if not all("coarse_label" in one for one in objects):
        objects = [{name: one[name] for name in ("path", "label", "split")} for one in objects]
    table = of_objects(list(enumerate(objects, 1)))
    records = records_of_rows(files["train"], folder, Columns(), *table)
    if len(files) == 1:
        records.splits = None
    else:
        records.split_source = source_of_splits({split: files[split].stem for split in files})
    others = [path.name for path in called if path not in contents]
    if others:
        notes.append(f"Without classes, and left out: {', '.join(others)}.")
    records.notes = [*notes, *records.notes]
    return records


def _coco(path: Path) -> Any:
    """What a JSON file holds if it is of this form, else `None`."""
    try:
        content = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError):
        return None
    return content if is_coco(content) else None
