"""Tables of images as people have them: CSV, TSV, JSON lines, Parquet, and lists of paths."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from keras_rbi._lazy import resolve
from keras_rbi.datasets.files.dataset_warning import DatasetWarning
from keras_rbi.datasets.files.lists import from_lists
from keras_rbi.datasets.files.named_files import files_by_end, is_file
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.files.scan_images import IMAGE_SUFFIXES
from keras_rbi.datasets.files.split_names import SPLIT_OF_NAME, source_of_splits

SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet")
DELIMITERS = ",;\t|"
# Excel's first line, where the separator is not the one of the country.
SEPARATOR = re.compile(r"sep=(.)\s*$", re.IGNORECASE)
# Byte order marks say what a file is in; without one it is UTF-8, or else what spreadsheets on
# Windows save, of which Latin-1 is most.
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# What people call the columns, the surest first.
NAMES: dict[str, tuple[str, ...]] = {
    "path": (
        *("path", "filepath", "file_path", "image_path", "img_path", "file", "filename"),
        *("file_name", "image", "img", "image_name", "img_name", "image_file", "image_id"),
        *("img_id", "id", "name"),
    ),
    "label": (
        *("label", "labels", "class", "class_name", "classname", "category", "category_name"),
        *("species", "breed", "target", "variety", "class_label", "label_name", "taxon_name"),
        *("scientific_name", "class_id", "category_id", "y"),
    ),
    "split": ("split", "subset", "set", "partition", "data_set", "data set", "usage", "phase"),
    "coarse_label": ("coarse_label", "superclass", "super_category", "supercategory"),
    "observation": (
        *("observation", "observation_id", "obs_id", "observation_uuid", "individual"),
        *("individual_id", "specimen", "specimen_id"),
    ),
}
LONGEST_LABEL = 500
SHOWN = 3


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns, where they cannot be told from it.

    Attributes:
        path: Of the image files.
        label: Of the classes.
        split: Of the splits.
        observation: Of what each image is of, where several show the same.
    """

    path: str | None = None
    label: str | None = None
    split: str | None = None
    observation: str | None = None

    def options(self) -> dict[str, str]:
        """Those that are given."""
        given = {name: getattr(self, name) for name in ("path", "label", "split", "observation")}
        return {name: value for name, value in given.items() if value is not None}


def read_table(path: Path, root: Path | None = None, columns: Columns | None = None) -> Records:
    """Images of a table, whose columns are told by their names.

    CSV with commas, semicolons, tabs or bars, in UTF-8, UTF-16 or Windows-1252, with a header or
    without; JSON lines; Parquet; and lists of a path and a label on each line of a `.txt` file.
    Other columns are left alone. Paths may lack their suffix or the folder that the files are in,
    as long as that leaves one file.

    Args:
        path: The file.
        root: The folder that relative paths start from; the file's own if `None`.
        columns: Names of columns that are called otherwise. Defaults to `None`.

    Returns:
        Records.

    Raises:
        ValueError: If the file cannot be read, if its columns cannot be told, if a cell is empty,
            or if a file has several labels.
    """
    header, rows = read_rows(path)
    return records_of_rows(path, root or path.parent, columns or Columns(), header, rows)


Row = tuple[int, Mapping[int, str]]


