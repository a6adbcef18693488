"""Train, validation and test splits: the indices of their images, official or drawn by a seed."""

from __future__ import annotations

import hashlib
import math
import os

from keras_rbi._lazy import np
from keras_rbi.datasets.files.records import HASH, PERMUTATION, SPLITS, Records
from keras_rbi.datasets.observations import images_of_observations

# Train and validation together: what published protocols train on once every choice is made.
TRAINVAL = "trainval"
ALL_SPLITS = (*SPLITS, TRAINVAL)
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
# One for each split.
LEAST_TO_SPLIT = 3
RULES = (HASH, PERMUTATION)


def split_indices(records: Records, split: str, seed: int, rule: str | None = None) -> np.ndarray:
    """Indices of the images of a split, by class and, in a class, by file.

    Official splits stay as they are. Where there is no official validation split, a tenth of the
    training images, drawn by the seed, is it; the test images are never used for it. Where there
    are no splits at all, a fifth of the images is drawn for the test before.

    An image's split is drawn by a hash of the seed and of its path, or of its observation where
    there are some: files that come or go move no other, and images of one observation stay
    together. So shares are exact in the mean alone. A class whose images would all be held out
    keeps them for training, and so does one of one or two images.

    Args:
        records: The images.
        split: `"train"`, `"validation"`, `"test"` or `"trainval"`.
        seed: Integer.
        rule: `"hash"`; or `"permutation"`, the exact share of each class, for sets whose files do
            not change: it moves with every file. Defaults to `None`, that of the records.

    Returns:
        int64 array of shape `(images of the split,)`.

    Raises:
        ValueError: If `split` is none, or if all classes are too small to split.
    """
    if split not in ALL_SPLITS:
        raise ValueError(f"`split` must be one of {ALL_SPLITS}. Received: split={split!r}.")
    rule = rule or records.split_rule
    if rule not in RULES:
        raise ValueError(f"`rule` must be one of {RULES}. Received: rule={rule!r}.")
    draw = _drawn_by_hash if rule == HASH else _drawn_by_permutation
    if records.splits is None:
        pool, with_test = np.arange(len(records.files)), True
    else:
        splits = np.array(records.splits)
        if split == TRAINVAL:
            return _sorted(records, np.flatnonzero(splits != "test"))
        if split == "test" or "validation" in records.splits:
            return _sorted(records, np.flatnonzero(splits == split))
        pool, with_test = np.flatnonzero(splits == "train"), False
    pool = _sorted(records, pool)
    if split == TRAINVAL:
        both = [draw(records, pool, part, seed, with_test) for part in ("train", "validation")]
        return _sorted(records, np.concatenate(both))
    return draw(records, pool, split, seed, with_test)


def split_of_each(records: Records, seed: int = 0, rule: str | None = None) -> np.ndarray:
    """The split of each image, given or drawn.

    Args:
        records: The images.
        seed: Integer. Defaults to `0`.
        rule: As in `split_indices`. Defaults to `None`.

    Returns:
        Array of shape `(images,)` of `"train"`, `"validation"` and `"test"`. A split of too few
        images may have none.

    Raises:
        ValueError: If the rule is `"permutation"` and a class is too small for it.
    """
    given = None if records.splits is None else np.array(records.splits, "U10")
    if given is not None and (given == "validation").any():
        return given
    pool = np.arange(len(records.files)) if given is None else np.flatnonzero(given == "train")
    pool = _sorted(records, pool)
    found = np.full(len(records.files), "train", "U10") if given is None else given
    if (rule or records.split_rule) == HASH:
        found[pool] = _hashed(records, pool, seed, given is None)
        return found
    for split in ("validation", "test") if given is None else ("validation",):
        found[_drawn_by_permutation(records, pool, split, seed, given is None)] = split
    return found


def small_classes(records: Records) -> list[str]:
    """Names of the classes that are too small to be split, and are for training alone."""
    if records.splits is not None and "validation" in records.splits:
        return []
    labels = records.labels
    if records.splits is not None:
        labels = labels[np.array(records.splits) == "train"]
    counts = np.bincount(labels, minlength=len(records.class_names))
    return [
        name
        for name, count in zip(records.class_names, counts, strict=True)
        if 0 < count < LEAST_TO_SPLIT
    ]


