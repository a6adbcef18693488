"""The records of a data set: paths, labels, splits and boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from keras_rbi._lazy import np
from keras_rbi.datasets.files.natural_order import natural_key

SPLITS = ("train", "validation", "test")
HASH, PERMUTATION = "hash", "permutation"
# Rows about one image, by its number: boxes of four numbers, or parts of three.
Value = TypeVar("Value")
RowsOfImage = Callable[[int], "np.ndarray"]


@dataclass
class Records:
    """The images of all splits of a data set.

    Attributes:
        root: The folder that `files` are relative to.
        files: Path of each image, with slashes.
        labels: int64 array of shape `(images,)`, the class of each image.
        class_names: Names of the classes, in the order of the labels.
        splits: `"train"`, `"validation"` or `"test"` of each image, or `None` where the splits are
            to be drawn.
        coarse_labels: int64 array of shape `(images,)`, the group of classes of each image.
        coarse_names: Names of those groups.
        boxes: Function of an image's number that returns its bounding boxes, float32 of shape
            `(boxes, 4)`: left, top, right, bottom in pixels of the file as it is.
        parts: Function of an image's number that returns its parts, float32 of shape
            `(parts, 3)`: x and y in pixels of the file as it is, and 1 where the part is visible.
        part_names: Names of the parts.
        cut_bottom: Rows of pixels at the bottom of each file that are no part of the photograph.
        content: Function of an image's number that returns the bytes of its file, or `None` where
            the files lie at `path`.
        container: Function of an image's number that returns the file that `content` reads it
            from.
        findings: What is not as released, a sentence each.
        notes: What was passed over or taken otherwise than by its name, a sentence each.
        observations: What each image is of, where several show the same: these stay in one split.
            `None` where that is not known.
        hidden: How many hidden files, and files of the system, were passed over.
        split_source: Where the given splits are from, a sentence; `""` where that is not known.
        split_rule: How splits are drawn where there are no official ones: `"hash"`, by which files
            that come or go move no other, or `"permutation"`, the exact share of each class.
    """

    root: Path
    files: list[str]
    labels: np.ndarray
    class_names: list[str]
    splits: list[str] | None = None
    coarse_labels: np.ndarray | None = None
    coarse_names: list[str] | None = None
    boxes: RowsOfImage | None = None
    parts: RowsOfImage | None = None
    part_names: list[str] | None = None
    cut_bottom: int = 0
    content: Callable[[int], bytes] | None = None
    container: Callable[[int], str] | None = None
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    observations: list[str] | None = None
    hidden: int = 0
    split_source: str = ""
    split_rule: str = HASH

    def in_class_order(self, class_names: Sequence[str]) -> Records:
        """The same images, with the classes numbered in another order of the same names."""
        number = {name: label for label, name in enumerate(class_names)}
        labels = np.array([number[name] for name in self.class_names], np.int64)[self.labels]
        return replace(self, labels=labels, class_names=list(class_names))

    def with_min_images(self, count: int) -> Records:
        """Without the classes that have fewer images, which a note names.

        Raises:
            ValueError: If fewer than two classes are left.
        """
        counts = np.bincount(self.labels, minlength=len(self.class_names))
        kept = [
            name for name, images in zip(self.class_names, counts, strict=True) if images >= count
        ]
        gone = [
            f"{name} ({images})"
            for name, images in zip(self.class_names, counts.tolist(), strict=True)
            if images < count
        ]
        if not gone:
            return self
        if len(kept) < 2:
            raise ValueError(
                f"min_images={count} leaves {len(kept)} classes of {len(self.class_names)}. Pass a "
                f"smaller one: the classes have {counts.min()} to {counts.max()} images."
            )
        note = (
            f"{len(gone)} classes with fewer than {count} images are left out: {', '.join(gone)}."
        )
        return replace(
            self.without_classes(set(self.class_names) - set(kept)), notes=[*self.notes, note]
        )

    def without_classes(self, names: set[str]) -> Records:
        """The images of the other classes."""
        kept = [name for name in self.class_names if name not in names]
        number = {name: label for label, name in enumerate(kept)}
        rows = [
            row for row, label in enumerate(self.labels) if self.class_names[label] not in names
        ]
        some = self.at(rows)
        labels = [number[self.class_names[label]] for label in some.labels.tolist()]
        return replace(some, labels=np.array(labels, np.int64), class_names=kept)

    def at(self, rows: Sequence[int] | np.ndarray) -> Records:
        """The images of these numbers, in their order."""
        rows = np.asarray(rows, np.int64)

        def of(values: Sequence[str] | None) -> list[str] | None:
            return None if values is None else [values[row] for row in rows]

        return replace(
            self,
            files=[self.files[row] for row in rows],
            labels=self.labels[rows],
            splits=of(self.splits),
            observations=of(self.observations),
            coarse_labels=None if self.coarse_labels is None else self.coarse_labels[rows],
            boxes=_at_rows(self.boxes, rows),
            parts=_at_rows(self.parts, rows),
            content=_at_rows(self.content, rows),
            container=_at_rows(self.container, rows),
        )

    def path(self, number: int) -> Path:
        """The file of image number `number`."""
        return self.root / self.files[number]

    def identify(self, number: int) -> str:
        """What changes with the file of image number `number`.

        Raises:
            OSError: If the file is missing.
        """
        file = self.path(number) if self.container is None else Path(self.container(number))
        status = file.stat()
        return f"{self.path(number)} {status.st_mtime_ns} {status.st_size}"


def one_row_each(rows: np.ndarray) -> RowsOfImage:
    """Boxes of images that have one each, given as an array of shape `(images, 4)`."""
    return partial(_row, np.asarray(rows, np.float32))


def rows_each(rows: np.ndarray) -> RowsOfImage:
    """Rows of images, given as an array of shape `(images, rows, columns)`."""
    return partial(_rows, np.asarray(rows, np.float32))


# Functions of the module, since lambdas cannot be sent to another process.
def _row(rows: np.ndarray, number: int) -> np.ndarray:
    return rows[number : number + 1]


def _rows(rows: np.ndarray, number: int) -> np.ndarray:
    return rows[number]


def _at_rows(
    function: Callable[[int], Value] | None, rows: np.ndarray
) -> Callable[[int], Value] | None:
    """A function of numbers among some rows, of one of numbers among all."""
    return None if function is None else partial(_at_row, function, rows)


def _at_row(function: Callable[[int], Value], rows: np.ndarray, number: int) -> Value:
    return function(int(rows[number]))


def numbered(
    names: Sequence[str], order: Sequence[str] | None = None
) -> tuple[np.ndarray, list[str]]:
    """Labels of names, and the names in the order of the labels.

    Args:
        names: A name for each image.
        order: The names in the order of the labels; in natural order if `None`.

    Returns:
        int64 array of shape `(images,)`, and a list of strings.
    """
    if order is None:
        order = sorted(set(names), key=natural_key)
    label = {name: number for number, name in enumerate(order)}
    return np.array([label[name] for name in names], np.int64), list(order)
