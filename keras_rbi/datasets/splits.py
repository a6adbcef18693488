"""Train, validation and test splits: the indices of their images, official or drawn by a seed."""

from __future__ import annotations

import math

from keras_rbi._lazy import np
from keras_rbi.datasets.files.records import SPLITS, Records

# Train and validation together: what published protocols train on once every choice is made.
TRAINVAL = "trainval"
ALL_SPLITS = (*SPLITS, TRAINVAL)
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1


def split_indices(records: Records, split: str, seed: int) -> np.ndarray:
    """Indices of the images of a split, by class and, in a class, by file.

    Official splits stay as they are. Where there is no official validation split, a tenth of each
    class's training images, drawn by the seed, is it; the test images are never used for it. Where
    there are no splits at all, a fifth of each class is drawn for the test before.

    Args:
        records: The images.
        split: `"train"`, `"validation"`, `"test"` or `"trainval"`.
        seed: Integer.

    Returns:
        int64 array of shape `(images of the split,)`.

    Raises:
        ValueError: If `split` is none, or if a class has too few images to split.
    """
    if split not in ALL_SPLITS:
        raise ValueError(f"`split` must be one of {ALL_SPLITS}. Received: split={split!r}.")
    if split == TRAINVAL:
        both = [split_indices(records, part, seed) for part in ("train", "validation")]
        return _sorted(records, np.concatenate(both))
    if records.splits is None:
        everything = _sorted(records, np.arange(len(records.files)))
        return _drawn_split(records, everything, split, seed, with_test=True)
    splits = np.array(records.splits)
    if split == "test" or "validation" in records.splits:
        return _sorted(records, np.flatnonzero(splits == split))
    training = _sorted(records, np.flatnonzero(splits == "train"))
    return _drawn_split(records, training, split, seed)


def _sorted(records: Records, indices: np.ndarray) -> np.ndarray:
    """Indices sorted by class and by file, whichever order a source gives them in."""
    ordered = sorted(
        indices.tolist(),
        key=lambda index: (records.labels[index], records.files[index].split("/")),
    )
    return np.array(ordered, np.int64)


def _drawn_split(
    records: Records, indices: np.ndarray, split: str, seed: int, with_test: bool = False
) -> np.ndarray:
    """A stratified split: each class is drawn from on its own."""
    labels = records.labels[indices]
    ends = np.searchsorted(labels, np.arange(len(records.class_names)), side="right")
    chosen = []
    begin = 0
    for label, end in enumerate(ends):
        of_class = indices[begin:end]
        begin = end
        if len(of_class) < 3:
            where = f" in {str(records.path(of_class[0]).parent)!r}" if len(of_class) else ""
            raise ValueError(
                f"Each class needs at least three images to split. Received: {len(of_class)} of "
                f"the class {records.class_names[label]!r}{where}. Add some, or leave it out."
            )
        chosen.append(of_class[_positions(len(of_class), split, [seed, label], with_test)])
    return np.concatenate(chosen)


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
