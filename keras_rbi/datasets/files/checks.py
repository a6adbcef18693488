"""Checks of a data set's counts against its release."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo
from keras_rbi.datasets.files.alike_names import told_of_alike_names
from keras_rbi.datasets.files.image_files import Progress, read_record
from keras_rbi.datasets.files.records import SPLITS, Records

EXAMPLES = 3
MINI_PER_CLASS = 50


@dataclass(frozen=True)
class SplitCounts:
    """Counts of a split.

    Attributes:
        images: Number of images.
        classes: Number of classes that have any.
        fewest: Images of the class that has the fewest, 0 where one has none.
        most: Images of the class that has the most.
    """

    images: int
    classes: int
    fewest: int
    most: int


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        title: Name of the data.
        root: Its folder.
        classes: Number of classes.
        groups: Number of groups of classes, or `None`.
        splits: Counts of each split that has images; of all as `"all"` where there are no official
            splits.
        problems: Sentences, one for each thing that is not as released. None is good.
        notes: Sentences on what was passed over, or taken otherwise than by its name.
    """

    title: str
    root: str
    classes: int
    groups: int | None
    splits: dict[str, SplitCounts]
    problems: list[str]
    notes: list[str] = field(default_factory=list)


def check(
    records: Records, info: DatasetInfo | None = None, options: Mapping[str, Any] | None = None
) -> Report:
    """Compares what was read with what was released.

    Args:
        records: What was read.
        info: The released set; `None` for a user's own data, of which only the files are checked.
            Defaults to `None`.
        options: The options it was read with. Defaults to `None`.

    Returns:
        A `Report`.
    """
    splits = count_splits(records)
    problems = [*records.findings, *_missing(records)]
    if info is not None:
        problems += _differences(records, info, splits, options or {})
    return Report(
        info.title if info else records.root.name or records.root.absolute().name,
        str(records.root),
        len(records.class_names),
        None if records.coarse_names is None else len(records.coarse_names),
        splits,
        problems,
        [
            *records.notes,
            *filter(None, [told_of_alike_names(records.class_names)]),
            *(
                [f"{records.hidden:,} hidden files or folders, or such of the system, passed over."]
                if records.hidden
                else []
            ),
        ],
    )


def count_splits(records: Records) -> dict[str, SplitCounts]:
    """Counts of each official split that has images."""
    counts = {}
    splits = None if records.splits is None else np.array(records.splits)
    for name in SPLITS if splits is not None else ("all",):
        labels = records.labels if splits is None else records.labels[splits == name]
        if len(labels):
            per_class = np.bincount(labels, minlength=len(records.class_names))
            counts[name] = SplitCounts(
                len(labels),
                int(np.count_nonzero(per_class)),
                int(per_class.min()),
                int(per_class.max()),
            )
    return counts


def unreadable(records: Records, progress: Progress = lambda *_: None) -> list[str]:
    """Reads every image and tells which cannot be read.

    Args:
        records: The images.
        progress: Called with `"all"`, the number of images read and of all images.

    Returns:
        A sentence for each image that cannot be read.
    """
    problems = []
    for number in range(len(records.files)):
        try:
            read_record(records, number, 1)
        except ValueError as error:
            problems.append(str(error))
        progress("all", number + 1, len(records.files))
    return problems


def _differences(
    records: Records,
    info: DatasetInfo,
    splits: dict[str, SplitCounts],
    options: Mapping[str, Any],
) -> list[str]:
    problems = []
    if len(records.class_names) != info.classes:
        problems.append(f"{len(records.class_names)} classes instead of {info.classes}.")
    for name, expected in info.images.items():
        got = splits.get(name)
        images = got.images if got else 0
        mini = options.get("subset") != "full" and name == "train" and "subset" in info.options
        # The small subset has the same number of images of every class.
        allowed = {expected, *([MINI_PER_CLASS * info.classes] if mini else [])}
        if images not in allowed:
            problems.append(f"{images:,} {name} images instead of {expected:,}.")
        per_class = info.per_class.get(name)
        if mini and images == MINI_PER_CLASS * info.classes:
            per_class = (MINI_PER_CLASS, MINI_PER_CLASS)
        if got and per_class:
            fewest, most = per_class
            if (got.fewest, got.most) != (fewest, most):
                wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
                problems.append(
                    f"{got.fewest} to {got.most} {name} images a class instead of {wanted}."
                )
    if info.coarse and records.coarse_names is not None:
        level = options.get("coarse", next(iter(info.coarse)))
        groups = info.coarse[level]
        if groups is not None and len(records.coarse_names) != groups:
            problems.append(f"{len(records.coarse_names)} groups ({level}) instead of {groups}.")
    if len(set(records.files)) < len(records.files):
        repeated = len(records.files) - len(set(records.files))
        problems.append(f"{repeated} files are listed more than once.")
    return problems


def _missing(records: Records) -> list[str]:
    """Whether files are missing, with one look at each folder rather than at each file."""
    if records.content is not None:
        return []
    by_folder = defaultdict(list)
    for file in records.files:
        folder, name = posixpath.split(file)
        by_folder[folder].append(name)
    missing = []
    for folder, names in by_folder.items():
        try:
            there = set(os.listdir(records.root / folder))
        except OSError:
            there = set()
        missing += [posixpath.join(folder, name) for name in names if name not in there]
    if not missing:
        return []
    more = ", ..." if len(missing) > EXAMPLES else ""
    return [f"{len(missing):,} files are missing: {', '.join(missing[:EXAMPLES])}{more}"]
