"""Hugging Face's `datasets.Dataset` and `DatasetDict` as a data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_rbi.datasets.files.lists import from_lists
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.files.split_names import SPLIT_OF_NAME

IMAGE, CLASSES = "Image", "ClassLabel"


def from_hugging_face(
    data: Any, image_column: str | None = None, label_column: str | None = None
) -> Records:
    """The images of a Hugging Face `datasets.Dataset`, or of a `DatasetDict` with its splits.

    Images are read from the data set when they are asked for. Of splits, those that are called as
    `ImageFolder` calls them are taken; a lone validation split is what is tested on. Needs the
    package `datasets`, as whoever has such a data set has (the extra `huggingface`).

    Args:
        data: A `datasets.Dataset`, or a `datasets.DatasetDict`.
        image_column: Name of the column of images; by default the only one with the feature
            `Image`. Defaults to `None`.
        label_column: Name of the column of classes; by default the only one with the feature
            `ClassLabel`. Defaults to `None`.

    Returns:
        Records for `ImageFiles`. Classes are in the order of the feature, with those that no image
        has.

    Raises:
        ValueError: If it is no such data set, if its columns cannot be told, or if a row has no
            label.

    Example:

    ```python
    data = datasets.load_dataset("imagefolder", data_dir="birds")
    records = keras_rbi.datasets.from_hugging_face(data)
    train = keras_rbi.datasets.ImageFiles(records, "train")
    ```
    """
    several = isinstance(data, Mapping)
    parts = _splits(data) if several else {"train": data}
    first = next(iter(parts.values()))
    if not hasattr(first, "features") or not hasattr(first, "cast_column"):
        raise ValueError(
            "Expected a `datasets.Dataset` or a `datasets.DatasetDict`. Received: "
            f"{type(first).__name__}. Load a streamed one without streaming=True."
        )
    image = _column(first, image_column, IMAGE, "image_column")
    label = _column(first, label_column, CLASSES, "label_column")
    names = getattr(first.features[label], "names", None)
    content = _Images(
        [
            part.cast_column(image, type(part.features[image])(decode=False))
            for part in parts.values()
        ],
        image,
    )
    labels = [_name(value, names, label) for part in parts.values() for value in part[label]]
    splits = [split for split, part in parts.items() for _ in range(len(part))]
    files = [f"{split}/{row:08}" for split, part in parts.items() for row in range(len(part))]
    records = from_lists(files, labels, splits if len(parts) > 1 else None)
    if names:
        records = records.in_class_order(names)
    # Rows that were shuffled or selected are others, though they lie in the same file.
    fingerprints = [str(getattr(part, "_fingerprint", "")) for part in parts.values()]
    records.root = Path("Hugging Face", *fingerprints)
    records.content = content
    records.container = content.file
    return records


def _splits(data: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, part in data.items():
        split = SPLIT_OF_NAME.get(str(name).lower())
        if split in found:
            raise ValueError(f"Several splits are called as the {split} images: {list(data)}.")
        if split is not None:
            found[split] = part
    if "train" not in found:
        raise ValueError(
            f"None of the splits is called as the training images are. Received: {list(data)}. "
            "Pass one of them, `data[name]`, to have splits drawn."
        )
    if "test" not in found and "validation" in found:
        found["test"] = found.pop("validation")
    return found


def _column(data: Any, asked: str | None, kind: str, argument: str) -> str:
    if asked is not None and asked in data.features:
        return asked
    found = [name for name, feature in data.features.items() if type(feature).__name__ == kind]
    if asked is not None or len(found) != 1:
        raise ValueError(
            f"`{argument}` must name a column, since {len(found)} have the feature {kind}. "
            f"Received: {argument}={asked!r}. The columns: {', '.join(data.features)}."
        )
    return found[0]


def _name(value: Any, names: list[str] | None, column: str) -> str:
    if value is None or (names and not 0 <= value < len(names)):
        raise ValueError(
            f"A row has no class in its column {column!r}: {value!r}. Take such rows out with "
            "`data.filter`, as of a test split without labels."
        )
    return names[value] if names else str(value)


class _Images:
    """The bytes of the images of several parts, by number.

    Args:
        parts: Data sets whose images are not decoded: rows of bytes, or of a path.
        column: The column of images.
    """

    def __init__(self, parts: list[Any], column: str) -> None:
        self._parts = parts
        self._column = column

    def __call__(self, number: int) -> bytes:
        part, row = self._place(number)
        image = part[row][self._column]
        if image["bytes"] is not None:
            return image["bytes"]
        try:
            return Path(image["path"]).read_bytes()
        except OSError as error:
            raise ValueError(f"There is no image {image['path']!r} of row {row}.") from error

    def file(self, number: int) -> str:
        """The file that an image lies in; that of none, of data in memory."""
        part, row = self._place(number)
        image = part[row][self._column]
        if image["bytes"] is None:
            return image["path"]
        files = getattr(part, "cache_files", None) or [{"filename": "in memory"}]
        return files[0]["filename"]

    def _place(self, number: int) -> tuple[Any, int]:
        for part in self._parts:
            if number < len(part):
                return part, number
            number -= len(part)
        raise IndexError(number)
