"""Which thing an image file shows, told by its folder or by its name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keras_rbi.datasets.files.records import SPLITS, Records

# What is said in place of a pattern.
FOLDERS = "folders"
EXAMPLES = 20
SHOWN = 3


@dataclass(frozen=True)
class CutObservations:
    """Observations whose images are in several splits.

    Attributes:
        observations: Number of all observations.
        cut: Number of those that are in several splits.
        examples: The first 20 of these, each with its splits.
    """

    observations: int
    cut: int
    examples: dict[str, list[str]]

    @property
    def warning(self) -> str:
        """What is to be said of the cut ones, with examples; nothing where there are none."""
        if not self.cut:
            return ""
        some = [f"{name} ({', '.join(splits)})" for name, splits in self.examples.items()]
        listed = ", ".join(some[:SHOWN]) + (", ..." if self.cut > SHOWN else "")
        return (
            f"{self.cut:,} of {self.observations:,} observations are in several splits, so that a "
            f"test says too much: {listed}. Give all images of one the same split."
        )


def cut_observations(records: Records, splits: Sequence[str]) -> CutObservations | None:
    """The observations that splits cut, or `None` where the data has no observations."""
    if records.observations is None:
        return None
    seen: dict[str, set[str]] = defaultdict(set)
    for observation, split in zip(records.observations, splits, strict=True):
        seen[observation].add(split)
    cut = {name: sorted(found, key=SPLITS.index) for name, found in seen.items() if len(found) > 1}
    return CutObservations(len(seen), len(cut), dict(list(cut.items())[:EXAMPLES]))


def with_observations(records: Records, how: str) -> Records:
    """Records that know which images show one thing.

    Args:
        records: The images.
        how: `"folders"`, or a pattern: see `observation_names`.

    Returns:
        Records whose `observations` begin with the class: numbers may start anew in each.

    Raises:
        ValueError: If the pattern is none, or if no image has an observation.
    """
    classes = [records.class_names[label] for label in records.labels.tolist()]
    names = observation_names(records.files, how, classes)
    found = [
        f"{label}/{name or file.rsplit('/', 1)[-1]}"
        for label, name, file in zip(classes, names, records.files, strict=True)
    ]
    alone = [file for file, name in zip(records.files, names, strict=True) if name is None]
    notes = []
    if alone:
        shown = ", ".join(alone[:SHOWN]) + (", ..." if len(alone) > SHOWN else "")
        notes = [
            f"{len(alone):,} images are observations of their own, since {_reason(how)}: {shown}."
        ]
    return replace(records, observations=found, notes=[*records.notes, *notes])


def observation_names(
    files: Sequence[str], how: str, classes: Sequence[str] | None = None
) -> list[str | None]:
    r"""What each file shows, by its folder or its name.

    Args:
        files: Paths with slashes.
        how: `"folders"`: the folder that a file is in, and below a class folder the first one
            below it. Or a regular expression that a whole file name must match, or, where it has a
            slash, a whole path; its groups together are the observation.
        classes: The class of each file; its folder is none of an observation. Defaults to `None`.

    Returns:
        A name for each file, `None` of those that have none.

    Raises:
        ValueError: If the pattern is none or has no group, or if no file has an observation.

    Example:

    >>> from keras_rbi.datasets.files.observation_names import observation_names
    >>> observation_names(["a/nest7_1.jpg", "a/nest7_2.jpg", "a/b.jpg"], r"(.+)_\d+\.jpg")
    ['nest7', 'nest7', None]
    >>> observation_names(["wren/nest7/1.jpg", "wren/2.jpg"], "folders", ["wren", "wren"])
    ['nest7', None]
    """
    if how == FOLDERS:
        known = classes if classes is not None else [None] * len(files)
        names = [_folder_of(file, label) for file, label in zip(files, known, strict=True)]
    else:
        pattern = _compiled(how)
        names = [_matched(pattern, file) for file in files]
    if not any(name is not None for name in names):
        raise ValueError(
            f"No image has an observation: {_reason(how)}. The first is "
            f"{files[0] if files else 'none'!r}."
        )
    return names


def files_of_observations(files: Sequence[Path], how: str) -> dict[str, list[Path]]:
    """Image files by what they show, in the order in which observations come first.

    Args:
        files: The files.
        how: As in `observation_names`. Things in several folders are several.

    Returns:
        From names to files: the path of the folder, and the name that a pattern finds. A file
        without an observation is one of its own, by its path.

    Raises:
        ValueError: As `observation_names` does.
    """
    names = observation_names([file.as_posix() for file in files], how)
    found: dict[str, list[Path]] = defaultdict(list)
    for file, name in zip(files, names, strict=True):
        if name is None:
            key = str(file)
        elif how == FOLDERS:
            key = str(file.parent)
        else:
            key = str(file.parent / name)
        found[key].append(file)
    return dict(found)


def _reason(how: str) -> str:
    if how == FOLDERS:
        return "they are in no folder of their own in their class's"
    return f"the pattern {how!r} does not match the whole of their name"


def _compiled(how: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(how)
    except re.error as error:
        raise ValueError(f"`observations` is no regular expression: {how!r}: {error}.") from error
    if not pattern.groups:
        raise ValueError(
            f"The pattern of `observations` needs a group that says which thing an image shows, "
            rf"such as '(.+)_\d+\.jpg'. Received: {how!r}. Or say 'folders'."
        )
    return pattern


def _matched(pattern: re.Pattern[str], file: str) -> str | None:
    whole = "/" in pattern.pattern
    match = pattern.fullmatch(file if whole else file.rsplit("/", 1)[-1])
    if match is None:
        return None
    return "/".join(group for group in match.groups() if group) or None


def _folder_of(file: str, label: str | None) -> str | None:
    """The first folder below the class folder, or, where that is not in the path, the last."""
    folders = file.split("/")[:-1]
    if label in folders:
        below = folders[folders.index(label) + 1 :]
        return below[0] if below else None
    return "/".join(folders) or None