def records_of_rows(
    path: Path, root: Path, columns: Columns, header: Sequence[str], rows: Sequence[Row]
) -> Records:
    """Images of the rows of a table, as `read_table` reads them.

    Args:
        path: The table's file, for errors.
        root: As in `read_table`.
        columns: As in `read_table`.
        header: Names of the columns; none where the table has no header.
        rows: The rows, as `read_rows` gives them.

    Returns:
        Records.

    Raises:
        ValueError: As `read_table` does.
    """
    found = _columns(path, header, rows, columns)
    values = {
        name: [_cell(path, number, header, row, place) for number, row in rows]
        for name, place in found.items()
    }
    files, notes = _files(path, root, values["path"])
    kept, merged = _merged(path, root, files, values)
    splits, coarse = (
        [values[name][row] for row in kept] if name in values else None
        for name in ("split", "coarse_label")
    )
    labels = [_label(path, rows[row][0], values["label"][row]) for row in kept]
    parts, source = _with_a_test(splits)
    records = from_lists([files[row] for row in kept], labels, parts, coarse, root)
    records.split_source = source
    if "observation" in values:
        records.observations = [values["observation"][row] for row in kept]
    records.notes += notes
    if merged:
        records.notes.append(f"{merged:,} rows of {path.name} repeat another and count once.")
    return records


def _with_a_test(splits: Sequence[str] | None) -> tuple[Sequence[str] | None, str]:
    """Splits of which one is tested on, and where they are from, if one is not as it is called.

    As of folders, what is for the validation is tested on where nothing is called as a test is.
    """
    called = {SPLIT_OF_NAME.get(name.strip().lower()): name for name in splits or ()}
    if splits is None or set(called) != {"train", "validation"}:
        return splits, ""
    tested = [
        "test" if SPLIT_OF_NAME[name.strip().lower()] == "validation" else name for name in splits
    ]
    return tested, source_of_splits({"train": called["train"], "test": called["validation"]})


def read_rows(path: Path) -> tuple[list[str], list[Row]]:
    """The header, and each row with the number of its line; cells by the number of the column."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            return _parquet(path)
        text = text_of(path)
        if suffix in (".jsonl", ".ndjson"):
            return _json_lines(text)
        lines = text.splitlines()
        told = SEPARATOR.match(lines[0]) if lines else None
        if suffix == ".txt" and not any(mark in text for mark in ",;\t|"):
            split = [(number, line.rsplit(None, 1)) for number, line in enumerate(lines, 1)]
            cells = [(number, row) for number, row in split if row]
        else:
            source = io.StringIO(text, newline="")
            if told:
                next(source)
            delimiter = told[1] if told else _delimiter(lines)
            reader = csv.reader(source, delimiter=delimiter, strict=True)
            before = 1 if told else 0
            cells = [
                (before + reader.line_num, row)
                for row in reader
                if any(cell.strip() for cell in row)
            ]
    except (OSError, UnicodeError, csv.Error, ValueError) as error:
        raise ValueError(f"{str(path)!r} cannot be read as a table: {error}.") from error
    if not cells:
        raise ValueError(f"{str(path)!r} is empty. A table needs a path and a label in each row.")
    rows: list[Row] = [
        (number, {place: cell.strip() for place, cell in enumerate(row)}) for number, row in cells
    ]
    first = [cells[0][1][i].strip() for i in range(len(cells[0][1]))]
    _refuse_longer_rows(path, len(first), cells)
    if _is_header(first):
        return first, rows[1:]
    return [], rows


def _refuse_longer_rows(path: Path, width: int, cells: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Refuse cells beyond the first row's, as an unquoted delimiter in a label makes them."""
    for number, row in cells:
        if any(cell.strip() for cell in row[width:]):
            raise ValueError(
                f"Line {number} of {str(path)!r} has {len(row)} cells, the first row {width}: "
                f"{' | '.join(row)!r}. Put a cell that has the separator in it in double quotes, "
                "or separate the cells by another, such as a tab."
            )


