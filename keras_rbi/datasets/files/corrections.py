"""Corrections of labels: a table that a person fills in, and the labels that come of it."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.datasets.files.records import SPLITS, Records
from keras_rbi.datasets.files.tables import NAMES, read_rows
from keras_rbi.datasets.splits import split_indices

REMOVE = "remove"
CORRECTED, GIVEN = "corrected", "given"
SUFFIXES = (".csv", ".tsv")
# Mistakes that an error lists.
SHOWN = 5


@dataclass(frozen=True)
class Correction:
    """What a person says of an image's label.

    Attributes:
        file: The image's path within the data.
        corrected: Its class; `"remove"` leaves the image out.
        given: The label that it had when the table was made, or `None` where that is not told.
        line: The number of the line that says so.
    """

    file: str
    corrected: str
    given: str | None
    line: int


def read_corrections(path: str | Path) -> list[Correction]:
    """Reads a table of corrections, such as `keras-rbi datasets doubtful` writes.

    Args:
        path: A CSV or TSV file with the columns `path` and `corrected`, and `given` if its labels
            are to be compared with the data's. Rows with nothing in `corrected` are left alone.

    Returns:
        The corrections, one for each image, in the table's order.

    Raises:
        ValueError: If the file cannot be read, lacks a column, or says two things of an image.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(
            f"There is no table of corrections {str(path)!r}. `keras-rbi datasets doubtful RUN` "
            "makes one to fill in."
        )
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"Corrections are a table ({' or '.join(SUFFIXES)}). Received: {str(path)!r}."
        )
    header, rows = read_rows(path)
    places = {name.strip().lower(): place for place, name in enumerate(header)}
    file = next((places[name] for name in NAMES["path"] if name in places), None)
    if file is None or CORRECTED not in places:
        raise ValueError(
            f"Corrections need the columns 'path' and {CORRECTED!r}. {str(path)!r} has: "
            f"{', '.join(header) or 'no header'}."
        )
    given = places.get(GIVEN)
    found: dict[str, Correction] = {}
    differing: dict[str, list[str]] = {}
    for line, row in rows:
        corrected, name = row.get(places[CORRECTED], ""), row.get(file, "")
        if not corrected:
            continue
        if not name:
            raise ValueError(f"Line {line} of {str(path)!r} corrects {corrected!r} of no path.")
        one = Correction(name, corrected, None if given is None else row.get(given) or None, line)
        before = found.setdefault(name, one)
        if before.corrected != corrected:
            differing.setdefault(name, [before.corrected]).append(corrected)
    if differing:
        shown = _some(f"{name}: {' and '.join(said)}" for name, said in differing.items())
        raise ValueError(
            f"{len(differing):,} images have several corrections in {str(path)!r}: {shown}. Keep "
            "one of each."
        )
    return list(found.values())


def corrected_records(
    records: Records,
    corrections: Sequence[Correction],
    seed: int = 0,
    rule: str | None = None,
    source: str = "the corrections",
) -> Records:
    """The images of a data set with corrected labels, each in the split that it had before.

    Args:
        records: The images, with the labels that they have.
        corrections: What `read_corrections` gives.
        seed: Integer, of the splits that are drawn. Defaults to `0`.
        rule: As in `split_indices`. Defaults to `None`.
        source: What to call the corrections in notes and errors. Defaults to
            `"the corrections"`.

    Returns:
        Records, with a note of how many labels were replaced and how many images left out. A class
        that is left without an image is no class any more, which a note tells.

    Raises:
        ValueError: If a path is none of the data's; if a class is none of its classes; if a label
            is neither the one that was corrected nor the right one; or if a class has no training
            image left.
    """
    numbers = _numbers(records, corrections, source)
    _check_classes(records.class_names, corrections, source)
    label = {name: number for number, name in enumerate(records.class_names)}
    _check_given(records, corrections, numbers, source)
    # Drawn with the labels as they were: shares of classes must not move other images.
    splits = _splits(records, seed, rule)
    labels = records.labels.copy()
    kept = np.ones(len(labels), bool)
    for correction, number in zip(corrections, numbers, strict=True):
        if correction.corrected == REMOVE:
            kept[number] = False
        else:
            labels[number] = label[correction.corrected]
    changed = replace(
        records, labels=labels, splits=splits, coarse_labels=_coarse(records, labels)
    ).at(np.flatnonzero(kept))
    replaced = int((labels != records.labels)[kept].sum())
    notes = [
        f"Of {source}: {replaced:,} labels are replaced, {int((~kept).sum()):,} images left out, "
        f"{len(corrections) - replaced - int((~kept).sum()):,} labels confirmed."
    ]
    empty = {
        name
        for name, count in zip(
            records.class_names,
            np.bincount(changed.labels, minlength=len(records.class_names)).tolist(),
            strict=True,
        )
        if not count and (records.labels == label[name]).any()
    }
    if empty:
        changed = changed.without_classes(empty)
        notes.append(f"No image is left of {_some(map(repr, sorted(empty)))}: no class any more.")
    _refuse_untrained(records, changed, source)
    return replace(changed, notes=[*records.notes, *notes])


