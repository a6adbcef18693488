"""Images that two splits of a data set share: leaks from training to test."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_rbi.datasets.catalogue import TYPEFACES, note_on
from keras_rbi.datasets.files.duplicates import THRESHOLD_DB, Duplicate, find_duplicates
from keras_rbi.datasets.files.image_files import ImageFiles
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.datasets.load import load
from keras_rbi.datasets.splits import ALL_SPLITS

# Enough to compare images by.
IMAGE_SIZE = 128


@dataclass(frozen=True)
class Leaks:
    """Pairs of images of two splits that show the same.

    Attributes:
        dataset: The name of the data set, or the path of its folder.
        splits: The two splits; one twice for duplicates within it.
        threshold: Decibels of similarity from which a pair is told.
        first: Images of the first split.
        second: Images of the second split.
        pairs: The pairs.
    """

    dataset: str
    splits: tuple[str, str]
    threshold: float
    first: ImageData
    second: ImageData
    pairs: list[Duplicate]

    @property
    def title(self) -> str:
        """What was looked for, and where."""
        return f"Duplicates in {Path(self.dataset).name}: {self.splits[0]} and {self.splits[1]}"

    @property
    def summary(self) -> str:
        """How many pairs there are, in a sentence."""
        one, other = self.splits
        count = f"{len(self.pairs):,} pairs"
        if one == other:
            return f"{count} among {len(self.first):,} {one} images"
        return f"{count} of {len(self.first):,} {one} and {len(self.second):,} {other} images"

    @property
    def note(self) -> str | None:
        """What is known of the data set's leaks."""
        return note_on(self.dataset)

    def names(self, pair: Duplicate) -> tuple[str, str]:
        """The files of a pair, or their numbers where the images are no files."""
        return image_name(self.first, pair.first), image_name(self.second, pair.second)

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "splits": list(self.splits),
            "threshold_db": self.threshold,
            "images": [len(self.first), len(self.second)],
            "pairs": [self._pair_as_dict(pair) for pair in self.pairs],
            "note": self.note,
        }

    def _pair_as_dict(self, pair: Duplicate) -> dict[str, Any]:
        found = dataclasses.asdict(pair)
        index, other_index = found.pop("first"), found.pop("second")
        return {
            "files": list(self.names(pair)),
            "labels": [_class_name(self.first, index), _class_name(self.second, other_index)],
            **found,
        }


def find_leaks(
    dataset: str,
    data_dir: Path | None = None,
    splits: tuple[str, str] = ("trainval", "test"),
    threshold: float = THRESHOLD_DB,
    flips: bool = True,
    on_error: str = "raise",
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Leaks:
    """Finds images of one split that are in another too, exactly or nearly.

    Args:
        dataset: As in `keras_rbi.datasets.load`.
        data_dir: As in `load`. Defaults to `None`.
        splits: Two of `"train"`, `"validation"`, `"trainval"` and `"test"`; one twice for
            duplicates within it. Defaults to `("trainval", "test")`.
        threshold: As in `find_duplicates`. Defaults to its.
        flips: Whether to find mirrored images. Defaults to `True`.
        on_error: As in `load`. Defaults to `"raise"`.
        seed: Of the splits that are drawn. Defaults to `0`.
        progress: As in `find_duplicates`. Defaults to nothing.

    Returns:
        The leaks.

    Raises:
        ValueError: If there is no such split, or if the data is missing or unfit.
    """
    one, other = splits
    if not {one, other} <= set(ALL_SPLITS):
        raise ValueError(f"`splits` must be two of {ALL_SPLITS}. Received: splits={splits}.")
    if dataset == TYPEFACES:
        raise ValueError(
            "The typefaces are rendered anew for each split: there are no files to compare."
        )
    data = [
        load(dataset, data_dir, split, IMAGE_SIZE, seed, on_error=on_error, cache=None)
        for split in dict.fromkeys(splits)
    ]
    first, second = data[0], data[-1]
    pairs = find_duplicates(first, None if one == other else second, threshold, flips, progress)
    return Leaks(dataset, splits, threshold, first, second, pairs)


def image_name(data: ImageData, index: int) -> str:
    """The file of an image, or its number where it is none."""
    return str(data.paths[index]) if isinstance(data, ImageFiles) else str(index)


def _class_name(data: ImageData, index: int) -> str:
    return data.class_names[data.labels[index]]