def text_of(path: Path) -> str:
    """The text of a file, in UTF-8, UTF-16 or, with a warning, Windows-1252.

    Raises:
        ValueError: If it is in none of these.
    """
    content = path.read_bytes()
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return content.decode(encoding)
    # Without a mark, every other byte of what is mostly English is 0.
    some = content[:1000]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if 2 * some[first::2].count(0) > max(len(some) // 2, 1):
            return content.decode(encoding)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"its encoding cannot be told: line {line} is neither UTF-8 nor Windows-1252. Save it "
            "as UTF-8"
        ) from error
    warnings.warn(
        f"{str(path)!r} is not in UTF-8, and was read as Windows-1252. Look at the names of the "
        "classes, and save it as UTF-8 if they are not right.",
        DatasetWarning,
        stacklevel=2,
    )
    return text


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter that cuts the first lines into as many cells, the most there are."""
    some = [line for line in lines if line.strip()][:20]
    if not some:
        return ","

    def cells(delimiter: str) -> int:
        counts = {len(row) for row in csv.reader(some, delimiter=delimiter)}
        return min(counts) if min(counts) > 1 else 0

    return max(DELIMITERS, key=lambda delimiter: (cells(delimiter), delimiter == ","))


def _json_lines(text: str) -> tuple[list[str], list[Row]]:
    objects = [
        (n, _json_line(n, line)) for n, line in enumerate(text.splitlines(), 1) if line.strip()
    ]
    return of_objects(objects)


def _json_line(number: int, line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number} is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise ValueError(f"each line must be a JSON object, and line {number} is none")
    return found


def _parquet(path: Path) -> tuple[list[str], list[Row]]:
    if importlib.util.find_spec("pyarrow") is None:
        raise ValueError('Parquet needs pyarrow: `pip install "keras-rbi[tables]"`')
    rows = resolve("pyarrow.parquet:read_table")(path).to_pylist()
    return of_objects(list(enumerate(rows, 1)))


def of_objects(objects: Sequence[tuple[int, Mapping[str, object]]]) -> tuple[list[str], list[Row]]:
    """The header and the rows of numbered objects, whose keys are the columns."""
    header = list(dict.fromkeys(name for _, one in objects for name in one))
    rows: list[Row] = [
        (number, {place: _as_cell(one.get(name)) for place, name in enumerate(header)})
        for number, one in objects
    ]
    return header, rows


def _as_cell(value: object) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value).strip()


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a first row names columns: it has names of columns, or no name of an image."""
    known = {name for names in NAMES.values() for name in names}
    if any(cell.lower() in known for cell in cells):
        return True
    return not any(
        PurePosixPath(cell.replace("\\", "/")).suffix.lower() in IMAGE_SUFFIXES for cell in cells
    )


def _columns(
    path: Path, header: Sequence[str], rows: Sequence[Row], asked: Columns
) -> dict[str, int]:
    """The number of each column that is used."""
    places = {name.strip().lower(): place for place, name in enumerate(header)}
    found: dict[str, int] = {}
    for column, given in asked.options().items():
        if given.strip().lower() not in places:
            raise ValueError(
                f"{str(path)!r} has no column {given!r}. It has: "
                f"{', '.join(header) or 'no header'}."
            )
        found[column] = places[given.strip().lower()]
    for column, names in NAMES.items():
        match = next(
            (places[n] for n in names if n in places and places[n] not in found.values()), None
        )
        if column not in found and match is not None:
            found[column] = match
    if not header and rows:
        found = _unnamed(rows, found)
    if not {"path", "label"} <= set(found):
        raise ValueError(_cannot_tell(path, header, rows, found))
    return found


def _unnamed(rows: Sequence[Row], found: dict[str, int]) -> dict[str, int]:
    """The columns of a table without a header: path, label and, of their words, the split."""
    width = len(rows[0][1])
    suffixes = [
        sum(PurePosixPath(row.get(place, "")).suffix.lower() in IMAGE_SUFFIXES for _, row in rows)
        for place in range(width)
    ]
    path = max(range(width), key=suffixes.__getitem__)
    rest = [place for place in range(width) if place != path]
    split = [
        place
        for place in rest
        if all(row.get(place, "").lower() in SPLIT_OF_NAME for _, row in rows)
    ]
    rest = [place for place in rest if place not in split]
    if len(rest) == 1 and len(split) < 2:
        found = {"path": path, "label": rest[0], **({"split": split[0]} if split else {})}
    return found


