"""Readers of the text, MATLAB and XML files of data sets."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from keras_rbi._lazy import np
from keras_rbi.datasets.files.records import RowsOfImage, one_row_each, rows_each

# Of the two sets of birds: what classification does not need, and copies often lack.
EXTRAS = {
    "boxes": "bounding_boxes.txt",
    "parts": "parts/part_locs.txt",
    "names of parts": "parts/parts.txt",
}


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that are not empty.

    Raises:
        ValueError: If the file is missing or no text, with its path.
    """
    try:
        # Names in some files have accents in Latin-1.
        text = path.read_bytes()
        try:
            content = text.decode("utf-8-sig")
        except UnicodeDecodeError:
            content = text.decode("latin-1")
    except OSError as error:
        raise ValueError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    return [line.rstrip("\r") for line in content.split("\n") if line.strip()]


def missing_extras(root: Path, files: dict[str, str]) -> list[str]:
    """Notes on files that classification does not need, where a copy of a set lacks them.

    Args:
        root: The folder of the set.
        files: From what they hold, in words, to their paths.

    Example:

    >>> from pathlib import Path
    >>> from keras_rbi.datasets.readers.tables import missing_extras
    >>> missing_extras(Path("/nowhere"), {"parts": "parts/parts.txt"})
    ['There are no parts: parts/parts.txt is missing. Images and labels are read without.']
    """
    missing = {what: file for what, file in files.items() if not (root / file).is_file()}
    if not missing:
        return []
    are = "is" if len(missing) == 1 else "are"
    return [
        f"There are no {' and no '.join(missing)}: {', '.join(missing.values())} {are} missing. "
        "Images and labels are read without."
    ]


def read_pairs(path: Path) -> dict[str, str]:
    """Lines of a key, a space and the rest, which may hold more spaces."""
    pairs = {}
    for line in read_lines(path):
        key, _, value = line.strip().partition(" ")
        if not value:
            raise ValueError(f"{str(path)!r} has a line without a value: {line!r}.")
        pairs[key] = value.strip()
    return pairs


def read_integers(path: Path) -> dict[str, int]:
    """Lines of a key and an integer."""
    pairs = read_pairs(path)
    try:
        return {key: int(value) for key, value in pairs.items()}
    except ValueError as error:
        raise ValueError(f"{str(path)!r} has a line without an integer: {error}.") from error


def read_numbers(path: Path, width: int) -> dict[str, list[float]]:
    """Lines of a key and `width` numbers."""
    rows = {}
    for key, value in read_pairs(path).items():
        rows[key] = _numbers(path, value, width)
    return rows


def read_keyed_rows(path: Path, width: int) -> list[tuple[str, list[float]]]:
    """Lines of a key, which may repeat, and `width` numbers."""
    rows = []
    for line in read_lines(path):
        key, _, value = line.strip().partition(" ")
        rows.append((key, _numbers(path, value, width)))
    return rows


def _numbers(path: Path, text: str, width: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.split()]
    except ValueError:
        numbers = []
    if len(numbers) != width:
        raise ValueError(f"{str(path)!r} needs {width} numbers after the id. Received: {text!r}.")
    return numbers


def read_mat(path: Path) -> dict[str, Any]:
    """Variables of a MATLAB file, without axes of length 1.

    Raises:
        ValueError: If the file is missing or none of MATLAB's, with its path.
    """
    # Slow to import, and only three sets have such files.
    from scipy.io import loadmat

    try:
        return loadmat(path, squeeze_me=True)
    except Exception as error:
        # Whatever a file that is no MATLAB file makes of scipy, which has errors of its own.
        raise ValueError(f"{str(path)!r} cannot be read as a MATLAB file: {error}.") from error


def read_boxes(path: Path) -> np.ndarray:
    """Bounding boxes of an annotation in XML, as Pascal VOC has them.

    Returns:
        float32 array of shape `(boxes, 4)`: left, top, right, bottom.

    Raises:
        ValueError: If the file is missing or not as released, with its path.
    """
    try:
        rows = [
            [float(box.findtext(side, "")) for side in ("xmin", "ymin", "xmax", "ymax")]
            for box in ElementTree.parse(path).iter("bndbox")
        ]
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"{str(path)!r} cannot be read as an annotation: {error}.") from error
    return np.array(rows, np.float32).reshape(-1, 4)


def rows_of(keys: list[str], table: dict[str, list[float]], width: int) -> np.ndarray:
    """Rows of a table in the order of `keys`; NaN where a key has none."""
    missing = [float("nan")] * width
    return np.array([table.get(key, missing) for key in keys], np.float32).reshape(-1, width)


def corners(boxes: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom of boxes given as left, top, width, height."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def part_rows(
    keys: list[str], rows: list[tuple[str, list[float]]], first: int, count: int
) -> np.ndarray:
    """Parts of images as an array of shape `(images, count, 3)`.

    Args:
        keys: Ids of the images.
        rows: Id of an image and part number, x, y, visible.
        first: The number of the first part.
        count: How many parts there are.
    """
    place = {key: number for number, key in enumerate(keys)}
    parts = np.zeros((len(keys), count, 3), np.float32)
    for key, (part, *rest) in rows:
        if key in place and 0 <= int(part) - first < count:
            parts[place[key], int(part) - first] = rest
    return parts


def boxes_and_parts(
    root: Path, ids: list[str], first: int
) -> tuple[RowsOfImage | None, RowsOfImage | None, list[str] | None, list[str]]:
    """Boxes and parts of a set of birds, as far as a copy of it has them.

    Args:
        root: The folder of the set.
        ids: The keys of its images.
        first: As in `part_rows`.

    Returns:
        Boxes, parts and names of the parts for `Records`, and notes on what is missing.
    """
    boxes = parts = part_names = None
    if (root / EXTRAS["boxes"]).is_file():
        boxes = one_row_each(corners(rows_of(ids, read_numbers(root / EXTRAS["boxes"], 4), 4)))
    if all((root / EXTRAS[what]).is_file() for what in ("parts", "names of parts")):
        part_names = list(read_pairs(root / EXTRAS["names of parts"]).values())
        rows = read_keyed_rows(root / EXTRAS["parts"], 4)
        parts = rows_each(part_rows(ids, rows, first, len(part_names)))
    return boxes, parts, part_names, missing_extras(root, EXTRAS)