def _drawn_by_hash(
    records: Records, indices: np.ndarray, split: str, seed: int, with_test: bool
) -> np.ndarray:
    drawn = _hashed(records, indices, seed, with_test)
    if not (drawn == split).any():
        raise ValueError(
            f"There is no {split} image: no class has the {LEAST_TO_SPLIT} images or more that a "
            "split into training, validation and test needs. Add some."
        )
    return indices[drawn == split]


def _hashed(records: Records, indices: np.ndarray, seed: int, with_test: bool) -> np.ndarray:
    """The split of each of some images, which are sorted by class."""
    names = records.observations or _names(records)
    numbers = np.array([_number(names[index], seed) for index in indices.tolist()])
    test = TEST_SHARE if with_test else 0.0
    validation = test + VALIDATION_SHARE * (1.0 - test)
    drawn = np.where(numbers < test, "test", np.where(numbers < validation, "validation", "train"))
    labels = records.labels[indices]
    for of_class in np.split(drawn, np.flatnonzero(np.diff(labels)) + 1):
        if len(of_class) < LEAST_TO_SPLIT or not (of_class == "train").any():
            of_class[:] = "train"
    _fill_empty(drawn, numbers, labels, with_test)
    return drawn


def _fill_empty(
    drawn: np.ndarray, numbers: np.ndarray, labels: np.ndarray, with_test: bool
) -> None:
    """Gives a split that would be empty, as of a few images, the next image of each class.

    Or the next observation: its images stay together.
    """
    for part in ("test", "validation") if with_test else ("validation",):
        if (drawn == part).any():
            continue
        for label in np.unique(labels):
            candidates = np.flatnonzero((labels == label) & (drawn == "train"))
            first = candidates[numbers[candidates] == numbers[candidates].min(initial=1.0)]
            # Images of one observation have one number.
            enough = (labels == label).sum() >= LEAST_TO_SPLIT
            if len(first) < len(candidates) and enough:
                drawn[first] = part


def _names(records: Records) -> list[str]:
    """Names of the files within the data: wherever it is moved to, they stay the same."""
    absolute = [file for file in records.files if os.path.isabs(file)]
    if len(absolute) < len(records.files):
        return records.files
    common = os.path.commonpath([os.path.dirname(file) for file in absolute])
    return [os.path.relpath(file, common).replace(os.sep, "/") for file in absolute]


def _number(name: str, seed: int) -> float:
    """A number in [0, 1) that follows from the seed and a name."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _sorted(records: Records, indices: np.ndarray) -> np.ndarray:
    """Indices sorted by class and by file, whichever order a source gives them in."""
    ordered = sorted(
        indices.tolist(),
        key=lambda index: (records.labels[index], records.files[index].split("/")),
    )
    return np.array(ordered, np.int64)


def _drawn_by_permutation(
    records: Records, indices: np.ndarray, split: str, seed: int, with_test: bool
) -> np.ndarray:
    """A stratified split: each class is drawn from on its own."""
    labels = records.labels[indices]
    ends = np.searchsorted(labels, np.arange(len(records.class_names)), side="right")
    chosen = []
    begin = 0
    for label, end in enumerate(ends):
        of_class = indices[begin:end]
        begin = end
        units = _units(records, of_class)
        if len(units) < 3:
            what = "images" if records.observations is None else "observations"
            where = f" in {str(records.path(of_class[0]).parent)!r}" if len(of_class) else ""
            raise ValueError(
                f"Each class needs at least three {what} to split. Received: {len(units)} of "
                f"the class {records.class_names[label]!r}{where}. Add some, or leave it out."
            )
        drawn = _positions(len(units), split, [seed, label], with_test)
        chosen.append(np.concatenate([units[number] for number in drawn.tolist()]))
    return np.concatenate(chosen)


def _units(records: Records, of_class: np.ndarray) -> list[np.ndarray]:
    """What stays together of a class's images: observations, or else each image."""
    if records.observations is None:
        return np.split(of_class, len(of_class)) if len(of_class) else []
    names = [records.observations[number] for number in of_class.tolist()]
    found = images_of_observations(names, np.zeros(len(names), np.int64))
    return [of_class[members] for members in found.values()]


def _positions(count: int, split: str, key: list[int], with_test: bool) -> np.ndarray:
    # Rounded up, so that every split has an image of every class.
    test = math.ceil(TEST_SHARE * count) if with_test else 0
    validation = test + math.ceil(VALIDATION_SHARE * (count - test))
    order = np.random.default_rng(key).permutation(count)
    parts = {
        "test": order[:test],
        "validation": order[test:validation],
        "train": order[validation:],
    }
    return np.sort(parts[split])
