"""Label Studio's exports of image classification: JSON, JSON-MIN and CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from keras_rbi.datasets.files.named_files import find_each
from keras_rbi.datasets.files.scan_images import IMAGE_SUFFIXES
from keras_rbi.datasets.files.tables import NAMES, Columns, Row, of_objects

# What every row of JSON-MIN and CSV has beside the task's own data and its choices.
ADDED = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time")
# Put before the name of a file that was uploaded.
PREFIX = re.compile(r"^[0-9a-f]{8}-")
SHOWN = 3


def is_label_studio(header: Sequence[str]) -> bool:
    """Whether a table is an export in JSON-MIN or CSV, by its columns."""
    return {"annotation_id", "annotator"} <= set(header)


def are_tasks(content: Any) -> bool:
    """Whether what a JSON file holds is an export of tasks with their annotations."""
    return bool(content) and all(
        isinstance(task, dict)
        and isinstance(task.get("data"), dict)
        and isinstance(task.get("annotations"), list)
        for task in content
    )


def rows_of_tasks(
    path: Path, root: Path, tasks: Sequence[Mapping[str, Any]], columns: Columns
) -> tuple[list[str], list[Row], list[str]]:
    """The tasks of an export in JSON as a table.

    Annotations that were cancelled do not count; where one of a task is marked as the ground
    truth, the others do not either.

    Args:
        path: The file, for errors.
        root: The folder of the images.
        tasks: What it holds.
        columns: `label` names a control of the annotations, where a task has several; the others
            name data of the tasks.

    Returns:
        The header, the rows and notes.

    Raises:
        ValueError: If an image has no file, or an annotation not one choice.
    """
    flat = []
    for task in tasks:
        annotations = [one for one in task["annotations"] if not one.get("was_cancelled")]
        truth = [one for one in annotations if one.get("ground_truth")]
        flat += [
            {"id": task.get("id")} | task["data"] | _choices(one.get("result", []))
            for one in truth or annotations or [{}]
        ]
    controls = {
        item["from_name"]
        for task in tasks
        for annotation in task["annotations"]
        for item in annotation.get("result", [])
        if item.get("type") == "choices"
    }
    return _table(path, root, flat, columns, sorted(controls))


def rows_of_export(
    path: Path, root: Path, header: Sequence[str], rows: Sequence[Row], columns: Columns
) -> tuple[list[str], list[Row], list[str]]:
    """As `rows_of_tasks`, of an export in JSON-MIN or CSV."""
    flat = [{name: row.get(place, "") for place, name in enumerate(header)} for _, row in rows]
    known = {name for names in NAMES.values() for name in names} - set(NAMES["label"])
    controls = [
        name
        for name in header
        if name not in ADDED and name.lower() not in known and not _are_images(flat, name)
    ]
    labels = [name for name in controls if name in ("choice", *NAMES["label"])]
    return _table(path, root, flat, columns, labels or controls)


def _choices(result: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """From the names of controls to what was chosen."""
    chosen: dict[str, list[str]] = {}
    for item in result:
        if item.get("type") == "choices":
            chosen.setdefault(item["from_name"], []).extend(item["value"]["choices"])
    return {name: json.dumps({"choices": values}) for name, values in chosen.items()}


def _table(
    path: Path,
    root: Path,
    flat: Sequence[dict[str, Any]],
    columns: Columns,
    controls: Sequence[str],
) -> tuple[list[str], list[Row], list[str]]:
    image, label = _image_name(path, flat, columns), _control(path, columns, controls)
    numbered = list(enumerate(flat, 1))
    kept = [(number, row) for number, row in numbered if row.get(label) not in (None, "")]
    files = find_each(path, root, [names_of_image(str(row.get(image))) for _, row in kept])
    others = (set(NAMES["split"]) | set(NAMES["observation"])) & {*flat[0]}
    others |= {name for name in (columns.split, columns.observation) if name}
    header, rows = of_objects(
        [
            (
                number,
                {"path": file, "label": _one_choice(path, number, str(row[label]))}
                | {name: row.get(name) for name in sorted(others)},
            )
            for (number, row), file in zip(kept, files, strict=True)
        ]
    )
    left = len(flat) - len(kept)
    notes = [f"{left:,} tasks of {path.name} without an annotation are left out."] if left else []
    return header, rows, notes


def _image_name(path: Path, flat: Sequence[Mapping[str, Any]], columns: Columns) -> str:
    found = [name for name in flat[0] if _are_images(flat, name)]
    if columns.path is not None:
        found = [columns.path] if columns.path in flat[0] else []
    if len(found) != 1:
        raise ValueError(
            f"It cannot be told which data of the tasks in {str(path)!r} is the image. They have: "
            f"{', '.join(map(str, flat[0]))}. Say so with --path-column NAME."
        )
    return found[0]


def _control(path: Path, columns: Columns, controls: Sequence[str]) -> str:
    if columns.label is not None and columns.label in controls:
        return columns.label
    if columns.label is not None or len(controls) != 1:
        raise ValueError(
            f"It cannot be told which choices in {str(path)!r} are the classes. It has: "
            f"{', '.join(controls) or 'none'}. Say so with --label-column NAME, and export "
            "annotations of Choices."
        )
    return controls[0]


def _are_images(flat: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(
        Path(names_of_image(str(row.get(name)))[-1]).suffix.lower() in IMAGE_SUFFIXES
        for row in flat[:20]
    )


def _one_choice(path: Path, number: int, cell: str) -> str:
    """One choice, which JSON-MIN and CSV write as it is, and several as an object."""
    chosen = [cell]
    if cell.startswith("{"):
        try:
            chosen = json.loads(cell)["choices"]
        except (ValueError, KeyError, TypeError):
            chosen = [cell]
    if len(chosen) != 1:
        raise ValueError(
            f"Task {number} of {str(path)!r} has the classes {', '.join(map(repr, chosen))}. A "
            "classifier needs exactly one: keep one choice of each task."
        )
    return str(chosen[0])


def names_of_image(image: str) -> list[str]:
    """What the file of a task's image may be called, from its address there.

    `/data/upload/1/1a2b3c4d-bird.jpg` was uploaded, `/data/local-files/?d=birds/bird.jpg` lies in
    a folder of the server; others are addresses of a store or of the web.

    Args:
        image: The address.

    Returns:
        Names, the fullest first.

    Example:

    >>> from keras_rbi.datasets.files.label_studio import names_of_image
    >>> names_of_image("/data/upload/1/1a2b3c4d-a%20bird.jpg")[-2:]
    ['1a2b3c4d-a bird.jpg', 'a bird.jpg']
    >>> names_of_image("/data/local-files/?d=birds/1.jpg")[1:]
    ['birds/1.jpg', '1.jpg']
    """
    try:
        address = urlsplit(image)
    except ValueError:
        return [image]
    inner = parse_qs(address.query).get("d")
    file = inner[0] if inner else unquote(address.path)
    parts = file.replace("\\", "/").strip("/").split("/")
    ends = ["/".join(parts[start:]) for start in range(len(parts))]
    return list(dict.fromkeys([image, *ends, PREFIX.sub("", parts[-1])]))
