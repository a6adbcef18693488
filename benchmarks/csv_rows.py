"""Rows of measurements in a CSV file, to which a program that is run again adds what is missing."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows of a file, none where there is no file yet."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def add_rows(file: Path, fields: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    """Adds rows to a file, under a line of names where it is new."""
    is_new = not file.is_file()
    with file.open("a", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, fields, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)
