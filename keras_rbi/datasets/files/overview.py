"""What one wants to know of a data set before training on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from keras_rbi._lazy import np
from keras_rbi.datasets.files.equal_files import equal_files
from keras_rbi.datasets.files.image_headers import Headers, read_headers
from keras_rbi.datasets.files.observation_names import CutObservations, cut_observations
from keras_rbi.datasets.files.records import SPLITS, Records
from keras_rbi.datasets.splits import split_of_each

# Up to so many images every file is looked at; of more, so many headers, spread evenly.
LOOKED_AT = 10_000
SAMPLE = 1_000
SMALLEST = 10
# Groups of equal files that are named.
EXAMPLES = 20
SHOWN = 3
# From here on a mean over images says little about the smallest classes.
IMBALANCED = 10.0


@dataclass(frozen=True)
class EqualImages:
    """Images whose files are equal.

    Attributes:
        groups: Number of contents that several files have.
        images: Number of these files.
        across_splits: Number of contents that are in several splits.
        several_classes: Number of contents that are in several classes.
        examples: The files of the first 20 contents, those across splits first, each with its
            split and its class.
    """

    groups: int = 0
    images: int = 0
    across_splits: int = 0
    several_classes: int = 0
    examples: list[list[tuple[str, str, str]]] = field(default_factory=list)


@dataclass(frozen=True)
class Overview:
    """What one wants to know of a data set before training on it.

    Attributes:
        images: Number of images.
        images_per_class: From class names to numbers of images.
        smallest_classes: The ten classes of the fewest images, the same way.
        imbalance: Images of the largest class by those of the smallest that has any.
        split_reason: Where the splits are from.
        drawn: From splits to numbers of images, as they are given or drawn by the seed 0.
        headers: What the headers of the files say, or of a sample of them.
        equal: Images whose files are equal, or `None` where that was not looked for.
        cut_observations: Observations in several splits, or `None` where the data has no
            observations.
        warnings: Sentences on what may spoil a training or its test.
    """

    images: int
    images_per_class: dict[str, int]
    smallest_classes: dict[str, int]
    imbalance: float
    split_reason: str
    drawn: dict[str, int]
    headers: Headers
    equal: EqualImages | None
    cut_observations: CutObservations | None
    warnings: list[str]


def overview(
    records: Records,
    every_file: bool = False,
    split_rule: str | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Overview:
    """Looks at a data set as one does before training on it.

    Of at most 10,000 images every header is read, and equal files are found. Of more, the headers
    of 1,000 are read, spread evenly, unless `every_file` says otherwise.

    Args:
        records: The images of all splits.
        every_file: Whether every file is looked at, however many there are. Defaults to `False`.
        split_rule: As in `split_indices`. Defaults to `None`.
        progress: Called with what is being read, how much of it is, and all of it. Defaults to
            nothing.

    Returns:
        An `Overview`.
    """
    warnings: list[str] = []
    counts = np.bincount(records.labels, minlength=len(records.class_names)).tolist()
    per_class = dict(zip(records.class_names, counts, strict=True))
    try:
        splits = split_of_each(records, rule=split_rule)
    except ValueError as error:
        warnings.append(str(error))
        splits = np.full(len(records.files), "train", "U10")
    small = len(records.files) <= LOOKED_AT
    every = small or every_file
    step = 1 if every else -(-len(records.files) // SAMPLE)
    headers = read_headers(records, range(0, len(records.files), step), progress)
    equal = _equal_images(records, splits, progress) if every else None
    cut = cut_observations(records, splits.tolist())
    present = [count for count in counts if count]
    imbalance = max(present) / min(present) if present else 1.0
    smallest = sorted(per_class.items(), key=lambda item: item[1])[:SMALLEST]
    warnings += [
        *_about_splits(records, splits),
        *(_about_equal(equal) if equal else []),
        *([cut.warning] if cut and cut.warning else []),
        *_about_classes(per_class, imbalance),
    ]
    return Overview(
        len(records.files),
        per_class,
        dict(smallest),
        imbalance,
        split_reason(records),
        {split: int((splits == split).sum()) for split in SPLITS},
        headers,
        equal,
        cut,
        warnings,
    )


def split_reason(records: Records) -> str:
    """Where the splits of a data set are from, in a sentence or two."""
    by = "observation" if records.observations else "path"
    if records.splits is None:
        return (
            "The data gives no splits. A fifth of the images is drawn for the test and a tenth of "
            f"the rest for the validation, by each image's {by} and the seed 0."
        )
    given = records.split_source or "The splits are those that the data gives."
    if "validation" in records.splits:
        return given
    return (
        f"{given} A tenth of the training images is drawn for the validation, by each image's {by} "
        "and the seed 0."
    )


def _equal_images(
    records: Records, splits: np.ndarray, progress: Callable[[str, int, int], None]
) -> EqualImages:
    groups = equal_files(records, progress)
    across = [len(set(splits[group])) > 1 for group in groups]
    several = [len(set(records.labels[group])) > 1 for group in groups]
    order = sorted(range(len(groups)), key=lambda place: (not across[place], not several[place]))
    first = [groups[place] for place in order[:EXAMPLES]]
    return EqualImages(
        len(groups),
        sum(map(len, groups)),
        sum(across),
        sum(several),
        [
            [
                (records.files[n], str(splits[n]), records.class_names[records.labels[n]])
                for n in group
            ]
            for group in first
        ],
    )


def _about_splits(records: Records, splits: np.ndarray) -> list[str]:
    told = []
    for split in SPLITS:
        there = np.unique(records.labels[splits == split])
        if not len(there):
            told.append(f"There is no {split} image.")
        elif split != "validation" and records.splits and len(there) < len(records.class_names):
            lacking = np.setdiff1d(np.arange(len(records.class_names)), there)
            names = [records.class_names[label] for label in lacking]
            told.append(f"{len(names):,} classes have no {split} image: {_listed(names)}.")
    return told


def _about_equal(equal: EqualImages) -> list[str]:
    told = []
    if equal.across_splits:
        told.append(
            f"{equal.across_splits:,} images are in several splits as equal files, so that a test "
            f"says too much: {_files_of(equal, 1)}. Keep one file of each."
        )
    if equal.several_classes:
        told.append(
            f"{equal.several_classes:,} images are in several classes as equal files: "
            f"{_files_of(equal, 2)}. Keep the right one of each."
        )
    within = equal.groups - equal.across_splits
    if within:
        told.append(f"{within:,} images are there several times, as equal files of one split.")
    return told


def _files_of(equal: EqualImages, place: int) -> str:
    """The files of the first group that differs in its splits (1) or in its classes (2)."""
    for group in equal.examples:
        if len({file[place] for file in group}) > 1:
            return ", ".join(f"{file[0]} ({file[place]})" for file in group[:SHOWN])
    return "..."


def _about_classes(per_class: dict[str, int], imbalance: float) -> list[str]:
    if imbalance < IMBALANCED:
        return []
    return [
        f"The largest class has {imbalance:,.0f} times the images of the smallest. Look at the "
        "accuracy of each class, and try --sampling balanced."
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