def _cannot_tell(
    path: Path, header: Sequence[str], rows: Sequence[Row], found: Mapping[str, int]
) -> str:
    missing = " and ".join(name for name in ("path", "label") if name not in found)
    shown = [", ".join(header)] if header else []
    shown += [", ".join(row.values()) for _, row in rows[:SHOWN]]
    free = [name for place, name in enumerate(header) if place not in found.values() and name]
    asked = [name for name in ("path", "label") if name not in found]
    # Each another column; where there are not so many, the name is the user's to find.
    free += ["NAME"] * (len(asked) - len(free)) if len(free) < len(asked) else []
    options = " ".join(
        f"--{name}-column {guess!r}" for name, guess in zip(asked, free, strict=False)
    )
    return (
        f"It cannot be told which column of {str(path)!r} is the {missing}. It begins with: "
        f"{' | '.join(shown)}. Say so, for example: keras-rbi train --dataset {path} {options}."
    )


def _cell(
    path: Path, number: int, header: Sequence[str], row: Mapping[int, str], place: int
) -> str:
    value = row.get(place, "")
    if not value:
        name = header[place] if place < len(header) else f"number {place + 1}"
        raise ValueError(
            f"Line {number} of {str(path)!r} has nothing in its column {name!r}: "
            f"{', '.join(row.values())!r}. Fill it in, or take the line out."
        )
    return value


def _label(path: Path, number: int, label: str) -> str:
    if "\x00" in label or len(label) > LONGEST_LABEL:
        raise ValueError(
            f"The label in line {number} of {str(path)!r} is none: {label[:40]!r}, of "
            f"{len(label):,} characters. At most {LONGEST_LABEL} are allowed, and no NUL."
        )
    return label


def _files(path: Path, root: Path, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The file that each row names, relative to `root`, and notes on how it was found."""
    files = list(names)
    missing = [row for row, name in enumerate(names) if not is_file(root, name)]
    slashed = {row: names[row].replace("\\", "/") for row in missing if "\\" in names[row]}
    for row, name in slashed.items():
        files[row] = name
    missing = [row for row in missing if not is_file(root, files[row])]
    if not missing or not root.is_dir():
        return files, []
    by_end = files_by_end(root)
    several = []
    guessed = 0
    for row in missing:
        found = by_end.get(files[row].removeprefix("./"), [])
        if len(found) == 1:
            files[row] = found[0]
            guessed += 1
        elif found:
            several.append(f"{names[row]!r} ({', '.join(found[:SHOWN])})")
    if several:
        raise ValueError(
            f"Names in {str(path)!r} stand for several files in {str(root)!r}: "
            f"{'; '.join(several[:SHOWN])}. Give their folders and suffixes."
        )
    if not guessed:
        return files, []
    return files, [f"{guessed:,} names in {path.name} were completed to files in {root}."]


def _merged(
    path: Path, root: Path, files: Sequence[str], values: Mapping[str, Sequence[str]]
) -> tuple[list[int], int]:
    """The rows that count, and how many repeat another; refuses two labels of one file.

    A file is the same however a row comes to it: `./a.jpg`, `x/../a.jpg`, or from the root on.
    """
    first: dict[str, int] = {}
    differing: dict[str, list[str]] = {}
    for row, file in enumerate(files):
        before = first.setdefault(os.path.abspath(root / file), row)
        for column in ("label", "split"):
            if column in values and values[column][before] != values[column][row]:
                differing.setdefault(file, [values[column][before]]).append(values[column][row])
    if differing:
        shown = "; ".join(
            f"{file}: {', '.join(some)}" for file, some in list(differing.items())[:5]
        )
        raise ValueError(
            f"{len(differing):,} files have several labels or splits in {str(path)!r}: {shown}. "
            "Keep one row of each."
        )
    return list(first.values()), len(files) - len(first)
