"""Classes of images in COCO's JSON, as the competitions of iNaturalist have them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_rbi.datasets.files.named_files import find_each
from keras_rbi.datasets.files.split_names import SPLIT_OF_NAME
from keras_rbi.datasets.files.tables import Row, of_objects

SHOWN = 3
# `train2018.json`, `val.json`, `train_mini.json`.
SPLIT_OF_FILE = re.compile(rf"({'|'.join(sorted(SPLIT_OF_NAME, key=len, reverse=True))})[^a-z]*$")
KEYS = ("images", "annotations", "categories")


def is_coco(content: Any) -> bool:
    """Whether what a JSON file holds is of this form."""
    return isinstance(content, dict) and all(isinstance(content.get(key), list) for key in KEYS)


def split_of_file(path: Path) -> str | None:
    """The split that a file is called as, such as `train2018.json`, or `None`."""
    match = SPLIT_OF_FILE.match(path.stem.lower().removesuffix("_mini"))
    return None if match is None else SPLIT_OF_NAME[match[1]]


def rows_of_coco(
    path: Path, root: Path, content: Mapping[str, Any]
) -> tuple[list[str], list[Row], list[str]]:
    """The images as a table of files, classes and, where there are some, groups of classes.

    Args:
        path: The file, for errors.
        root: The folder that the names of the images start from, or that they are in.
        content: What it holds.

    Returns:
        The header, the rows and notes.

    Raises:
        ValueError: If an entry lacks what it needs, if an image has several classes, or no file.
    """
    try:
        category = {one["id"]: one for one in content["categories"]}
        classes: dict[Any, set[Any]] = defaultdict(set)
        for one in content["annotations"]:
            classes[one["image_id"]].add(one["category_id"])
        images = [(one["id"], str(one["file_name"])) for one in content["images"]]
        names = _names(category)
        groups = {key: one.get("supercategory") for key, one in category.items()}
        several = [file for key, file in images if len(classes.get(key, ())) > 1]
        kept = [(key, file) for key, file in images if classes.get(key)]
        labels = [next(iter(classes[key])) for key, _ in kept]
        found = [(names[label], groups[label]) for label in labels]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{str(path)!r} has an entry without {error}. It needs images with id and file_name, "
            "annotations with image_id and category_id, and categories with id and name."
        ) from error
    if several:
        raise ValueError(
            f"{len(several):,} images of {str(path)!r} have several classes: "
            f"{', '.join(several[:SHOWN])}. A classifier needs exactly one: cut out the objects."
        )
    files = find_each(path, root, [_ends(file) for _, file in kept])
    with_groups = all(group for _, group in found)
    header, rows = of_objects(
        [
            (
                number,
                {"path": file, "label": name} | ({"coarse_label": group} if with_groups else {}),
            )
            for number, (file, (name, group)) in enumerate(zip(files, found, strict=True), 1)
        ]
    )
    left = len(images) - len(kept)
    notes = [f"{left:,} images of {path.name} without a class are left out."] if left else []
    return header, rows, notes


def _names(category: Mapping[Any, Mapping[str, Any]]) -> dict[Any, str]:
    """Names of the categories; with their number where several have one, as of two genera."""
    count = Counter(str(one["name"]) for one in category.values())
    return {
        key: str(one["name"]) if count[str(one["name"])] == 1 else f"{one['name']} ({key})"
        for key, one in category.items()
    }


def _ends(file: str) -> list[str]:
    parts = file.replace("\\", "/").strip("/").split("/")
    return list(dict.fromkeys([file, *("/".join(parts[start:]) for start in range(len(parts)))]))
