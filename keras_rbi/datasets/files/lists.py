"""Data sets of one's own from lists of files."""

from collections.abc import Sequence
from pathlib import Path

from keras_rbi.datasets.files.records import Records, numbered
from keras_rbi.datasets.files.split_names import SPLIT_OF_NAME


def from_lists(
    paths: Sequence[str | Path],
    labels: Sequence[str | int],
    splits: Sequence[str] | None = None,
    coarse_labels: Sequence[str | int] | None = None,
    root: str | Path = ".",
    observations: Sequence[str | int] | None = None,
) -> Records:
    """Images of one's own, given as lists.

    Args:
        paths: The image files.
        labels: The class of each: names, or integers.
        splits: `"train"`, `"validation"` or `"test"` of each, or `None` to have them drawn.
            Defaults to `None`.
        coarse_labels: The group of classes of each, or `None`. Defaults to `None`.
        root: The folder that relative paths start from. Defaults to `"."`.
        observations: What each image is of, where several show the same: splits that are drawn
            keep these together. Defaults to `None`.

    Returns:
        Records for `ImageFiles`. Classes are in the order of their names, by number where all of
        them are integers.

    Raises:
        ValueError: If the lists differ in length, if there are fewer than two classes, or if a
            split is none.

    Example:

    >>> records = keras_rbi.datasets.from_lists(
    ...     ["a.jpg", "b.jpg", "c.jpg"], [10, 9, 10], splits=["train", "train", "test"]
    ... )
    >>> records.class_names, records.labels.tolist()
    (['9', '10'], [1, 0, 1])
    """
    lists = {
        "labels": labels,
        "splits": splits,
        "coarse_labels": coarse_labels,
        "observations": observations,
    }
    for name, values in lists.items():
        if values is not None and len(values) != len(paths):
            raise ValueError(
                f"`{name}` must have one entry for each path. Received: {len(values)} {name} and "
                f"{len(paths)} paths."
            )
    numbers, class_names = numbered([str(label) for label in labels])
    if len(class_names) < 2:
        raise ValueError(f"A data set needs at least two classes. Received: {class_names}.")
    split_of = None if splits is None else [_split(name) for name in splits]
    coarse, coarse_names = (
        (None, None) if coarse_labels is None else numbered([str(label) for label in coarse_labels])
    )
    files = [Path(path).as_posix() for path in paths]
    records = Records(Path(root), files, numbers, class_names, split_of, coarse, coarse_names)
    records.observations = None if observations is None else [str(name) for name in observations]
    return records


def _split(name: str) -> str:
    split = SPLIT_OF_NAME.get(name.strip().lower())
    if split is None:
        known = ", ".join(SPLIT_OF_NAME)
        raise ValueError(f"A split must be one of {known}. Received: {name!r}.")
    return split