def _numbers(records: Records, corrections: Sequence[Correction], source: str) -> list[int]:
    """The number of each corrected image."""
    of_file = {file: number for number, file in enumerate(records.files)}
    # As a person may name a file; within the data it has one name.
    of_path = {str(records.path(number)): number for number in range(len(records.files))}
    found, unknown = [], []
    for correction in corrections:
        number = of_file.get(correction.file, of_path.get(correction.file))
        if number is None:
            unknown.append(f"{correction.file!r} (line {correction.line})")
        else:
            found.append(number)
    if unknown:
        raise ValueError(
            f"{len(unknown):,} paths of {source} are none of the images in "
            f"{str(records.root)!r}: {_some(unknown)}. Paths are those within the data, such as "
            f"{records.files[0]!r}. Mend them, or take their lines out."
        )
    twice = [number for number, count in Counter(found).items() if count > 1]
    if twice:
        raise ValueError(
            f"{len(twice):,} images have several lines in {source}: "
            f"{_some(records.files[number] for number in twice)}. Keep one of each."
        )
    return found


def _check_classes(
    class_names: Sequence[str], corrections: Sequence[Correction], source: str
) -> None:
    if REMOVE in class_names and any(one.corrected == REMOVE for one in corrections):
        raise ValueError(
            f"{REMOVE!r} in {source} may mean the class of that name, or that an image is to be "
            "left out. Rename the class."
        )
    unknown: dict[str, list[int]] = {}
    for one in corrections:
        if one.corrected != REMOVE and one.corrected not in class_names:
            unknown.setdefault(one.corrected, []).append(one.line)
    if not unknown:
        return
    folded = {name.casefold(): name for name in [*class_names, REMOVE]}
    listed = []
    for name, lines in unknown.items():
        near = difflib.get_close_matches(name.casefold(), folded, n=2)
        meant = f", near {' and '.join(repr(folded[each]) for each in near)}" if near else ""
        listed.append(f"{name!r} (line {lines[0]}{meant})")
    raise ValueError(
        f"{len(unknown):,} names of {source} are no class of the data: {_some(listed)}. Write a "
        f"class as it is called there, or {REMOVE!r} to leave the image out."
    )


def _check_given(
    records: Records, corrections: Sequence[Correction], numbers: Sequence[int], source: str
) -> None:
    """Refuses corrections of other labels than the data has, but for those that are right now."""
    conflicts = []
    for one, number in zip(corrections, numbers, strict=True):
        now = records.class_names[records.labels[number]]
        if one.given not in (None, now) and one.corrected != now:
            conflicts.append(f"{one.file} (line {one.line}: {one.given!r}, now {now!r})")
    if conflicts:
        raise ValueError(
            f"{len(conflicts):,} labels of {source} are not those of the data any more: "
            f"{_some(conflicts)}. Look at these images again, and mend the column {GIVEN!r}."
        )


def _splits(records: Records, seed: int, rule: str | None) -> list[str]:
    splits = np.empty(len(records.files), object)
    for split in SPLITS:
        splits[split_indices(records, split, seed, rule)] = split
    return [str(split) for split in splits]


def _coarse(records: Records, labels: np.ndarray) -> np.ndarray | None:
    """The group of a corrected image: that of most images of its class."""
    if records.coarse_labels is None:
        return None
    coarse = records.coarse_labels.copy()
    for number in np.flatnonzero(labels != records.labels):
        of_class = records.coarse_labels[records.labels == labels[number]]
        coarse[number] = np.bincount(of_class).argmax()
    return coarse


def _refuse_untrained(before: Records, after: Records, source: str) -> None:
    """Refuses corrections that leave a class to be tested that is not trained."""

    def trained(records: Records, splits: Sequence[str]) -> set[str]:
        used = np.array(splits) == "train"
        return {records.class_names[label] for label in set(records.labels[used].tolist())}

    assert after.splits is not None
    lost = set(after.class_names) - trained(after, after.splits)
    had = {before.class_names[label] for label in set(before.labels.tolist())}
    if lost := lost & had:
        raise ValueError(
            f"Of {source} no training image is left of {_some(map(repr, sorted(lost)))}, so that "
            "nothing could be learnt of it. Correct or remove its other images too, or add some."
        )
    if len(after.class_names) < 2:
        raise ValueError(f"Of {source} fewer than two classes are left: {after.class_names}.")


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
